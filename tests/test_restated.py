"""What an earlier report wrote and is no longer so: by hand, in both languages, and on a page."""

import re
from pathlib import Path

import pandas as pd
import pytest
from test_diff import DEALS, HOSTILE, changed, opened, put, redefine

from kpi_helpers import reports, sheets, wording
from kpi_helpers.cli import main
from kpi_helpers.errors import KpiError
from kpi_helpers.reports import places, running, tables
from kpi_helpers.sources import Dataset

NOW = "2026-09-30"


def plain(said: str) -> str:
    return said.replace("\u00a0", " ").replace("\u202f", " ")


def sentences(found: wording.Restated, lang: str, currency: str = "EUR") -> list[str]:
    return [plain(said) for said in wording.restatements(found, lang, currency=currency)]


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """Return the folder of a report of the second quarter."""
    return put(tmp_path / "2026Q2", opened(DEALS))


def again(
    deals: pd.DataFrame, pack: Path, period: str = "2026Q3", as_of: str = NOW, **config: object
) -> wording.Restated:
    """Return what a later report says of an earlier one."""
    found = reports.restated(opened(deals, as_of, **config), period, str(pack))
    assert found is not None
    return found


def test_what_was_written_stands_beside_what_it_is_now(earlier: Path) -> None:
    found = again(changed(), earlier)
    figures = found.figures.set_index(["kpi", "period"])
    assert figures[["before", "after", "moved"]].to_dict("index") == {
        ("win_rate_count", "2026Q2"): {"before": 0.25, "after": pytest.approx(1 / 3), "moved": 2},
        ("bookings", "2026Q1"): {"before": 400, "after": 450, "moved": 1},
        ("bookings", "2026Q2"): {"before": 500, "after": 80, "moved": 2},
    }
    assert not figures["definition"].any()
    # The largest change comes first: 500 → 80, 25 → 33.3 %, 400 → 450.
    assert found.figures["after"].round(3).tolist() == [80, 0.333, 450]


@pytest.mark.parametrize(
    ("lang", "first", "second"),
    [
        (
            "fr",
            "Commandes signées T2 2026 : nous écrivions 500 €, c’est maintenant 80 € ;"
            " 2 affaires ont bougé.",
            "Taux de gain T2 2026 : nous écrivions 25,0 %, c’est maintenant 33,3 % ;"
            " 2 affaires ont bougé.",
        ),
        (
            "en",
            "Q2 2026 bookings: we wrote €500, it is now €80; 2 deals moved.",
            "Q2 2026 win rate: we wrote 25.0%, it is now 33.3%; 2 deals moved.",
        ),
    ],
)
def test_the_sentences(earlier: Path, lang: str, first: str, second: str) -> None:
    said = sentences(again(changed(), earlier), lang)
    assert said[:2] == [first, second]
    assert len(said) == 3


def test_one_row_moves_in_the_singular(earlier: Path) -> None:
    said = sentences(again(changed(), earlier), "fr")[2]
    assert said.endswith("nous écrivions 400 €, c’est maintenant 450 € ; 1 affaire a bougé.")


def test_nothing_restated_is_one_line(earlier: Path) -> None:
    more = pd.concat([DEALS, DEALS.tail(1).assign(deal_id="c2")])
    found = again(more, earlier)
    assert sentences(found, "en") == ["No final figure of the Q2 2026 report has changed since."]
    assert sentences(found, "fr") == [
        "Aucun chiffre définitif du rapport T2 2026 n’a changé depuis."
    ]


