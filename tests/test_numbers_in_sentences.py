"""Every number that a page says in words stands in one row of a table of its pack.

A section's sentence may name several rows: its numbers stand in one table of that section.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from browser import Seen
from numerals import NUMBER, unknown_numbers
from packs import EACH, FRENCH_AND_ENGLISH, language

from kpi_helpers.wording.told import OWN, plain

Row = dict[str, object]
Told = list[tuple[str, list[Row], str]]

# What lists rows or repeats the comparison is no table of a section.
LISTS = {"accounting", "behind", "decisions", "findings", "left_out", "quality"}
BARE = {"target": float("nan"), "note": ""}
COMPARED = {"breakdown", "compared", "others", "restated", "scorecard", "year_ago"}
# A sentence that counts what it does not name, says over how long reps are judged, or how likely
# something is (a chance of .38 in the table is 4 in 10).
COUNTED = re.compile(
    r"\b(?:et|and|y) \d+ (?:autres?|more|más)\b|\b12 (?:mois|months|meses)\b"
    r"|\b(?:\d |une )?(?:(?:chances?|cas|cases|casos|posibilidad(?:es)?) )?(?:in|of|sur|de) 10\b"
)


# From the last to the first: the pages are looked at from the first on, in another process.
@pytest.fixture(scope="module", params=[*reversed(EACH)])
def told(
    request: pytest.FixtureRequest, pack: Callable[[str], Path], seen: Callable[[Path], Seen]
) -> Told:
    """Return what the pages of a pack say in findings and alt texts, the rows, and the language."""
    folder = pack(request.param)
    pages = [seen(path) for path in sorted(folder.glob("*.html"))]
    sentences = [said for page in pages for said in (*page.findings, *page.pictures)]
    held = rows(folder) + sections(folder)
    return [(said, held, language(request.param)) for said in dict.fromkeys(sentences)]


def rows(folder: Path) -> list[Row]:
    """Return the rows of the tables of figures, each with a target and a note, or without."""
    figures = [table for name, table in _tables(folder) if {"kpi", "value"} <= set(table)]
    return [{**BARE, **row} for table in figures for row in table.to_dict("records")]


def sections(folder: Path) -> list[Row]:
    """Return each table of a section as one row: its numbers, how many rows, and how far it goes.

    Steps go from a level to another, which a sentence may give as their difference.
    """
    found = []
    for name, table in _tables(folder):
        if name in LISTS | COMPARED:
            continue
        numbers = table.select_dtypes("number").to_numpy().ravel()
        row = {f"n{place}": float(number) for place, number in enumerate(numbers)}
        if {"kind", "amount"} <= set(table):
            levels = table.loc[table["kind"] != "change", "amount"]
            row["gone"] = float(levels.iloc[-1] - levels.iloc[0])
        texts = set(table.select_dtypes("str").to_numpy().ravel().astype(str))
        named = {f"t{place}": text for place, text in enumerate(sorted(texts))}
        found.append({**BARE, "value": float("nan"), **row, "rows": len(table), **named})
    return found


def _tables(folder: Path) -> list[tuple[str, pd.DataFrame]]:
    paths = sorted(folder.glob("tables/*.csv"))
    return [(p.stem, pd.read_csv(p, encoding="utf-8-sig", low_memory=False)) for p in paths]


def unfound(said: str, held: list[Row], lang: str) -> list[float]:
    """Return the numbers of a sentence that its row does not hold, whichever row comes nearest.

    A note is a text of the row: a sentence may end with it. A group's name may hold a number.
    """
    of_kpis = [row for row in held if "kpi" in row]
    groups = {plain(r[name]) for r in of_kpis for name in set(r) - OWN if isinstance(r[name], str)}
    groups = {name for name in groups if name and not name.isdigit()}
    named = "|".join(map(re.escape, sorted(groups, key=len, reverse=True)))
    said = re.sub(rf"(?<=[(,] )(?:{named})(?=[,)])|(?<=\()(?:{named})(?=[,)])", "", said)
    said = COUNTED.sub("", said)
    if not NUMBER.search(said):
        return []
    nearest = [float("nan")] * len(said)
    for row in held:
        rest = said.replace(str(row["note"]), "")
        nearest = min(nearest, unknown_numbers(rest, row, lang), key=len)
        if not nearest:
            break
    return nearest


def test_every_number_of_a_sentence_stands_in_one_row(told: Told) -> None:
    assert [(said, lost) for said, *row in told if (lost := unfound(said, *row))] == []


def test_a_pack_says_something(told: Told) -> None:
    assert any(NUMBER.search(said) for said, *_ in told)


@pytest.mark.parametrize("pack_name", FRENCH_AND_ENGLISH)
def test_a_number_that_is_in_no_row_is_seen(pack_name: str, pack: Callable[[str], Path]) -> None:
    lang, held = language(pack_name), rows(pack(pack_name))
    won = next(row for row in held if row["kpi"] == "deals_won_count")
    assert unfound(f"Won: {won['value']:.0f}.", [won], lang) == []
    wrong = float(str(won["value"])) + 1
    assert unfound(f"Won: {wrong:.0f}.", [won], lang) == [wrong]
