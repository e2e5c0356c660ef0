"""The way of each case from the lead to the order, and what is wrong with a history of stages."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers import funnel
from kpi_helpers.errors import BadConfig, Unavailable, UnknownName
from kpi_helpers.kpis.stages import DEALS
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.engine import frame_of

HERE = Path(__file__).parent
W16: dict[str, Any] = json.loads((HERE / "data" / "worked_examples.json").read_text("utf-8"))["W16"]
ORDER = {"stages": ["Qualif", "RDV", "Propo", "Gagné"], "as_of": W16["as_of"], "language": "en"}
HISTORY = pd.DataFrame(W16["history"], columns=["deal_id", "stage", "entered_at"])


def loaded(config: dict[str, Any] | None = None, **tables: dict[str, Any]) -> Dataset:
    frames = {name: pd.DataFrame(columns) for name, columns in tables.items()}
    return kh.load(frames, {"as_of": "2026-03-31", "language": "en"} | (config or {}))


def walked(data: Dataset, where: Any = None) -> pd.DataFrame:
    rows = frame_of(data.con, funnel.journeys(data, where))
    return rows.sort_values(["case_id", "place"], ignore_index=True)


def reached(data: Dataset, where: Any = None) -> dict[str, int]:
    rows = walked(data, where)
    counts = rows.groupby(["place", "step"])["case_id"].nunique()
    return dict(zip(counts.index.get_level_values("step"), counts.tolist(), strict=True))


def test_w16_the_steps_reached_are_those_of_the_worked_example() -> None:
    data = loaded(ORDER, deals=DEALS, stage_history=HISTORY)
    assert funnel.way(data) == ("deal", "Qualif", "RDV", "Propo", "won")
    assert list(reached(data).values()) == [5, *W16["reached"]]
    lost = walked(data).dropna(subset="lost_at")
    assert lost[["case_id", "step"]].to_numpy().tolist() == [["D2", "RDV"]]


LEADS = {
    "lead_id": ["1", "2", "3", "4"],
    "created_at": ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"],
    "sql_at": ["2026-01-10", None, None, "2026-01-20"],
    "converted_at": [None, None, None, None],
    "rejected_reason": [None, None, "No budget", None],
    "source": ["Fair", "Web", "Web", None],
}
OF_LEADS = {
    "deal_id": ["1", "b", "c", "d", "e"],
    "lead_id": ["1", "1", None, "4", "unknown"],
    "created_at": ["2026-01-12", "2026-01-15", "2026-01-05", "2026-01-21", "2026-02-01"],
    "status": ["lost", "won", "open", "open", "won"],
    "closed_at": ["2026-01-14", "2026-02-20", None, None, "2026-02-10"],
    "amount": [900.0, 40.0, 7.0, 5.0, 3.0],
    "source": ["Web"] * 5,
}


def test_a_case_is_a_lead_with_its_best_deal_or_a_deal_without_a_lead() -> None:
    data = loaded(deals=OF_LEADS, leads=LEADS)
    assert reached(data) == {"lead": 4, "qualified": 2, "deal": 4, "won": 2}
    cases = walked(data).drop_duplicates("case_id").set_index("case_id")
    assert cases["deal_id"].fillna("").to_dict() == {
        **{"1": "b", "2": "", "3": "", "4": "d"},
        **{"deal c": "c", "deal e": "e"},
    }
    assert cases.loc[["1", "3", "deal c"], "outcome"].tolist() == ["won", "lost", "open"]
    assert cases["amount"].sum() == 40.0 + 5.0 + 7.0 + 3.0


def test_what_is_said_of_a_lead_goes_with_it_even_where_it_is_blank() -> None:
    cases = walked(loaded(deals=OF_LEADS, leads=LEADS)).drop_duplicates("case_id")
    sources = cases.set_index("case_id")["source"].fillna("").to_dict()
    assert sources == {
        "1": "Fair",
        **dict.fromkeys(["2", "3", "deal c", "deal e"], "Web"),
        "4": "",
    }


def test_a_filter_knows_what_the_reps_lend() -> None:
    reps = {"owner": ["Ann", "Bob"], "team": ["North", "South"]}
    deals = DEALS | {"owner": ["Ann", "Ann", "Bob", "Bob", "Bob"]}
    data = loaded(ORDER, deals=deals, stage_history=HISTORY, reps=reps)
    assert reached(data, {"team": "North"})["deal"] == 2


def test_without_deals_leads_are_the_way() -> None:
    data = loaded(leads=LEADS | {"converted_at": ["2026-02-01", None, None, None]})
    assert reached(data) == {"lead": 4, "qualified": 2, "won": 1}


def test_a_stage_log_alone_is_a_way() -> None:
    data = loaded(ORDER, stage_history=HISTORY[HISTORY["stage"] != "Perdu"])
    assert reached(data) == dict(
        zip(["Qualif", "RDV", "Propo", "won"], W16["reached"], strict=True)
    )


def test_a_source_of_neither_says_so() -> None:
    data = loaded(spend={"date": ["2026-01-01"], "amount": [1.0], "channel": ["Web"]})
    with pytest.raises(Unavailable, match="deals"):
        funnel.journeys(data)


def test_a_stage_may_be_called_as_a_step() -> None:
    moves = {"deal_id": ["D1", "D1"], "stage": ["lead", "won"], "entered_at": ["2026-01-05"] * 2}
    data = loaded({"stages": ["lead", "won", "end"]}, deals=DEALS, stage_history=moves)
    assert funnel.way(data) == ("deal", "lead", "won", "end", "won")
    assert walked(data).groupby("place")["case_id"].nunique().tolist()[1:3] == [2, 2]


def test_each_case_reaches_its_steps_in_order_and_once(sample: Dataset) -> None:
    rows = walked(sample)
    assert not rows.duplicated(["case_id", "place"]).any()
    after = rows.groupby("case_id")["entered_at"].shift(-1)
    assert (after.isna() | (rows["advanced_at"] == after)).all()
    steps = reached(sample)
    assert steps["lead"] == len(sample["leads"])
    assert steps["deal"] == len(sample["deals"])
    assert steps["won"] == sample["deals"]["is_won"].sum()


WIDE = {
    "deal_id": ["1", "2"],
    "created_at": ["2026-01-05", "2026-01-09"],
    "status": ["won", "open"],
    "closed_at": ["2026-02-01", None],
    "entered_qualified": ["2026-01-05", "2026-01-09"],
    "entered_offer": ["2026-01-20", None],
    "entered_by": ["Ann", "Bob"],
}


@pytest.mark.parametrize("stages", [[], ["Qualified", "Offer"]])
def test_a_column_for_each_stage_is_a_history(stages: list[str]) -> None:
    names = stages or ["qualified", "offer"]
    data = loaded({"stages": stages}, deals=WIDE)
    assert reached(data) == {"deal": 2, names[0]: 2, names[1]: 1, "won": 1}


def test_the_settings_may_name_these_columns_without_saying_the_file_again() -> None:
    entered = {"Contact": "entered_qualified", "Quote": "entered_offer"}
    data = loaded({"tables": {"stage_history": {"entered": entered}}}, deals=WIDE)
    assert reached(data) == {"deal": 2, "Contact": 2, "Quote": 1, "won": 1}


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_column_of_a_stage_that_is_not_there_is_named(lang: str) -> None:
    tables = {"stage_history": {"entered": {"Contact": "entered_qualifed"}}}
    with pytest.raises(UnknownName) as error:
        loaded({"tables": tables, "language": lang}, deals=WIDE)
    assert "entered_qualifed" in error.value.render(lang)
    assert "entered_qualified" in error.value.render(lang)


def test_a_stage_of_an_earlier_map_is_as_far_as_the_one_before_it() -> None:
    moves = {"deal_id": ["D1", "D1", "D2"], "stage": ["A", "B", "D"]}
    moves |= {"entered_at": ["2025-11-01", "2025-11-20", "2026-01-20"]}
    maps = {"stages": ["A", "B", "C"], "stages_from": {"2026-01-01": ["A", "D", "C"]}}
    rows = walked(loaded(maps, deals=DEALS, stage_history=moves))
    assert rows.groupby("step")["case_id"].agg(list)["A"] == ["D1", "D2", "D3"]
    assert "B" not in rows["step"].to_numpy()


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_map_with_a_loop_is_refused(lang: str) -> None:
    for key, stages in (("stages", ["A", "B", "A"]), ("stages_from.2026-01-01", ["A", "A"])):
        settings = {"stages": stages} if key == "stages" else {"stages_from": {key[12:]: stages}}
        with pytest.raises(BadConfig) as error:
            loaded(settings, deals=DEALS)
        told = error.value.render(lang)
        assert key in told
        assert {"fr": "«\u00a0A\u00a0»", "en": "'A'"}[lang] in told
