"""What a customer costs and leaves: worked figures, naive twins, the sample's truths, real ads."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import opened

import kpi_helpers as kh
from kpi_helpers import charts, customers, sheets, wording
from kpi_helpers.customers.economics import customer_values
from kpi_helpers.customers.newcomers import newcomers, purchases
from kpi_helpers.errors import Unavailable
from kpi_helpers.intervals import garwood, quotient
from kpi_helpers.lifetime import lifetime_value
from kpi_helpers.sources import Dataset

HERE = Path(__file__).parent
WORKED = json.loads((HERE / "data" / "worked_examples.json").read_text("utf-8"))
BAD = tomllib.loads((HERE.parent / "data" / "truths.toml").read_text("utf-8"))["bad_channel"]
KINDS = {"cut", "scale", "loss", "earns", "open"}


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return kh.load(HERE.parent / "data" / "sample")


@pytest.fixture(scope="module")
def found(sample: Dataset) -> pd.DataFrame:
    return customers.economics(sample, "2026Q3")


@pytest.fixture(scope="module")
def outlook(sample: Dataset) -> customers.Outlook:
    return customers.outlook(sample)


def row_of(found: pd.DataFrame, channel: str | None) -> dict[Any, Any]:
    ours = found["channel"].isna() if channel is None else found["channel"] == channel
    (row,) = found[ours].to_dict("records")
    return row


def company(won: dict[str, int], spent: dict[str, float], **more: pd.DataFrame) -> Dataset:
    """Customers won in each month of 2026, and the media of that month, through one channel."""
    days = [f"{month}-10" for month, n in won.items() for _ in range(n)]
    who = [f"C{i:04d}" for i in range(len(days))]
    orders = {"order_id": who, "customer_id": who, "order_date": days, "amount_net": 100.0}
    spend = {"date": [f"{month}-01" for month in spent], "amount": [*spent.values()]}
    frames = {
        "orders": pd.DataFrame({**orders, "cost": 30.0, "channel": "web"}),
        "spend": pd.DataFrame({**spend, "channel": "web", "cost_type": "media"}),
    }
    return kh.load({**frames, **more}, {"as_of": "2026-06-30"})


# --- Worked figures ------------------------------------------------------------------------------


def test_w7_first_half_and_its_interval() -> None:
    w7, months = WORKED["W7"], [f"2026-0{i}" for i in range(1, 7)]
    data = company(
        dict(zip(months, w7["customers"], strict=True)), dict(zip(months, w7["spend"], strict=True))
    )
    whole = row_of(customers.economics(data, "2026Q2"), None)
    assert whole["cac"] == pytest.approx(w7["h1"])
    assert (whole["lag"], whole["through"]) == (0, "orders")
    few = row_of(customers.economics(company({"2026-06": 12}, {"2026-06": 30_000.0})), "web")
    assert (few["cac_low"], few["cac_high"]) == pytest.approx(tuple(w7["cac_ci"]))


def test_w7_a_lag_takes_the_spend_of_earlier_months() -> None:
    spend = {"2025-05": 80_000.0, "2026-06": 99_000.0}
    data = company({"2026-04": 80}, spend)
    settings = {"as_of": "2026-06-30", "lags": {"cac": 2}}
    data = kh.load({name: data[name] for name in ("orders", "spend")}, settings)
    assert row_of(customers.economics(data, "2026Q2"), None)["cac"] == pytest.approx(1000)


def under_contract() -> Dataset:
    """W10: 200 customers who pay 100 a month, 8 of whom leave after the first."""
    who = [f"C{i:04d}" for i in range(200)]
    stay = who[8:]
    mrr = {"customer_id": [*who, *stay], "month": ["2026-05-01"] * 200 + ["2026-06-01"] * 192}
    return company(
        {"2026-05": 200}, {"2026-05": 100_000.0}, mrr=pd.DataFrame({**mrr, "mrr": 100.0})
    )


def test_w10_contracts() -> None:
    w10 = WORKED["W10"]
    row = row_of(customers.economics(under_contract(), "2026-05"), "web")
    rate = 1.1 ** (1 / 12) - 1
    assert (row["model"], row["months"], row["cac"]) == ("contract", 60, 500)
    assert row["value"] == pytest.approx(float(lifetime_value(100, 0.7, 0.04, 60, rate)))
    assert row["payback"] == pytest.approx(w10["payback_simple"])
    assert row["payback_seen"] == w10["payback_churn_adj"]
    assert row["value_low"] < row["value"] < row["value_high"]
    assert row["verdict"] == "scale"


@given(st.floats(1, 1e4), st.floats(0.01, 1), st.integers(1, 120), st.floats(0, 0.05))
def test_without_churn_the_value_is_the_bounded_one(
    arpa: float, margin: float, months: int, discount: float
) -> None:
    bounded = sum(arpa * margin / (1 + discount) ** k for k in range(months))
    for churn in (1e-9, 1e-14, 0.0):
        found = float(lifetime_value(arpa, margin, churn, months, discount))
        assert found == pytest.approx(bounded, rel=1e-6)


# --- Naive twins on the sample -------------------------------------------------------------------


@pytest.mark.thorough
def test_the_whole_is_what_the_kpi_says(sample: Dataset, found: pd.DataFrame) -> None:
    whole = row_of(found, None)
    settings = {**tomllib.loads((HERE.parent / "data/sample/kpi.toml").read_text("utf-8"))}
    lagged = kh.load(
        HERE.parent / "data" / "sample", {**settings, "lags": {"cac": int(whole["lag"])}}
    )
    (kpi,) = kh.measure(lagged, "cac", "2025-10-01:2026-09-30").to_dict("records")
    for ours, its in (("cac", "value"), ("cac_low", "low"), ("cac_high", "high")):
        assert whole[ours] == pytest.approx(kpi[its])
    assert whole["customers"] == kpi["n"]


def test_each_channel_as_a_loop_counts_it(sample: Dataset, found: pd.DataFrame) -> None:
    leads, orders, spend = sample["leads"], sample["orders"], sample["spend"]
    first: dict[str, pd.Timestamp] = {}
    for who, day, sale in orders[["customer_id", "order_date", "is_sale"]].itertuples(index=False):
        if sale:
            first[who] = min(day, first.get(who, day))
    source: dict[str, str] = {}
    for lead in leads.sort_values(["created_at", "lead_id"]).itertuples():
        if pd.notna(lead.converted_at) and pd.notna(lead.customer_id):
            source.setdefault(lead.customer_id, lead.source)
    start, end = pd.Timestamp("2025-10-01"), pd.Timestamp("2026-10-01")
    back = pd.DateOffset(months=int(found["lag"].iloc[0]))
    for row in found[found["basis"] == "media"].to_dict("records"):
        n = sum(
            start <= day < end and source.get(who) == row["channel"] for who, day in first.items()
        )
        paid = spend[(spend["date"] >= start - back) & (spend["date"] < end - back)]
        media = paid[(paid["cost_type"] == "media") & (paid["channel"] == row["channel"])]
        money = media["amount"].sum()
        assert (row["customers"], row["cac"]) == (n, pytest.approx(money / n))
        limits = quotient(money, money, money, n, *garwood(n))
        assert (row["cac_low"], row["cac_high"]) == pytest.approx(tuple(map(float, limits)))


def test_customers_from_before_the_orders_are_no_newcomers(sample: Dataset) -> None:
    came = newcomers(sample)
    old = sample["customers"].query("first_seen < '2023-04-01'")["customer_id"]
    assert not came["customer_id"].isin(old).any()
    assert came["customer_id"].is_unique
    assert came["channel"].notna().all()
    assert came.equals(newcomers(sample))


def test_a_customer_who_has_lived_the_months_is_valued_by_what_was_seen(sample: Dataset) -> None:
    came = newcomers(sample)
    rows = purchases(sample).merge(came, on="customer_id")
    rows["amount_net"] = rows["margin"]
    days = (rows["order_date"] - rows["won_at"]).dt.days
    rows["month"] = (days / (365.25 / 12)).astype(int)
    values = customer_values(rows, sample.as_of, 24)
    old = came.loc[came["won_at"] < "2024-09-01", "customer_id"]
    for who in old.iloc[:40]:
        own = rows[(rows["customer_id"] == who) & (rows["month"] < 24)]
        assert values[who] == pytest.approx((own["margin"] * 1.1 ** -(own["month"] / 12)).sum())
    young = came.loc[came["won_at"] > "2026-03-01", "customer_id"]
    seen = rows.groupby("customer_id")["margin"].sum()
    assert (values[young] > seen[young] * 0.95).mean() > 0.99


# --- The sample's truths -------------------------------------------------------------------------


def test_the_bad_channel_is_found_and_no_other(found: pd.DataFrame) -> None:
    bad, beside = row_of(found, BAD["channel"]), row_of(found, BAD["beside"])
    assert found.loc[found["verdict"] == "cut", "channel"].tolist() == [BAD["channel"]]
    assert beside["verdict"] == "scale"
    assert bad["cac_low"] < sum(BAD["cac"]) / 2 < bad["cac_high"]
    assert beside["cac_low"] < sum(BAD["beside_cac"]) / 2 < beside["cac_high"]
    assert bad["value_low"] < BAD["margin_per_customer"] < bad["value_high"]
    assert bad["ratio_high"] < 1 < beside["ratio_low"]
    assert bad["leads"] / row_of(found, None)["leads"] == pytest.approx(0.38, abs=0.02)


def test_leads_of_the_bad_channel_rarely_convert(sample: Dataset, found: pd.DataFrame) -> None:
    bad = row_of(found, BAD["channel"])
    assert bad["conversion_low"] < 0.018 < bad["conversion_high"]
    others = found[(found["basis"] == "media") & (found["channel"] != BAD["channel"])]
    assert (others["conversion"] * others["leads"]).sum() / others["leads"].sum() == pytest.approx(
        0.092, abs=0.012
    )
    assert (others["conversion_low"] > bad["conversion_high"]).all()


def test_sentence_four(found: pd.DataFrame) -> None:
    said = wording.economics_findings(found, "fr").iloc[0]
    bad = f"{BAD['channel']} (clients gagnés, 1er oct. 2025 – 30 sept. 2026) : 37 % des leads"
    bad += ", mais un client y coûte 3 997 € de média"
    plain = said["sentence"].replace("\u00a0", " ").replace("\u202f", " ")
    assert plain.startswith(
        bad + " (2 912 à 5 648 €), contre 703 € (580 à 862 €) par " + BAD["beside"]
    )
    assert said["sureness"] == 0
    assert said["money_at_stake"] == pytest.approx(38 * (3996.5 - 2620.7), rel=0.01)


# --- Real advertisements -------------------------------------------------------------------------


def test_facebook_campaigns_cost_what_is_known() -> None:
    found = customers.economics(opened("facebook_ads"), "all")
    known = {"916": (6.24, 24), "936": (15.81, 183), "1178": (63.83, 872)}
    for campaign, (cac, n) in known.items():
        row = row_of(found, campaign)
        assert (round(row["cac"], 2), row["customers"]) == (cac, n)
        ends = quotient(row["spend"], row["spend"], row["spend"], n, *garwood(n))
        assert (row["cac_low"], row["cac_high"]) == pytest.approx(tuple(map(float, ends)))
    said = wording.economics_findings(found, "en", currency="USD")["sentence"]
    assert said.iloc[1].startswith("A customer costs from $6.24 ($4.19–9.74) through 916")
    assert "the gap is confirmed" in said.iloc[1]


def test_facebook_ads_without_spend_have_no_cost() -> None:
    found = customers.economics(opened("facebook_ads"), "all", by="ad_id")
    free = found[found["spend"] == 0]
    assert len(free) == 207
    assert free["customers"].sum() > 0
    assert free[["cac", "cac_low", "cac_high", "ratio"]].isna().all(axis=None)
    nobody = found[(found["customers"] == 0) & (found["spend"] > 0)]
    assert len(nobody) > 0
    assert nobody["cac"].isna().all()
    assert (found["verdict"] == "").all()


def test_without_leads_the_first_order_says_the_channel() -> None:
    data = company({"2026-05": 30}, {"2026-05": 300.0})
    rows = data["orders"][["order_id", "customer_id", "order_date", "amount_net", "channel"]]
    again = rows.assign(channel="shop", order_date="2026-06-02", order_id=range(30))
    came = newcomers(kh.load({"orders": pd.concat([rows, again], ignore_index=True)}))
    assert (set(came["channel"]), set(came["through"]), len(came)) == ({"web"}, {"orders"}, 30)


def test_what_has_no_channel_counts_in_the_whole_only() -> None:
    days = {"created_at": ["2026-03-01"] * 40, "converted_at": ["2026-03-20"] * 40}
    leads = {"lead_id": range(40), "customer_id": [f"C{i:04d}" for i in range(40)], **days}
    spend = {"date": "2026-03-01", "amount": [600.0, 300.0, 100.0], "cost_type": "media"}
    data = company(
        {"2026-03": 40},
        {"2026-03": 1.0},
        leads=pd.DataFrame({**leads, "source": ["web"] * 25 + [None] * 15}),
        spend=pd.DataFrame({**spend, "channel": ["web", "fair", None]}),
    )
    found = customers.economics(data, "2026Q2")
    assert found["channel"].fillna("").tolist() == ["", "fair", "web"]
    assert found["spend"].tolist() == [1000, 300, 600]
    assert found["customers"].tolist() == [40, 0, 25]
    assert found["cac"].fillna(0).tolist() == [25, 0, 24]
    assert found["leads"].fillna(0).tolist() == [40, 0, 25]


# --- Too little to say ---------------------------------------------------------------------------


def test_without_spend_or_customers_the_reason_is_given(sample: Dataset) -> None:
    data = company({"2026-06": 3}, {"2026-06": 10.0})
    unpaid = kh.load({"orders": data["orders"]}, {"language": "en"})
    note = kh.measure(unpaid, "cac", "2026-06")["note"].iloc[0]
    assert note == "This source lacks spend: cac cannot be computed."
    with pytest.raises(Unavailable, match="lacks spend"):
        customers.economics(kh.load({"orders": data["orders"]}))
    with pytest.raises(Unavailable, match="new_customers"):
        customers.economics(data.at("2026-06-05"), "2026-06")
    with pytest.raises(Unavailable, match=r"leads\.converted_at"):
        customers.economics(kh.load({"spend": data["spend"]}))


def test_few_customers_or_unknown_costs_decide_nothing() -> None:
    few = customers.economics(company({"2026-06": 4}, {"2026-06": 1e6}))
    assert (few["verdict"] == "").all()
    data = company({"2024-01": 60}, {"2026-06": 1e6, "2024-01": 1.0})
    orders = data["orders"].drop(columns=["cost", "margin"])
    bare = customers.economics(kh.load({"orders": orders, "spend": data["spend"]}), "2024-01")
    assert set(bare["valued"]) == {"revenue"}
    assert bare["value"].iloc[0] == pytest.approx(100)
    assert (bare["verdict"] == "").all()


# --- Looks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_number_said_stands_in_the_table(
    found: pd.DataFrame, outlook: customers.Outlook, lang: str
) -> None:
    tables = [sheets.economics(found, lang), sheets.outlook(outlook, lang)]
    shown = re.sub(r"[\s,]", "", "".join(table.as_raw_html() for table in tables))
    told = pd.concat(
        [wording.economics_findings(found, lang), wording.outlook_findings(outlook, lang)]
    )
    share = re.compile(r"\d+\s?% (of|des) leads|\([+−]\d+\s?%\)")
    assert len(told) <= 5
    for sentence in told["sentence"]:
        assert wording.banned(sentence, lang) == []
        plain = re.sub(r"(?<=\d)[\u202f,](?=\d)", "", share.sub("", sentence))
        for number in re.findall(r"\d+", plain):
            assert number in shown, (number, sentence)


def test_the_charts_draw_the_table(found: pd.DataFrame, outlook: customers.Outlook) -> None:
    media = found[found["basis"] == "media"]
    ax = charts.acquisition_costs(found).axes[0]
    widths = sorted(bar.get_width() for bar in ax.patches if bar.get_gid() == "value")
    assert widths == pytest.approx(sorted(media["cac"]))
    ax = charts.value_against_cost(found).axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    drawn = {
        round(float(x), 3): (round(float(y), 3), points.get_gid())
        for points in ax.collections
        if points.get_gid() in KINDS
        for x, y in points.get_offsets()
    }
    rows = found.assign(verdict=found["verdict"].replace("", "open")).round(3)
    assert drawn == {row.cac: (row.value, row.verdict) for row in rows.itertuples()}
    ax = charts.purchases_expected(outlook).axes[0]
    lines = {line.get_gid(): line.get_ydata() for line in ax.get_lines()}
    assert np.asarray(lines["seen"]) == pytest.approx(outlook.track["seen"].to_numpy())
    assert np.asarray(lines["expected"]) == pytest.approx(outlook.track["expected"].to_numpy())
    assert [patch.get_gid() for patch in ax.patches] == ["held_out"]


def test_only_a_loss_on_all_spend_is_red(found: pd.DataFrame) -> None:
    from matplotlib.colors import to_hex

    from kpi_helpers.charts.theme import WORSE

    ax = charts.value_against_cost(found).axes[0]
    points = [each for each in ax.collections if each.get_gid() in KINDS]
    red = [each.get_gid() for each in points if to_hex(each.get_facecolor()[0]) == WORSE]
    assert red == ["loss"]
    assert row_of(found, None)["basis"] == "loaded"


def test_orders_that_add_up_to_nothing_have_no_usual_margin() -> None:
    orders = {"order_id": ["1", "2"], "order_date": ["2026-01-05", "2026-01-06"]}
    orders |= {"customer_id": ["a", "b"], "amount_net": [0.0, 0.0], "cost": [5.0, None]}
    bought = purchases(kh.load({"orders": pd.DataFrame(orders)}))
    assert bought["margin"].tolist() == [-5.0, pytest.approx(np.nan, nan_ok=True)]
