"""Levers of the funnel as a control: what they bring, and how likely the target is."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from packs import opened

import kpi_helpers as kh
from kpi_helpers import funnel
from kpi_helpers.controls import scorer, worth
from kpi_helpers.controls.levers import Ready, levered, levers, ready
from kpi_helpers.funnel.habits import Prepared
from kpi_helpers.funnel.whatif import won_by
from kpi_helpers.sources import Dataset

HOSTILE = "<img src=x onerror=alert(1)>$x$ {lead}"


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return kh.load("data/sample")


@pytest.fixture(scope="module")
def start(sample: Dataset) -> Ready:
    return ready(sample)


def drawn(prepared: Prepared, cycle: float, booked: float) -> np.ndarray[Any, Any]:
    """A naive twin: many draws of what this quarter brings, a deal and a draw at a time."""
    rng, draws = np.random.default_rng(5), 4_000
    chance, leads, new = won_by(prepared, prepared.days[0], cycle, np.ones(len(prepared.steps)))
    sums = []
    for _ in range(draws):
        error = 1 + rng.standard_normal() / np.sqrt(len(prepared.amounts))
        wins = rng.random(len(chance)) < error * chance
        own = sum(prepared.open["amount"][wins])
        own += sum(rng.choice(prepared.amounts, rng.poisson(max(error, 0) * (leads + new))))
        sums.append(booked + own)
    return np.array(sums)


@pytest.mark.parametrize(("cycle", "size"), [(0.85, 389), (1.3, 389), (1.0, 40)])
def test_the_chance_of_an_amount_is_that_of_many_draws(
    start: Ready, cycle: float, size: int
) -> None:
    opened, come = start.prepared.open.iloc[:size], start.prepared.come * size / 389
    prepared = start.prepared._replace(open=opened, come=come, booked=50_000.0)
    row, sums = funnel.what_if(prepared, cycle=cycle).head(1), drawn(prepared, cycle, 50_000.0)
    for amount in np.quantile(sums, [0.03, 0.2, 0.5, 0.8, 0.97]):
        chance = funnel.chance_of(row, amount).item()
        assert chance == pytest.approx((sums >= amount).mean(), abs=0.02)


def test_what_is_booked_is_certain_and_quantiles_are_those_of_the_range(start: Ready) -> None:
    found = funnel.what_if(start.prepared._replace(booked=1e6))
    assert funnel.chance_of(found, [1e6, -1.0]).tolist() == [1, 1]
    assert np.isnan(funnel.chance_of(found, np.nan)).all()
    for name, chance in {"low": 0.975, "median": 0.5, "high": 0.025}.items():
        assert funnel.chance_of(found, found[name]) == pytest.approx([chance, chance], abs=1e-3)
    empty = start.prepared._replace(open=start.prepared.open.head(0), come=0 * start.prepared.come)
    nothing = funnel.what_if(empty._replace(waiting=0 * empty.waiting, booked=10.0))
    assert funnel.chance_of(nothing, [10.0, 1.0]).tolist() == [1, 0]


def test_levers_stand_alone_and_together_beside_the_base(start: Ready) -> None:
    shown = levered(start, cycle=0.8, rates={"Proposition": 1.1, "lead": 1.0}, target=1.5e6)
    found = shown.frame
    assert found is not None
    assert found["lever"].unique().tolist() == ["base", "cycle", "Proposition", "together"]
    asked = funnel.what_if(start.prepared, cycle=0.8, rates={"Proposition": 1.1})
    assert found["value"].tail(2).tolist() == asked["value"].tolist()
    alone = funnel.what_if(start.prepared, cycle=0.8)["value"] - found["value"].head(2)
    assert found.loc[found["lever"] == "cycle", "change"].tolist() == alone.tolist()
    chance = funnel.chance_of(asked, [1.5e6, np.nan])[0]
    assert found["chance"].iloc[-2] == chance
    assert f"{chance:.0%}".replace("%", "\xa0%") in shown.figures.values()


def test_nothing_moved_is_what_the_report_expects_and_no_target_no_chance(
    start: Ready, sample: Dataset
) -> None:
    shown = levered(start)
    report = funnel.levers(start.prepared)
    assert shown.frame is not None
    assert shown.frame["value"].tolist() == report["value"].head(2).tolist()
    goals = sample["targets"]
    own = goals["metric"].eq("bookings") & goals["scope_type"].eq("company")
    ahead = goals[own & (goals["period_start"] >= "2026-10-01")]
    assert shown.frame["target"][0] == ahead["value"].sum() > 0
    assert len(levered(start, target=0.0).sentences) == len(shown.sentences) - 1


def test_the_control_shows_what_the_plain_function_gives(sample: Dataset) -> None:
    control = levers(sample, cycle=0.9, rates={"Proposition": 1.2})
    values = control.values
    assert (values["cycle"], values["rates"]["Proposition"]) == (0.9, 1.2)
    plain = levered(sample, **values)
    assert plain.sentences == control.shown.sentences
    assert plain.frame is not None
    assert control.shown.frame is not None
    pd.testing.assert_frame_equal(plain.frame, control.shown.frame)
    assert values["target"] == plain.frame["target"][0]


def test_what_a_meeting_saved_is_where_it_begins_but_for_the_target() -> None:
    held = {"levers": {"cycle": 0.8, "rates": {"Gone": 2.0, "Proposition": 1.1}, "target": 5.0}}
    control = levers(kh.load("data/sample", {"workshop": held}))
    assert (control.values["cycle"], control.values["rates"]["Proposition"]) == (0.8, 1.1)
    assert control.values["target"] > 5
    control.reset()
    assert control.values["cycle"] == 1.0


def named(stage: str) -> Dataset:
    """Deals of which half are won, through one stage that is so named."""
    days = pd.date_range("2026-01-05", periods=60, freq="4D").strftime("%Y-%m-%d")
    ids, won = [f"D{n}" for n in range(60)], [("won", "lost", "open")[n % 3] for n in range(60)]
    closed = [d if w != "open" else None for d, w in zip([*days[5:], *days[-5:]], won, strict=True)]
    deals = {"deal_id": ids, "status": won, "created_at": days, "closed_at": closed}
    moves = {"deal_id": ids, "stage": stage, "entered_at": days}
    tables = {"deals": pd.DataFrame({**deals, "amount": 1e4}), "stage_history": pd.DataFrame(moves)}
    return kh.load(tables, {"as_of": "2026-09-20", "language": "en", "stages": [stage, "Won"]})


def test_a_stage_is_a_name_and_nothing_else() -> None:
    control = levers(named(HOSTILE))
    control.set(rates={HOSTILE: 1.5})
    assert HOSTILE in control.values["rates"]
    html = control.shown._repr_html_() + control._table.value
    assert "&lt;img src=x" in html
    assert "<img src=x" not in html


def test_real_deals_without_a_history_or_answers() -> None:
    data = opened("maven_crm")
    start = ready(data)
    shown = levered(start, cycle=0.9, rates={start.prepared.steps[-1]: 1.1}, target=1e6)
    assert shown.frame is not None
    base, together = shown.frame.iloc[0], shown.frame.iloc[-2]
    assert together["value"] > base["value"] > 0
    assert together["chance"] >= base["chance"]
    assert "bant_budget" in scorer(data)._fault.value
    assert "cac" in worth(data)._fault.value


@pytest.mark.parametrize("lacking", ["deals", "amount"])
def test_what_the_data_do_not_carry_is_said(sample: Dataset, lacking: str) -> None:
    tables = {"leads": sample["leads"][["lead_id", "created_at"]]}
    if lacking == "amount":
        tables["deals"] = sample["deals"][["deal_id", "created_at", "closed_at", "status"]]
    control = levers(kh.load(tables, {"language": "en"}))
    assert lacking in control._fault.value
    assert control.values == {}
