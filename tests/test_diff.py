"""What differs between two reports, and what is said of packs that are none."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers import reports
from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.cli import main
from kpi_helpers.errors import KpiError
from kpi_helpers.measure import keyed
from kpi_helpers.reports import places, restating, tables
from kpi_helpers.reports.record import record, settings
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.config import read_config

# Decided in the first quarter: 2 won of 5; in the second: 1 won of 4.
DEALS = pd.DataFrame(
    {
        "deal_id": ["a1", "a2", "a3", "a4", "a5", "b1", "b2", "b3", "b4", "c1"],
        "created_at": ["2026-01-05"] * 5 + ["2026-04-02"] * 4 + ["2026-07-01"],
        "status": ["won", "won", "lost", "lost", "lost", "won", "lost", "lost", "lost", "lost"],
        "closed_at": ["2026-02-01"] * 5 + ["2026-05-01"] * 4 + ["2026-07-20"],
        "amount": [100.0, 300.0, 50, 50, 50, 500.0, 60, 60, 60, 70],
        "owner": ["Ann", "<script>alert(1)</script>"] * 5,
    }
)
KPIS = ["win_rate_count", "bookings", "deals_won_count"]
HOSTILE = "=cmd|' /C calc'!A0<script>alert(1)</script>"


def opened(deals: pd.DataFrame, as_of: str = "2026-06-30", **config: Any) -> Dataset:
    return kh.load(deals, {"schema": 1, "name": "Tiny", "language": "en", **config}, as_of=as_of)


def put(folder: Path, data: Dataset, period: str = "2026Q2", by: str = "", **given: Any) -> Path:
    """Write a pack as a report does, without a notebook."""
    scorecard = reports.side_by_side(data, KPIS, period)
    made = {"scorecard": scorecard, "behind": reports.behind(data, scorecard)}
    if by:
        made["breakdown"] = reports.side_by_side(data, KPIS, period, by)
    for name, table in made.items():
        tables.write_csv(table, folder / "tables" / f"{name}.csv")
    calendar = data.config.calendar
    parameters = {"period": period, "by": by, "segment": "", **given}
    written = record(data, calendar.parse(period, data.as_of, data.first), parameters, KPIS)
    (folder / "run.json").write_text(json.dumps(written), "utf-8")
    return folder


def changed(deals: pd.DataFrame = DEALS) -> pd.DataFrame:
    """Return deals of which a1 is worth 150, b1 is deleted, and b2 was won after all."""
    edited = deals[deals["deal_id"].ne("b1")].copy()
    edited.loc[edited["deal_id"].eq("a1"), "amount"] = 150.0
    edited.loc[edited["deal_id"].eq("b2"), ["status", "amount"]] = ["won", 80.0]
    return edited


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Return a pack of the second quarter, and one made again after the deals were edited."""
    return put(tmp_path / "a", opened(DEALS)), put(tmp_path / "b", opened(changed()))


