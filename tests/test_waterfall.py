"""The waterfall: each step from where the one above ended, signed, with its certainty."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from kpi_helpers import charts, drivers, sheets, wording
from kpi_helpers.charts.theme import BETTER, WORSE
from kpi_helpers.sources import Dataset

THEN = {"period": "2025Q3", "start": "2025-07-01", "end": "2025-10-01"}
NOW = {"period": "2026Q3", "start": "2026-07-01", "end": "2026-10-01"}


def bridge(*changes: tuple[str, object, float, str], unit: str = "money") -> pd.DataFrame:
    """Return the steps from 3,000,000 (or 30%) on: what, whose, how much, how sure."""
    first = 0.3 if unit == "percent" else 3_000_000.0
    last = first + sum(amount for _, _, amount, _ in changes)
    rows = [
        ("", None, first, "", "before", *THEN.values()),
        *((step, *rest, "change", *NOW.values()) for step, *rest in changes),
        ("", None, last, "", "after", *NOW.values()),
    ]
    columns = ["step", "name", "amount", "certainty", "kind", *NOW]
    return pd.DataFrame(rows, columns=columns).assign(bridge="customers", unit=unit)


STEPS = bridge(
    ("lost", "ACME", -340_000.0, ""),
    ("contraction", None, -120_000.0, ""),
    ("new", None, 310_000.0, "not_established"),
)


def bars(figure: Figure, gid: str = "change") -> list[tuple[float, float]]:
    """Return where the bars of a kind start, and how far they go."""
    found = figure.findobj(lambda artist: artist.get_gid() == gid)
    return [(bar.get_x(), bar.get_width()) for bar in found]


def said(figure: Figure, gid: str) -> list[str]:
    found = figure.findobj(lambda artist: artist.get_gid() == gid)
    return [artist.get_text() for artist in found]


def test_each_step_starts_where_the_one_above_ended() -> None:
    figure = charts.waterfall(STEPS)
    assert bars(figure) == [(0, -340_000), (-340_000, -120_000), (-460_000, 310_000)]
    assert bars(figure, "before") == [(0, 0)]
    assert bars(figure, "after") == [(0, -150_000)]
    lines = figure.findobj(lambda artist: artist.get_gid() == "connection")
    levels = [list(line.get_xdata()) for line in lines]
    assert levels == [[x, x] for x in (0, -340_000, -460_000, -150_000)]


def test_levels_and_signed_changes_are_written_and_doubt_is_said() -> None:
    figure = charts.waterfall(STEPS, lang="fr")
    written = ["3,00 M€", "−340 k€", "−120 k€", "+310 k€", "2,85 M€"]
    assert [each.replace("\u00a0", " ") for each in said(figure, "figure")] == written
    assert said(figure, "remark") == ["", "", "", "peut être le hasard", ""]


def test_up_down_and_doubt_look_different_in_grey_too() -> None:
    figure = charts.waterfall(STEPS)
    drawn = figure.findobj(lambda artist: artist.get_gid() == "change")
    edges = [to_hex(bar.get_edgecolor()) for bar in drawn]
    assert edges == [WORSE, WORSE, BETTER]
    assert [bool(bar.get_hatch()) for bar in drawn] == [False, False, True]
    assert to_hex(drawn[2].get_facecolor()) == "#ffffff"


def test_no_label_runs_into_another() -> None:
    """Account names as long as they come; forty steps."""
    many = bridge(*(("lost", f"Société des établissements {i}" * 3, -1e4, "") for i in range(40)))
    figure = charts.waterfall(many, lang="fr")
    figure.draw_without_rendering()
    names = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert all(a.y0 > b.y1 for a, b in pairwise(names))
    shown = figure.findobj(lambda artist: artist.get_gid() in ("figure", "remark"))
    right = max(artist.get_window_extent().x1 for artist in shown if artist.get_text())
    assert right <= figure.bbox.x1
    assert min(box.x0 for box in names) >= 0
    inside = [artist for artist in shown if artist.get_gid() == "figure"]
    edge = figure.axes[0].get_window_extent().x1
    assert min(artist.get_window_extent().x0 for artist in inside) >= edge - 1


def test_a_rate_moves_in_points() -> None:
    figure = charts.waterfall(bridge(("mix", None, -0.123, ""), unit="percent"))
    assert bars(figure) == [(0, pytest.approx(-12.3))]
    assert said(figure, "figure")[0] == "30.0%"
    assert said(figure, "figure")[1].startswith("−12.3")


def test_the_title_names_the_largest_step_and_what_is_known_of_it() -> None:
    told = wording.bridged(STEPS, "en")
    assert told == (
        "Q3 2026: revenue €2.85m, €3.00m in Q3 2025 (−€150k); foremost: ACME (did not buy), −€340k"
    )
    assert charts.alt(charts.waterfall(STEPS)) == told
    doubtful = wording.bridged(bridge(("new", None, 9e5, "not_established")), "en")
    assert doubtful.endswith("; largest driver: new customers since, +€900k (may be chance)")


@pytest.mark.parametrize(("way", "named"), [(-1, "did not buy"), (1, "new customers since")])
def test_a_rise_does_not_explain_a_fall(way: int, named: str) -> None:
    """Nor a fall a rise: the step named goes the way of the whole, though another is larger."""
    steps = bridge(("new", None, 1.4e6, ""), ("lost", "B", -1.4e6 + way * 1e5, ""))
    assert named in wording.bridged(steps, "en")
    assert wording.drivers_findings(steps, "en")["rows"].tolist() == [
        "1, 2, 4" if way > 0 else "1, 3, 4"
    ]


def test_text_of_the_data_stays_text() -> None:
    hostile = bridge(("lost", "$\\x$ <b>\u202e", -1.0, ""))
    figure = charts.waterfall(hostile)
    assert charts.image(figure).startswith(b"\x89PNG")
    assert "$\\x$ <b> (did not buy)" in [t.get_text() for t in figure.axes[0].get_yticklabels()]


def test_a_finding_is_as_sure_as_what_moved_the_figure() -> None:
    (fact,) = wording.drivers_findings(STEPS, "fr", table="customer_steps").itertuples(index=False)
    assert (fact.kind, fact.sureness, fact.money_at_stake) == ("finding", 0, -340_000)
    assert (fact.table, fact.rows) == ("customer_steps", "1, 2, 5")
    doubtful = bridge(("new", None, 9e5, "not_established"), ("lost", None, -1e3, ""))
    (row,) = wording.drivers_findings(doubtful, "fr").itertuples(index=False)
    assert row.sureness == 1
    assert np.isnan(row.money_at_stake)
    assert row.sentence.endswith("(peut être le hasard).")


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_findings_and_tables_of_the_sample_company_say_the_same(sample: Dataset, lang: str) -> None:
    """The fall of qualification, with what of it the weight of social media brought."""
    steps = drivers.rate_bridge(sample, "2025Q4", "lead_qualification_rate")
    (told,) = wording.drivers_findings(steps, lang)["sentence"]
    sheet = sheets.steps(steps, lang).as_raw_html().replace("\u00a0", " ")
    said = told.replace("\u00a0", " ")
    for number in ("37", "23", "−3", "21", "38"):
        (whole,) = re.findall(rf"(?<![\d,.]){number}[,.]\d(?: ?%| points)", said)
        assert whole in sheet
    assert re.search(r"−13[,.]9 points", said)
    assert steps["change"].iloc[-1] == pytest.approx(-0.139, abs=5e-4)
    assert "Réseaux sociaux" in said
    assert wording.banned(told, lang) == []
    quiet = wording.drivers_findings(drivers.rate_bridge(sample, "2026Q3"), lang)
    assert quiet["sureness"].tolist() == [1]
    assert {"fr": "Pas de changement démontré", "en": "No change shown"}[lang] in quiet["sentence"][
        0
    ]


def test_the_products_of_a_table_add_up_to_its_total() -> None:
    names = [f"product {i}" for i in range(13)]
    before = pd.DataFrame({"product": names, "quantity": range(1, 14), "price": 10.0})
    cut = drivers.price_volume_mix(before, before.assign(price=12.0)).assign(other=0.0)
    html = sheets.products(cut, "en").as_raw_html()
    assert "product 12" in html
    assert "product 1<" not in html
    assert "3 others" in html
    assert "+€182" in html.rpartition("Total")[2]
    assert "Without product" not in html
