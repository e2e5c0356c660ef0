"""Levers of a customer: churn, basket, margin and cost, with a contract and without."""

from math import log
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from test_economics import company, under_contract

import kpi_helpers as kh
from kpi_helpers import customers
from kpi_helpers.controls import valued, worth
from kpi_helpers.customers.economics import bought_by
from kpi_helpers.customers.newcomers import newcomers
from kpi_helpers.errors import BadInput, UnknownName
from kpi_helpers.sources import Dataset

HOSTILE = "<img src=x onerror=alert(1)>$x$ {lead}"
SAME = ["cac", "cac_low", "cac_high", "value", "value_low", "value_high", "ratio", "ratio_low"]
SAME += ["ratio_high", "payback", "payback_seen"]


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return kh.load("data/sample")


@pytest.fixture(scope="module")
def start(sample: Dataset) -> customers.Worth:
    return customers.worth(sample)


@pytest.fixture(scope="module")
def contracts() -> customers.Worth:
    return customers.worth(under_contract(), "2026-05")


def test_w10_with_half_the_churn_and_over_fewer_months(contracts: customers.Worth) -> None:
    rate = 1.1 ** (1 / 12) - 1
    base, moved = customers.with_levers(contracts, "", {"churn": 0.5}).to_dict("records")
    for row, churn in ((base, 0.04), (moved, 0.02)):
        months = [70 * ((1 - churn) / (1 + rate)) ** k for k in range(60)]
        assert row["value"] == pytest.approx(sum(months))
        assert row["ratio"] == pytest.approx(sum(months) / 500)
    assert (base["payback_seen"], moved["payback_seen"]) == (9, 8)
    assert base["payback"] == moved["payback"] == pytest.approx(500 / 70)
    short = customers.with_levers(contracts, "web", {"cac": 2.0}, months=12).iloc[-1]
    assert short["value"] == pytest.approx(sum(70 * (0.96 / (1 + rate)) ** k for k in range(12)))
    assert short["cac"] == 1000
    assert np.isnan(short["payback"])


def test_a_margin_is_no_more_than_all_and_the_interval_goes_along(
    contracts: customers.Worth,
) -> None:
    base, moved = customers.with_levers(contracts, "", {"margin": 2.0}).to_dict("records")
    assert moved["value"] == pytest.approx(base["value"] / 0.7)
    assert moved["value_low"] == pytest.approx(base["value_low"] / 0.7, rel=0.01)
    spread = log(base["ratio_high"] / base["ratio_low"]) / 2 / 1.959964
    for times in (1, 3):
        chance = NormalDist(log(base["ratio"]), spread).cdf(log(times))
        assert base[f"above_{times}"] == pytest.approx(1 - chance, abs=1e-6)


@pytest.mark.thorough
def test_nothing_moved_is_what_the_report_says(sample: Dataset, start: customers.Worth) -> None:
    for months in (12, 24, 36):
        said = customers.economics(sample, months=months)
        for row in said.to_dict("records"):
            channel = row["channel"] if row["basis"] == "media" else ""
            base = customers.with_levers(start, channel, {}, months).iloc[0]
            assert [base[of] for of in SAME] == pytest.approx([row[of] for of in SAME], nan_ok=True)


def test_later_purchases_alone_are_moved(sample: Dataset, start: customers.Worth) -> None:
    factors = {"repeat": 1.5, "cac": 0.5}
    base, moved = customers.with_levers(start, "Salons", factors).to_dict("records")
    bought = bought_by(sample, newcomers(sample, "channel"))
    ours = bought[(bought["channel"] == "Salons") & (bought["lived"] > 0)]
    first = ours.loc[ours["month"] == 0, "amount_net"].sum() / ours["customer_id"].nunique()
    assert moved["value"] == pytest.approx(first + 1.5 * (base["value"] - first))
    assert moved["cac"] == base["cac"] / 2
    assert moved["value_high"] / moved["value"] == pytest.approx(base["value_high"] / base["value"])
    twice = customers.with_levers(start, "Salons", {"basket": 2.0, "margin": 0.5}).iloc[1]
    assert twice["value"] == pytest.approx(base["value"])


def test_what_does_not_exist_is_refused(start: customers.Worth, contracts: customers.Worth) -> None:
    for channel, lever in (("Salon", "cac"), ("Salons", "churn")):
        with pytest.raises(UnknownName):
            customers.with_levers(start, channel, {lever: 1.0})
    for own, months in ((start, 18), (contracts, 61)):
        with pytest.raises(BadInput, match="months"):
            customers.with_levers(own, months=months)
    with pytest.raises(BadInput, match="cac"):
        customers.with_levers(start, "", {"cac": -1.0})


@pytest.mark.thorough
def test_the_control_shows_what_the_plain_function_gives(sample: Dataset) -> None:
    control = worth(sample, channel="Salons", factors={"repeat": 1.2})
    plain = valued(sample, **control.values)
    assert plain.sentences == control.shown.sentences
    assert plain.frame is not None
    assert control.shown.frame is not None
    pd.testing.assert_frame_equal(plain.frame, control.shown.frame)
    control.reset()
    assert len(control.shown.sentences) < len(plain.sentences)


@pytest.mark.thorough
def test_a_channel_is_a_name_and_revenue_is_no_margin() -> None:
    data = company({"2026-05": 40}, {"2026-05": 400.0})
    tables = {name: data[name].replace("web", HOSTILE) for name in ("orders", "spend")}
    orders = tables["orders"][["order_id", "customer_id", "order_date", "amount_net", "channel"]]
    later = {"language": "en", "as_of": "2029-06-30"}
    control = worth(kh.load({**tables, "orders": orders}, later), "2026-05")
    control.set(channel=HOSTILE, factors={"cac": 0.5})
    assert "margin" not in control.values["factors"]
    assert "This is revenue" in " ".join(control.shown.sentences)
    html = control.shown._repr_html_()
    assert "&lt;img src=x" in html
    assert "<img src=x" not in html


def test_without_spend_or_orders_the_reason_is_given(sample: Dataset) -> None:
    bare = kh.load({"orders": sample["orders"][["order_id", "order_date", "amount_net"]]})
    assert "spend" in worth(bare)._fault.value
    assert worth(bare).values == {}
    young = valued(company({"2026-05": 40}, {"2026-05": 400.0}), "web")
    assert len(young.sentences) == 1
