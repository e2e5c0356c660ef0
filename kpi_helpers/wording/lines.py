"""The sentences of an analysis as a frame of findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple, Protocol

import pandas as pd

from kpi_helpers.language import Terms

# sentence, sureness, places of the rows behind it, money at stake
Line = tuple[str, int, Sequence[int], float]
NO_MONEY = float("nan")


def as_findings(lines: Sequence[Line], table: str) -> pd.DataFrame:
    """Return lines with the columns of `kpi_helpers.wording.findings`.

    Parameters
    ----------
    lines
        Sentence, sureness, places of the rows behind it (the first being 0) and money at stake.
    table
        Name under which the rows are handed on.

    Examples
    --------
    >>> as_findings([("Nothing left.", 1, [0, 2], NO_MONEY)], "control")["rows"].tolist()
    ['1, 3']
    """
    return pd.DataFrame(
        {
            "kind": "finding",
            "sentence": [said for said, *_ in lines],
            "sureness": [sure for _, sure, *_ in lines],
            "money_at_stake": [money for *_, money in lines],
            "table": table,
            "rows": [", ".join(str(place + 1) for place in behind) for *_, behind, _ in lines],
        }
    )


class Look(NamedTuple):
    """How findings are told: the language, the company's words, the currency of its amounts."""

    lang: str
    terms: Terms | None = None
    currency: str = "EUR"


# Tells what an analysis returned, a frame nearly always, in lines.
Teller = Callable[[Any, Look], Sequence[Line]]


class Findings(Protocol):
    """What `finds` makes: the findings of a frame, under the name that it is handed on by."""

    def __call__(
        self,
        frame: Any,
        lang: str,
        terms: Terms | None = None,
        currency: str = "EUR",
        table: str = ...,
    ) -> pd.DataFrame:
        """Return the columns of `kpi_helpers.wording.findings`."""
        ...


ABOUT = """lang, terms, currency
        As for `kpi_helpers.wording.sentence`.
    table : str
        Name under which the frame is handed on.

    Returns
    -------
    pandas.DataFrame
        The columns of `kpi_helpers.wording.findings`.
    """


def finds(table: str) -> Callable[[Teller], Findings]:
    """Make a function that tells a frame in lines one that returns its findings.

    Parameters
    ----------
    table
        Name under which the frame is handed on, unless a caller has its own.

    Examples
    --------
    >>> @finds("late")
    ... def late_findings(late, look):
    ...     return [(f"{len(late)} late", 0, range(len(late)), NO_MONEY)]
    >>> found = late_findings(pd.DataFrame({"days": [3, 4]}), "en")
    >>> print(*found.loc[0, ["sentence", "table", "rows"]])
    2 late late 1, 2
    """
    usual = table

    def made(lines_of: Teller) -> Findings:
        @wraps(lines_of)
        def found(
            frame: Any,
            lang: str,
            terms: Terms | None = None,
            currency: str = "EUR",
            table: str = usual,
        ) -> pd.DataFrame:
            return as_findings(lines_of(frame, Look(lang, terms, currency)), table)

        found.__doc__ = f"{lines_of.__doc__}{ABOUT}"
        return found

    return made
