"""The company's own funnel: the sample's truths, plain sums beside it, and what a reader sees."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from numerals import unknown_numbers

import kpi_helpers as kh
from kpi_helpers import charts, funnel, sheets, wording
from kpi_helpers.charts import alt
from kpi_helpers.errors import BadPeriod, Unavailable, UnknownName
from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.pseudonyms import pseudonymised

WORSE, BETTER = "worse", "better"
WINDOWS = ("stage_conversion", "lead_to_customer_rate")


@pytest.fixture(scope="module")
def entered(sample: Any) -> pd.DataFrame:
    return funnel.conversion(sample, "2026Q3")


@pytest.fixture(scope="module")
def trend(sample: Any) -> pd.DataFrame:
    return funnel.trend(sample, "2025Q4")


def test_the_replay_names_qualification_and_nothing_else(sample: Any, trend: pd.DataFrame) -> None:
    moved = trend[trend["change_verdict"].isin([WORSE, BETTER])]
    assert moved[["period", "step", "change_verdict"]].to_numpy().tolist() == [
        ["2025Q3", "Qualification", WORSE],
        ["2025Q4", "Qualification", WORSE],
    ]
    assert not (trend["change_verdict"] == BETTER).any()
    channels = funnel.trend(sample, "2025Q4", by="source").query(
        "place == 1 and start >= '2025-07'"
    )
    ratio = channels["numerator"].sum() / (channels["reference"] * channels["n"]).sum()
    assert ratio == pytest.approx(0.72, abs=0.06)  # within channel
    assert (channels.groupby("source")["change"].mean() < 0).all()
    script = funnel.around(sample, dt.date(2025, 7, 1))
    assert script["change_verdict"].tolist() == [WORSE, *["none_shown"] * 4]
    assert script["event"].unique() == ["Nouveau script d’appel"]


def test_an_event_is_looked_at_once_three_months_have_passed(sample: Any) -> None:
    days = sample.as_of - np.array([90, 91, 200]) * dt.timedelta(days=1)
    events = pd.DataFrame({"date": pd.to_datetime(days), "label": ["too new", "new", "old"]})
    known = kh.load({"leads": sample["leads"], "deals": sample["deals"], "events": events})
    found = funnel.around(known.at(sample.as_of))
    assert found["event"].unique() == ["new"]
    assert found["start"].unique() == [pd.Timestamp(days[1])]


def test_social_networks_let_fewer_pass(sample: Any) -> None:
    apart = funnel.by_group(sample, "2026Q3")
    assert set(apart.loc[apart["adverse"], "group"]) == {"Réseaux sociaux"}
    assert (apart["dimension"] == "source").all()
    assert funnel.by_group(sample, "2026Q3", by="team")["group"].nunique() == 2


def test_steps_are_those_of_a_loop_and_the_young_stay_out(
    sample: Any, entered: pd.DataFrame
) -> None:
    rows = frame_of(sample.con, funnel.journeys(sample))
    at = rows.pivot(index="case_id", columns="step", values="entered_at")
    at = at[at["lead"] >= "2025-10-01"]
    window = int(entered["window"].iloc[0])
    old = (pd.Timestamp(sample.as_of) - at["lead"]).dt.days >= window
    assert entered["young"].tolist() == [(~old).sum()] * len(entered)
    for row in entered.to_dict("records"):
        days = (at[row["step"]] - at["lead"]).dt.days
        assert row["numerator"] == (old & (days <= window)).sum()
        assert row["so_far"] == (~old & (days <= window)).sum()
        assert row["whole"] == row["numerator"] / old.sum()
    furthest = rows[rows["advanced_at"].isna() & (rows["outcome"] != "lost")]
    furthest = furthest[furthest["case_id"].isin(at.index)].groupby("step")["case_id"].count()
    names = entered["step"].replace({"qualified": "Qualification"})
    assert entered["standing"].tolist() == furthest.reindex(names).tolist()


def test_a_year_is_the_sum_of_its_quarters(sample: Any) -> None:
    quarters = funnel.trend(sample, "2026Q3").query("start >= '2025-10-01'")
    groups = funnel.by_group(sample, "2026Q3", by="segment")
    sums = ["numerator", "denominator", "young", "so_far"]
    added = [frame.groupby("step")[sums].sum() for frame in (quarters, groups)]
    pd.testing.assert_frame_equal(*added)


def test_amounts_count_from_the_deal_on(sample: Any) -> None:
    found, deals = funnel.conversion(sample, "2025Q4", unit="amount"), sample["deals"]
    entered = deals[deals["created_at"].between("2025-01-01", "2025-12-31")]
    entered = entered.sort_values("amount")
    assert found["after"].iloc[0] == "Qualification"
    assert found["started"].iloc[0] == pytest.approx(entered["amount"].sum(), rel=0.02)
    won = (entered["closed_at"] - entered["created_at"]).dt.days <= found["window"].iloc[0]
    won &= entered["status"] == "won"
    share = entered.loc[won, "amount"].sum() / entered["amount"].sum()
    assert found["whole"].iloc[-1] == pytest.approx(share, rel=0.02)
    assert (found["method"] == "delta").all()
    with pytest.raises(UnknownName, match="sauce"):
        funnel.trend(sample, "2026Q3", by="sauce")


def test_few_cases_of_a_person_are_not_handed_over(sample: Any) -> None:
    found = funnel.trend(pseudonymised(sample), "2026Q3", by="owner")
    plain = funnel.trend(sample, "2026Q3", by="owner")
    few = plain["n"] < 5
    assert few.any()
    assert found.groupby(["period", "step"])["n"].apply(lambda n: n.isna().sum()).sum() == few.sum()
    assert found.loc[found["n"].isna(), ["value", "numerator", "young"]].isna().all(axis=None)


def test_the_shop_is_counted_by_device(sample: Any) -> None:
    visits = sample["web_funnel"]
    visits = visits[visits["date"] >= "2025-10-01"]
    shop, devices = (funnel.checkout(sample, "2026Q3", by=by) for by in ("", "device"))
    for row in shop.to_dict("records"):
        assert row["numerator"] == visits[row["step"]].sum()
    by_device = (
        visits.groupby("device")["orders"].sum() / visits.groupby("device")["checkouts"].sum()
    )
    last = devices[devices["step"] == "orders"].set_index("group")["value"]
    assert last.to_dict() == pytest.approx(by_device.to_dict())
    pages = pd.DataFrame({"date": ["2026-01-05"], "sessions": [10], "product_views": [30]})
    odd = funnel.checkout(kh.load({"web_funnel": pages.assign(orders=1)}), "2026Q1")
    assert odd["status"].tolist() == ["missing", "ok"]
    assert np.isnan(odd["value"].iloc[0])


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_what_is_said_stands_in_the_table(
    sample: Any, entered: pd.DataFrame, trend: pd.DataFrame, lang: str
) -> None:
    shop = funnel.checkout(sample, "2026Q3")
    for frame, find in (
        (entered, wording.conversion_findings),
        (shop, wording.conversion_findings),
        (trend, wording.passages_findings),
    ):
        for found in find(frame, lang).to_dict("records"):
            behind = frame.iloc[int(found["rows"].partition(",")[0]) - 1].to_dict()
            assert unknown_numbers(found["sentence"], behind | {"target": np.nan}, lang) == []
            assert not wording.banned(found["sentence"], lang)
    said = wording.passages_findings(trend, lang)["sentence"].tolist()
    start = {
        "fr": "Lead → Qualification : 23,6 % (374 sur",
        "en": "Lead → Qualification: 23.6% (374 of",
    }
    assert len(said) == 1
    assert said[0].replace("\u00a0", " ").replace("\u202f", " ").startswith(start[lang])


def test_the_young_are_hatched_and_confirmed_changes_bear_a_sign(
    entered: pd.DataFrame, trend: pd.DataFrame
) -> None:
    rows = wording.funnel_rows(entered, "en")
    figure = charts.bars(rows, "step", title="How many")
    bars = [[b for b in ax.patches if isinstance(b, Rectangle)] for ax in figure.axes[:3]]
    assert [{bar.get_hatch() for bar in panel} for panel in bars] == [{None}, {"...."}, {None}]
    assert [bar.get_width() for bar in bars[0]] == entered["whole"].tolist()
    figure = charts.small_multiples(wording.passage_rows(trend, "en"), "kpi", title="X")
    signs = [line for ax in figure.axes for line in ax.lines if line.get_gid() == WORSE]
    assert [list(line.get_ydata()) for line in signs] == [[*trend["value"].iloc[[6, 7]]]]
    assert alt(figure) == "X"
    html = sheets.changes(wording.passage_rows(entered, "en"), "en").as_raw_html()
    assert "Lead → Qualification" in html


def test_where_all_are_young_the_page_says_so() -> None:
    days = pd.date_range("2026-03-01", periods=40).strftime("%Y-%m-%d")
    deals = {"deal_id": range(40), "created_at": days, "status": ["won"] * 8 + ["open"] * 32}
    deals["closed_at"] = [*days[5:13], *[None] * 32]
    settings = {"as_of": "2026-04-10", "windows": dict.fromkeys(WINDOWS, 90)}
    data = kh.load(pd.DataFrame(deals), settings)
    found = funnel.conversion(data, "2026Q2")
    assert found[["status", "young", "so_far"]].to_numpy().tolist() == [["immature", 40, 8]]
    assert found[["value", "whole"]].isna().all(axis=None)
    for told in (
        wording.conversion_findings(found, "en"),
        wording.passages_findings(funnel.trend(data, "2026Q2"), "en"),
    ):
        assert told["sureness"].tolist() == [2]
    rows = wording.funnel_rows(found, "en")
    assert rows["label"].unique().tolist() == ["The newest, so far", "Snapshot (misleading)"]
    assert charts.bars(rows, "step", title="X").axes


def test_groups_of_which_none_has_enough_cases_are_not_compared() -> None:
    deals = {
        "deal_id": list("123456"),
        "created_at": ["2026-01-05"] * 6,
        "status": ["won", "lost"] * 3,
        "closed_at": ["2026-03-10"] * 6,
        "owner": list("ABCABC"),
    }
    data = kh.load({"deals": pd.DataFrame(deals)})
    with pytest.raises(Unavailable, match="No segments of owner"):
        funnel.by_group(data, "2026Q1", by="owner")


OF_A_PERIOD = ("bant", "bottlenecks", "by_group", "channels", "checkout", "conversion")
OF_A_PERIOD += ("coverage", "cycle", "leak", "losses", "movement", "put_off", "rivals", "slipped")
OF_A_PERIOD += ("stalled", "stays", "trend")


@pytest.mark.parametrize("name", OF_A_PERIOD)
def test_a_period_outside_the_data_is_said_with_their_days(sample: Any, name: str) -> None:
    for period in ("2010Q1", "2027Q3"):
        with pytest.raises(BadPeriod, match=f"no data in {period}: they run from 20.*-30"):
            getattr(funnel, name)(sample, period)
