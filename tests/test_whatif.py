"""What-if: what will be won, and what levers would bring."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers import funnel, wording
from kpi_helpers.errors import BadInput, Unavailable, UnknownName
from kpi_helpers.funnel.habits import Prepared
from kpi_helpers.funnel.whatif import _from_age
from kpi_helpers.periods import Calendar
from kpi_helpers.sources import Dataset

STAGES = ["lead", "qualified", "deal", "D", "Won"]  # names that other steps have too


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return kh.load("data/sample")


@pytest.fixture(scope="module")
def prepared(sample: Dataset) -> Prepared:
    return funnel.outlook(sample)


def made(days: tuple[int, int], moved: list[list[float]], lost: list[list[float]]) -> Prepared:
    """Two steps with chances by age, one open deal of 1 at each step for 2 days; nothing comes."""
    gone = np.array(moved), np.array(moved) + np.array(lost)
    left = 1 - gone[1].cumsum(axis=1)
    opened = pd.DataFrame({"place": [0, 1], "age": [2, 2], "amount": [1.0, 1.0]})
    periods = tuple(Calendar().parse(q) for q in ("2026Q4", "2027Q1"))
    nothing = np.zeros((2, left.shape[1])), np.zeros(2), 0.0, np.ones(1)
    return Prepared(("a", "b"), gone[0], left, opened, *nothing, periods, days)


def test_the_chance_of_a_deal_is_that_of_all_its_ways() -> None:
    from kpi_helpers.funnel.whatif import won_by

    moved = [[0.1, 0.1, 0.1, 0.2, 0.1, 0.0], [0.0, 0.3, 0.1, 0.1, 0.1, 0.0]]
    lost = [[0.0, 0.1, 0.0, 0.1, 0.0, 0.1], [0.1, 0.0, 0.0, 0.1, 0.0, 0.1]]
    prepared = made((3, 6), moved, lost)
    for days in (1, 2, 3):
        chance, *_ = won_by(prepared, days, 1.0, np.ones(2))
        a, b = moved
        still = [1 - sum(m[:3]) - sum(x[:3]) for m, x in zip(moved, lost, strict=True)]
        first = sum(
            a[2 + wait] / still[0] * b[then]
            for wait in range(1, 4)
            for then in range(6)
            if wait + then <= days
        )
        second = sum(b[2 + wait] / still[1] for wait in range(1, days + 1))
        assert chance.tolist() == pytest.approx([first, second])


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["volume", "amount", "Proposition", "lead"]), st.floats(1.01, 2))
def test_more_brings_more_and_smoothly(prepared: Prepared, lever: str, factor: float) -> None:
    def asked(by: float) -> pd.Series:
        own = {lever: by} if lever in ("volume", "amount") else {"rates": {lever: by}}
        return funnel.what_if(prepared, **own)["value"].cumsum()

    base, more, still_more = asked(1.0), asked(factor), asked(factor + 0.01)
    assert (more > base).all()
    assert (still_more >= more - 1).all()
    assert (still_more - more < 0.05 * base).all()
    assert (more / base <= factor + 0.01).all()


def test_a_quicker_cycle_brings_it_forward(prepared: Prepared) -> None:
    base, quick, slow = (funnel.what_if(prepared, cycle=c)["value"] for c in (1.0, 0.8, 1.25))
    assert slow[0] < base[0] < quick[0]
    assert slow[0] < 0.9 * base[0]


@pytest.mark.parametrize("day", ["2025-05-15", "2025-12-31"])
def test_what_came_lies_within_what_was_expected(sample: Dataset, day: str) -> None:
    expected = funnel.what_if(funnel.outlook(sample.at(day)))
    came = [float(kh.measure(sample, "bookings", p)["value"].iloc[0]) for p in expected["period"]]
    assert (expected["low"] < came).all()
    assert (came < expected["high"]).all()
    booked = kh.measure(sample.at(day), "bookings", expected["period"].iloc[0])["value"]
    assert expected["booked"].iloc[0] == pytest.approx(np.nan_to_num(booked.iloc[0]))


def test_the_limits_are_those_of_many_draws(prepared: Prepared) -> None:
    from kpi_helpers.funnel.whatif import _summed

    rng, draws = np.random.default_rng(3), 20_000
    for size, new, away in ((60, 4.0, 0.03), (389, 25.0, 0.02)):
        opened = prepared.open.iloc[:size]
        chance, few = rng.uniform(0.05, 0.9, size), prepared._replace(open=opened)
        error = 1 + rng.standard_normal(draws) / math.sqrt(len(prepared.amounts))
        luck = rng.random((draws, size), dtype=np.float32)
        sums = (luck < np.outer(error, chance)) @ opened["amount"].to_numpy(float)
        come = rng.poisson(new * np.maximum(error, 0))
        sums += [rng.choice(prepared.amounts, n).sum() for n in come]
        found = _summed(few, chance, new)
        mine = [found[name] for name in ("low", "median", "high")]
        assert mine == pytest.approx(np.quantile(sums, [0.025, 0.5, 0.975]).tolist(), rel=away)
        assert found["open"] + found["new"] == pytest.approx(sums.mean(), rel=0.01)


def test_its_parts_add_up_and_the_same_question_has_the_same_answer(prepared: Prepared) -> None:
    found = funnel.what_if(prepared, volume=1.2, cycle=0.9)
    parts = found[["booked", "from_open", "from_new"]].sum(axis=1)
    assert found["value"].tolist() == pytest.approx(parts.tolist(), rel=1e-6)
    pd.testing.assert_frame_equal(found, funnel.what_if(prepared, volume=1.2, cycle=0.9))


def test_ten_thousand_open_deals_bring_as_much_more(prepared: Prepared) -> None:
    many = pd.concat([prepared.open] * math.ceil(10_000 / len(prepared.open)))
    many = many.sort_values("amount", ascending=False, ignore_index=True)
    large = prepared._replace(open=many)
    one, all_ = (funnel.what_if(each)["from_open"][0] for each in (prepared, large))
    assert all_ == pytest.approx(one * len(many) / len(prepared.open), rel=0.01)


def test_every_lever_has_its_rows_and_nonsense_is_refused(prepared: Prepared) -> None:
    found = funnel.levers(prepared)
    stages = ["lead", "Qualification", "Rendez-vous", "Proposition", "Négociation"]
    assert found["lever"].unique().tolist() == ["base", "volume", *stages, "cycle", "amount"]
    assert (found.loc[found["lever"] != "base", "change"] > 0).all()
    told = wording.levers_findings(found, "en")
    first = int(told["rows"].iloc[1].split(",")[0]) - 1
    assert found["lever"].iloc[first] == found.groupby("lever")["change"].sum().idxmax()
    assert len(wording.levers_findings(found[found["lever"].isin(["base", "cycle"])], "en")) == 2
    with pytest.raises(UnknownName, match="Did you mean Proposition"):
        funnel.what_if(prepared, rates={"Propositon": 1.1})
    for wrong in ({"cycle": 0.1}, {"volume": -1.0}, {"amount": math.inf}):
        with pytest.raises(BadInput, match="factor"):
            funnel.what_if(prepared, **wrong)


def test_parts_of_a_day_lie_between_its_ends(prepared: Prepared) -> None:
    after = np.full(400, 0.6)
    nothing, half, one, more = (
        _from_age(prepared, 0, days, after, 1.0) for days in (0.0, 0.5, 1.0, 1.25)
    )
    two = _from_age(prepared, 0, 2.0, after, 1.0)
    assert (nothing == 0).all()
    assert (one > 0).any()
    assert half == pytest.approx(one / 2)
    assert more == pytest.approx(0.75 * one + 0.25 * two)


@pytest.mark.parametrize(
    ("amount", "lacks"), [({}, "deals.amount"), ({"amount": [None, 5.0]}, "won with an amount")]
)
def test_what_is_lacking_to_look_ahead_is_named(amount: dict[str, Any], lacks: str) -> None:
    days = {"created_at": "2026-01-05", "closed_at": "2026-02-01"}
    deals = pd.DataFrame({"deal_id": ["a", "b"], "status": ["won", "lost"], **days, **amount})
    with pytest.raises(Unavailable, match=lacks):
        funnel.outlook(kh.load(deals, as_of="2026-02-28"))


def test_what_is_no_outlook_or_no_factor_is_refused_with_the_fix(
    sample: Dataset, prepared: Prepared
) -> None:
    for asked in (funnel.what_if, funnel.levers):
        with pytest.raises(BadInput, match=r"outlook\(data\)"):
            asked(sample)
    with pytest.raises(BadInput, match=r"Négociation: '1\.1' is not a number such as 1\.1"):
        funnel.what_if(prepared, rates={"Négociation": "1.1"})
    with pytest.raises(BadInput, match=r"dict\(Proposition=1\.1\)"):
        funnel.what_if(prepared, rates=1.1)
