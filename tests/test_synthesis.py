"""The ten lines that open a report, from the findings of its sections."""

import pandas as pd

from kpi_helpers.wording import synthesis

COLUMNS = ["kind", "sentence", "sureness", "money_at_stake", "table", "rows"]


def lines(*rows: tuple[str, str, int, float | None, str]) -> pd.DataFrame:
    return pd.DataFrame([(*row, "1") for row in rows], columns=COLUMNS)


SCORECARD = lines(
    *[("finding", f"S{money}", 0, float(money), "compared") for money in range(100, 40, -10)],
    ("finding", "luck", 1, 1e9, "compared"),
    ("propose_action", "act", 0, None, "compared"),
)


def said(*told: pd.DataFrame | None, limit: int = 10) -> list[str]:
    return synthesis(SCORECARD, *told, limit=limit)["sentence"].tolist()


def test_what_is_sure_comes_first_then_the_money() -> None:
    teams = lines(("finding", "T75", 0, 75.0, "teams"), ("finding", "T0", 0, None, "teams"))
    assert said(teams) == ["S100", "S90", "S80", "T75", "S70", "S60", "S50", "T0", "luck", "act"]


def test_a_long_scorecard_does_not_hide_a_section() -> None:
    costs = lines(("finding", "C1", 0, 1.0, "costs"))
    more = lines(("finding", "S40", 0, 40.0, "compared"))
    every = [*[f"S{money}" for money in range(100, 40, -10)], "C1", "act"]
    assert said(more, costs, limit=8) == every


def test_restatements_stay_in_front() -> None:
    restated = lines(*[("finding", f"R{n}", -1, None, "restated") for n in range(3)])
    found = pd.concat([restated, SCORECARD], ignore_index=True)
    assert synthesis(found)["sentence"].tolist()[:4] == ["R0", "R1", "R2", "S100"]


def test_with_nothing_found_it_says_so() -> None:
    nothing = lines(("nothing", "no finding", 2, None, ""))
    assert synthesis(nothing, None)["sentence"].tolist() == ["no finding"]


def test_a_section_that_found_something_replaces_the_word_of_nothing() -> None:
    nothing = lines(("nothing", "no finding", 2, None, ""))
    teams = lines(("finding", "T", 1, None, "teams"))
    assert synthesis(nothing, teams)["sentence"].tolist() == ["T"]