def test_a_definition_that_changed_is_said_to_have(
    earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redefine(monkeypatch)
    found = again(changed(), earlier)
    said = {
        row["kpi"]: text
        for row, text in zip(found.figures.to_dict("records"), sentences(found, "en"), strict=True)
    }
    assert said["win_rate_count"].endswith("it is now 33.3%; the definition has changed.")
    assert "win_rate_count" not in set(found.rows["kpi"])
    assert again(DEALS, earlier).figures.empty


def test_settings_that_changed_are_named_beside(earlier: Path) -> None:
    found = again(changed(), earlier, lags={"cac": 3}, currency="USD")
    assert found.report["settings"] == ["currency", "lags"]
    said = sentences(found, "en", "USD")
    assert said[-1] == "Settings changed since that report: currency, lags."
    assert "we wrote €500, it is now $80" in said[0]


def test_a_figure_that_time_moves_was_not_final(tmp_path: Path) -> None:
    """In a quarter still running, what came afterwards is no restatement; an edit before it is."""
    running_quarter = put(tmp_path / "2026Q3", opened(DEALS, "2026-07-15"), "2026Q3")
    later = DEALS.assign(closed_at=DEALS["closed_at"].replace("2026-07-20", "2026-07-28"))
    assert again(later, running_quarter, "2026Q4", "2026-12-31").figures.empty
    edited = again(changed(), running_quarter, "2026Q4", "2026-12-31")
    assert set(edited.figures["period"]) == {"2026Q2"}


def test_only_a_segment_is_held_against_a_segment(tmp_path: Path) -> None:
    data = opened(changed(), NOW, segments={"small": "amount < 200"})
    scorecard = reports.side_by_side(data, ["deals_won_count"], "2026Q2", segment="small")
    assert scorecard["value"].tolist() == [1, 1]
    rows = reports.behind(data, scorecard, "small")
    assert rows["key"].tolist() == ["a1", "b2"]


# --- which earlier report -----------------------------------------------------------------------


def found_from(out: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(tables.FOLDER_VARIABLE, str(out / ".2026Q4.new" / "tables"))
    found = reports.restated(data, "2026Q4")
    return "" if found is None else str(found.report["period"])


def test_the_newest_period_before_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = opened(DEALS, "2026-12-31")
    assert reports.restated(data, "2026Q4") is None
    assert found_from(tmp_path, data, monkeypatch) == ""
    for period in ("2026Q1", "2026Q3", "2026Q2", "2026Q4"):
        put(tmp_path / period, opened(DEALS, "2026-12-31"), period)
    assert found_from(tmp_path, data, monkeypatch) == "2026Q3"
    put(tmp_path / "2026Q3", opened(DEALS, "2026-12-31"), "2026Q3", segment="large")
    assert found_from(tmp_path, data, monkeypatch) == "2026Q2"
    put(tmp_path / "2026Q2", opened(DEALS, "2026-12-31", name="Other"))
    assert found_from(tmp_path, data, monkeypatch) == "2026Q1"
    (tmp_path / "2026Q1" / "run.json").write_text('{"form": 0}')
    assert found_from(tmp_path, data, monkeypatch) == ""


def test_a_folder_that_is_no_pack_stops_before_a_kernel_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "executed", None)
    with pytest.raises(KpiError, match="is no report"):
        running.run({"before": str(tmp_path), "period": "2026Q3"}, tmp_path / "out")


# --- on the page --------------------------------------------------------------------------------


def test_text_from_data_is_inert_on_the_page(tmp_path: Path) -> None:
    deals = DEALS.replace({"b1": HOSTILE})
    edited = deals.assign(amount=deals["amount"] * 2)
    found = again(edited, put(tmp_path / "2026Q2", opened(deals)))
    shown = sheets.restated(found, "en")
    assert shown is not None
    html = shown._repr_html_()
    assert "<script" not in html
    assert "=cmd|" in html
    assert "&lt;script&gt;" in html


def test_at_most_three_rows_a_figure_are_shown(tmp_path: Path) -> None:
    many = pd.concat([DEALS.head(1).assign(deal_id=f"a{n}") for n in range(9)])
    found = again(many.assign(amount=range(9)), put(tmp_path / "2026Q2", opened(many)))
    shown = sheets.restated(found, "en")
    assert shown is not None
    html = shown._repr_html_()
    assert re.findall(r">(a\d)<", html) == ["a0", "a1", "a2"]
    assert "9 moved in all" in html
    assert sheets.restated(None, "en") is None


@pytest.mark.thorough
def test_a_report_opens_with_what_was_restated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two quarters made with the command; the section is absent in the first, there in the next.

    Of the notebooks only the one that shows it is run, for the sake of time.
    """
    (notebook,) = [path for path in places.of_reports() if path.stem == "01_kpi_evaluation"]
    monkeypatch.setattr(places, "of_reports", lambda: [notebook])
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    settings = 'schema = 1\nname = "Tiny"\nkpis = ["win_rate_count", "bookings"]\n'
    Path("kpi.toml").write_text(settings, "utf-8")
    for period, deals in (("2026Q2", DEALS), ("2026Q3", changed())):
        deals.to_csv("deals.csv", index=False)
        assert main(["report", "--period", period, "--lang", "en"]) == 0
    pages = [
        Path("reports", period, "01_kpi_evaluation.html").read_text("utf-8")
        for period in ("2026Q2", "2026Q3")
    ]
    assert "What was restated" not in pages[0]
    assert "Q2 2026 bookings: we wrote €500, it is now €80; 2 deals moved." in plain(pages[1])
    assert pages[1].index("What was restated") < pages[1].index('id="Findings"')
    index = plain(Path("reports/2026Q3/index.html").read_text("utf-8"))
    first, second = re.findall(r"<li>(.*?)</li>", index.partition('id="In-short"')[2])[:2]
    assert first == "Q2 2026 bookings: we wrote €500, it is now €80; 2 deals moved."
    assert second.startswith("Q2 2026 win rate: we wrote 25.0%")
    restated = pd.read_csv("reports/2026Q3/tables/restated.csv", encoding="utf-8-sig")
    assert restated["moved"].tolist() == [2, 2, 1]
    assert not Path("reports/2026Q2/tables/restated.csv").exists()