def redefine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the win rate have another definition until the test ends."""
    old = REGISTRY["win_rate_count"]
    new = dataclasses.replace(
        old, version="00000000", definitions={"fr": "Autre.", "en": "Another."}
    )
    monkeypatch.setitem(REGISTRY, "win_rate_count", new)


# --- the difference -----------------------------------------------------------------------------


def test_the_same_input_gives_no_difference(tmp_path: Path) -> None:
    shuffled = DEALS.sample(frac=1, random_state=1)
    found = reports.difference(
        put(tmp_path / "a", opened(DEALS)), put(tmp_path / "b", opened(shuffled))
    )
    assert found["same"]
    assert found["common"] == 6
    assert not any(found[topic] for topic in ("figures", "rows", "definitions", "tables"))


def test_figures_rows_and_tables_that_differ_are_named(pair: tuple[Path, Path]) -> None:
    found = reports.difference(*pair)
    figures = {(row["kpi"], row["period"]): row for row in found["figures"]}
    assert {key: (row["before"], row["after"]) for key, row in figures.items()} == {
        ("win_rate_count", "2026Q2"): (1 / 4, pytest.approx(1 / 3)),
        ("bookings", "2026Q1"): (400, 450),
        ("bookings", "2026Q2"): (500, 80),
    }
    assert figures["bookings", "2026Q2"]["change"] == -420
    rows = {(r["kpi"], r["key"]): (r["counts_before"], r["counts_after"]) for r in found["rows"]}
    assert rows == {
        ("win_rate_count", "b1"): (1, None),
        ("win_rate_count", "b2"): (0, 1),
        ("bookings", "a1"): (100, 150),
        ("bookings", "b1"): (500, None),
        ("bookings", "b2"): (None, 80),
        ("deals_won_count", "b1"): (1, None),
        ("deals_won_count", "b2"): (None, 1),
    }
    moved = {r["key"]: r["moved"] for r in found["rows"] if r["kpi"] == "bookings"}
    assert moved == {"a1": "changed", "b1": "went", "b2": "came"}
    (table,) = found["tables"]
    assert (table["before"]["rows"], table["after"]["rows"]) == (9, 8)
    assert [found[topic] for topic in ("definitions", "settings", "packages")] == [[], [], []]


def test_of_different_periods_what_both_speak_of_is_compared(tmp_path: Path) -> None:
    later = put(tmp_path / "b", opened(changed(), "2026-09-30"), "2026Q3")
    found = reports.difference(put(tmp_path / "a", opened(DEALS)), later)
    assert {row["period"] for row in found["figures"]} == {"2026Q2"}
    assert found["common"] == 3
    assert [row["key"] for row in found["settings"]] == ["as_of"]


def test_groups_are_compared_as_well(tmp_path: Path) -> None:
    packs = [
        put(tmp_path / name, opened(deals), by="owner")
        for name, deals in (("a", DEALS), ("b", changed()))
    ]
    found = [row for row in reports.difference(*packs)["figures"] if row["dims"]]
    (first,) = [row for row in found if row["kpi"] == "bookings" and row["period"] == "2026Q1"]
    assert first["dims"] == {"owner": "Ann"}
    assert (first["before"], first["after"]) == (100, 150)


def test_a_definition_that_changed_is_told_with_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = put(tmp_path / "a", opened(DEALS))
    redefine(monkeypatch)
    (row,) = reports.difference(old, put(tmp_path / "b", opened(DEALS)))["definitions"]
    assert row["key"] == "win_rate_count"
    assert row["after"] == {
        "version": "00000000",
        "definition": {"fr": "Autre.", "en": "Another."},
    }


def test_settings_are_told_by_key_and_the_address_is_not(tmp_path: Path) -> None:
    ours = {"source": "postgresql://ann:secret@db/x", "password_env": "PW", "lags": {"cac": 1}}
    packs = [
        put(tmp_path / "a", opened(DEALS, **ours)),
        put(tmp_path / "b", opened(DEALS, lags={"cac": 2}, currency="USD")),
    ]
    assert reports.difference(*packs)["settings"] == [
        {"key": "currency", "before": "EUR", "after": "USD"},
        {"key": "lags.cac", "before": 1, "after": 2},
    ]
    assert "secret" not in (packs[0] / "run.json").read_text()


def test_a_query_is_written_down_as_a_digest() -> None:
    query = {"deals": {"query": "SELECT * FROM 's3://key:secret@x'"}}
    told = settings(read_config({"schema": 1, "tables": query}))
    assert "secret" not in json.dumps(told)
    assert len(told["tables.deals.query"]) == 12


# --- the rows behind ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return kh.load(places.sample())


@pytest.mark.parametrize(
    "kpi",
    [
        *("win_rate_count", "win_rate_value", "bookings", "open_pipeline_value"),
        *("aov", "revenue_per_customer", "leads_generated"),
    ],
)
def test_rows_by_their_ids_add_up_to_the_figure(sample: Dataset, kpi: str) -> None:
    (row,) = kh.measure(sample, kpi, "2026Q2").to_dict("records")
    rows = keyed(sample, kpi, "2026Q2")
    assert rows["key"].is_monotonic_increasing
    assert rows["counts"].sum() == pytest.approx(row["numerator"])


@pytest.mark.thorough
def test_no_name_gets_into_the_rows(sample: Dataset) -> None:
    kpis = list(kh.catalogue()["id"])
    frame = reports.behind(sample, reports.side_by_side(sample, kpis, "2026Q3"))
    assert list(frame) == ["kpi", "period", "key", "counts", "of"]
    assert frame["key"].str.fullmatch(r"([ACDFLR]|ACT-)\d+").all()


def test_more_rows_than_are_listed_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restating, "MOST", 3)
    data = opened(DEALS)
    rows = reports.behind(data, reports.side_by_side(data, ["win_rate_count"], "2026Q2"))
    assert rows[["period", "key", "counts"]].values.tolist() == [
        ["2026Q1", "", 5],
        ["2026Q2", "", 4],
    ]


def test_rows_that_only_one_pack_lists_are_not_said_to_have_moved(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (pair[1] / "tables" / "behind.csv").unlink()
    found = reports.difference(*pair)
    assert found["rows"] == []
    assert len(found["unlisted"]) == found["common"]
    assert main(["diff", *map(str, pair), "--lang", "en"]) == 1
    assert "6 figures without a list of their rows" in capsys.readouterr().out


# --- on the command line ------------------------------------------------------------------------


def said(capsys: pytest.CaptureFixture[str], lang: str, *packs: Path) -> tuple[int, str]:
    code = main(["diff", *map(str, packs), "--lang", lang])
    captured = capsys.readouterr()
    return code, (captured.out + captured.err).replace("\u00a0", " ").replace("\u202f", " ")


def test_the_command_speaks_both_languages(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    code, english = said(capsys, "en", *pair)
    assert code == 1
    lines = english.splitlines()
    assert "  Q2 2026 win rate: 25.0% → 33.3% (+8.3 points)" in lines
    assert "  deals: 9 → 8 rows" in lines
    assert "    b2: 0 of 1 → 1 of 1" in lines
    assert lines.count("  Nothing changed.") == 3
    code, french = said(capsys, "fr", *pair)
    assert "  Taux de gain T2 2026 : 25,0 % → 33,3 % (+8,3 points)" in french.splitlines()
    assert "  Commandes signées T2 2026 : 500 € → 80 € (−420 €)" in french.splitlines()


def test_the_same_pack_has_not_changed(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "en", pair[0], pair[0]) == (0, "Nothing changed.\n")
    assert main(["diff", str(pair[0]), str(pair[0]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["same"] is True


def test_text_from_data_cannot_steer_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deals = DEALS.replace({"b1": f"\x1b[31m{HOSTILE}", "b2": HOSTILE})
    edited = deals.assign(amount=deals["amount"] * 2)
    packs = [put(tmp_path / "a", opened(deals)), put(tmp_path / "b", opened(edited))]
    code, text = said(capsys, "en", *packs)
    assert code == 1
    assert "\x1b" not in text
    assert f"    [31m{HOSTILE}: €500 → €1,000" in text
    behind = (packs[0] / "tables" / "behind.csv").read_text("utf-8-sig")
    assert f'"\'{HOSTILE}"' in behind


def test_a_folder_that_is_no_pack_is_told_with_the_nearest(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong in (pair[0].parent, pair[0] / "tables", pair[0].with_name("aa"), Path("nowhere")):
        code, text = said(capsys, "en", wrong, pair[1])
        assert code == 2
        assert text.startswith(f"kpi: The folder {wrong} is no report: it has no run.json.")
        assert len(text.splitlines()) == 1
    assert f"Did you mean {pair[0]}" in said(capsys, "en", pair[0] / "tables", pair[1])[1]


DAMAGE = {
    "run.json": ("{", "run.json cannot be read"),
    "tables/scorecard.csv": ("", "scorecard.csv cannot be read"),
    "tables/behind.csv": ("kpi,period\n", "behind.csv needs the column 'key'"),
    "tables/breakdown.csv": ('a,b\n1,2,3\n"', "breakdown.csv cannot be read"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("file", DAMAGE)
def test_a_damaged_pack_is_one_clear_error(
    file: str, pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    content, reason = DAMAGE[file]
    (pair[1] / file).write_text(content)
    code, text = said(capsys, "en", *pair)
    assert code == 2
    assert reason in text
    assert len(text.splitlines()) == 1


@pytest.mark.thorough
@pytest.mark.parametrize("content", ["[]", "{}", '{"form": 99}', '{"form": 1}'])
def test_a_pack_of_another_version_says_so(content: str, pair: tuple[Path, Path]) -> None:
    (pair[1] / "run.json").write_text(content)
    with pytest.raises(KpiError, match="another version of the kit, or is damaged") as caught:
        reports.difference(*pair)
    assert caught.value.exit_code == 2


def test_values_that_are_no_numbers_are_one_clear_error(pair: tuple[Path, Path]) -> None:
    scorecard = pair[0] / "tables" / "scorecard.csv"
    scorecard.write_text(scorecard.read_text("utf-8-sig").replace("400.0", "many"))
    with pytest.raises(KpiError, match="scorecard.csv cannot be read"):
        reports.difference(*pair)
