"""What customers say, as tables: the rounds, groups beside the others, themes, reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import text
from kpi_helpers.sheets.table import Row, absent, build, plain, records
from kpi_helpers.units import COUNT, PERCENT, POINTS, SCORE, write, write_range
from kpi_helpers.voice import SIDES
from kpi_helpers.wording.voice import wave

if TYPE_CHECKING:
    from great_tables import GT


def rounds(rounds: pd.DataFrame, lang: str, name: str = "rounds") -> GT:
    """Show the score of each round or group, what it is made of, and how many answered.

    Parameters
    ----------
    rounds : DataFrame
        What `kpi_helpers.voice.rounds` or `kpi_helpers.voice.parts` returns.
    lang : str
    name : str
        Id of the table.
    """
    lines = []
    for row in records(rounds):
        line = {"name": plain(row["group"]) if "group" in row else wave(row["wave"], row, lang)}
        line["score"] = write(row["value"], POINTS, lang)
        line["range"] = write_range(row["low"], row["high"], POINTS, lang)
        line["n"] = write(row["n"], COUNT, lang)
        line |= {side: write(row[side] / row["n"], PERCENT, lang) for side in SIDES}
        lines.append(line | {"response": _response(row, lang)})
    return _table(name, lines, lang)


def themes(themes: pd.DataFrame, lang: str) -> GT:
    """Show how many comments name each theme.

    Parameters
    ----------
    themes : DataFrame
        What `kpi_helpers.voice.themes` returns.
    lang : str
    """
    lines = [
        {
            "name": text(f"voice.themes.{row['theme']}", lang).capitalize(),
            "k": _counted(row["k"], row["n"], lang),
            "value": write(row["value"], PERCENT, lang),
            "range": write_range(row["low"], row["high"], PERCENT, lang),
        }
        for row in records(themes)
    ]
    return _table("themes", lines, lang)


def reviews(reviews: pd.DataFrame, lang: str) -> GT:
    """Show the mark of each group, and the same weighed against few reviews.

    Parameters
    ----------
    reviews : DataFrame
        What `kpi_helpers.voice.reviews` returns.
    lang : str
    """
    lines = [
        {
            "name": plain(row["group"]),
            "mark": write(row["value"], SCORE, lang),
            "range": ""
            if absent(row["low"])
            else write_range(row["low"], row["high"], SCORE, lang),
            "n": write(row["n"], COUNT, lang),
            "weighed": write(row["weighed"], SCORE, lang),
        }
        for row in records(reviews)
    ]
    return _table("reviews", lines, lang)


def _response(row: Row, lang: str) -> str:
    """Return how many answered of how many were asked, and under it their share."""
    if absent(row["response"]):
        return ""
    share = write(row["response"], PERCENT, lang)
    return "\n".join([_counted(row["n"], row["invited"], lang), share])


def _counted(k: float, n: float, lang: str) -> str:
    return text("wording.part", lang, k=write(k, COUNT, lang), n=write(n, COUNT, lang))


def _table(name: str, lines: list[dict[str, str]], lang: str) -> GT:
    columns = [column for column in lines[0] if column != "name"]
    headings = {column: text(f"voice.columns.{column}", lang) for column in columns}
    headings |= {"name": text(f"voice.columns.{name}", lang)}
    return build(name, lines, lang, headings, columns)
