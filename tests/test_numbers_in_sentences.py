"""Every number that a page says in words stands in one row of a table of its pack."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from browser import Seen
from numerals import NUMBER, unknown_numbers
from packs import PACKS, language

from kpi_helpers.wording.told import OWN, plain

Row = dict[str, object]
Told = list[tuple[str, list[Row], str]]

# A sentence that counts what it does not name.
COUNTED = re.compile(r"\b(?:et|and) \d+ (?:autres?|more)\b")


@pytest.fixture(params=list(PACKS))
def told(
    request: pytest.FixtureRequest, pack: Callable[[str], Path], seen: Callable[[Path], Seen]
) -> Told:
    """Return what the pages of a pack say in findings and alt texts, the rows, and the language."""
    folder = pack(request.param)
    pages = [seen(path) for path in sorted(folder.glob("*.html"))]
    sentences = [said for page in pages for said in (*page.findings, *page.pictures)]
    held = rows(folder)
    return [(said, held, language(request.param)) for said in sentences]


def rows(folder: Path) -> list[Row]:
    """Return the rows of the tables of figures, each with a target and a note, or without."""
    paths = sorted(folder.glob("tables/*.csv"))
    tables = [pd.read_csv(path, encoding="utf-8-sig", low_memory=False) for path in paths]
    figures = [table for table in tables if {"kpi", "value"} <= set(table.columns)]
    bare = {"target": float("nan"), "note": ""}
    return [{**bare, **row} for table in figures for row in table.to_dict("records")]


def unfound(said: str, held: list[Row], lang: str) -> list[float]:
    """Return the numbers of a sentence that its row does not hold, whichever row comes nearest.

    A note is a text of the row: a sentence may end with it. A group may be called by a number.
    """
    groups = {plain(row[name]).removesuffix(".0") for row in held for name in set(row) - OWN}
    named = "|".join(map(re.escape, sorted(groups - {""}, key=len, reverse=True)))
    said = re.sub(rf"(?<=[(,] )(?:{named})(?=[,)])|(?<=\()(?:{named})(?=[,)])", "", said)
    said = COUNTED.sub("", said)
    if not NUMBER.search(said):
        return []
    rests = ((said.replace(str(row["note"]), ""), row) for row in held)
    return min((unknown_numbers(rest, row, lang) for rest, row in rests), key=len)


def test_every_number_of_a_sentence_stands_in_one_row(told: Told) -> None:
    assert [(said, lost) for said, *row in told if (lost := unfound(said, *row))] == []


def test_a_pack_says_something(told: Told) -> None:
    assert any(NUMBER.search(said) for said, *_ in told)


@pytest.mark.parametrize("pack_name", ["sample fr", "sample en"])
def test_a_number_that_is_in_no_row_is_seen(pack_name: str, pack: Callable[[str], Path]) -> None:
    lang, held = language(pack_name), rows(pack(pack_name))
    won = next(row for row in held if row["kpi"] == "deals_won_count")
    assert unfound(f"Won: {won['value']:.0f}.", [won], lang) == []
    wrong = float(str(won["value"])) + 1
    assert unfound(f"Won: {wrong:.0f}.", [won], lang) == [wrong]
