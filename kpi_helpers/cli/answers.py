"""Answers on a terminal: lines for people, JSON for programs."""

from __future__ import annotations

import argparse
import json
import unicodedata
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# Controls, marks that turn a text around, halves of characters, and breaks of lines; but not what
# joins letters, nor what keeps a name that runs from right to left by itself.
_STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_HARMLESS = "\u200c\u200d\u2068\u2069"


def spoken(options: argparse.Namespace, lang: str, data: str = "", folder: str = "") -> str:
    """Return the language to write in: ``--lang``, else that of the settings, else the one spoken.

    Without a named source or settings, those of the folder are meant.
    """
    from kpi_helpers.reports.places import project
    from kpi_helpers.sources.config import said
    from kpi_helpers.sources.loading import folder_of

    config = vars(options).get("config")
    if options.lang or config:
        return options.lang or said("language", config) or lang
    source, settings = (data, None) if data else project(folder)
    return said("language", settings, folder_of(source)) or lang


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame, as JSON can hold them: missing values are None, dates ISO text."""
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return rows


def print_json(said: object) -> None:
    """Print an answer as JSON, with letters as they are."""
    for line in json.dumps(said, ensure_ascii=False, indent=2).split("\n"):
        say(line)


def say(line: object, file: IO[str] | None = None) -> None:
    r"""Print a line; a character that would steer the terminal is written as JSON escapes it.

    Examples
    --------
    >>> say("Zoë\x1b[31m\u202e")
    Zoë\u001b[31m\u202e
    """
    print(seen(line), file=file)


def seen(said: object) -> str:
    """Return a text with what would steer a terminal written as JSON escapes it."""
    return "".join(map(_seen, str(said)))


def _seen(character: str) -> str:
    steers = unicodedata.category(character) in _STEERING and character not in _HARMLESS
    return json.dumps(character)[1:-1] if steers else character
