"""What is said of the histories of the deals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kpi_helpers.language import nouns, text
from kpi_helpers.units import COUNT, PERCENT, write
from kpi_helpers.wording.lines import NO_MONEY, Line, Look, finds

MOST, FEWEST, LEAST = 3, 5, 0.05  # fewer deals than that distort no figure


@finds("integrity")
def history_findings(integrity: pd.DataFrame, look: Look) -> Sequence[Line]:
    """Return what makes the figures of stages doubtful; nothing where little is odd.

    Parameters
    ----------
    integrity : DataFrame
        What `kpi_helpers.funnel.integrity` returns.
    """
    lang, terms, _ = look
    many = integrity["deals"].ge(FEWEST) & integrity["share"].ge(LEAST)
    lines = []
    for place, row in integrity[many & integrity["severity"].eq("warn")].head(MOST).iterrows():
        what, _, follows = (part.strip(" \u00a0") for part in row["consequence"].partition(":"))
        said = text(
            "wording.history",
            lang,
            what=what[:1].lower() + what[1:],
            share=write(row["share"], PERCENT, lang),
            deals=write(row["deals"], COUNT, lang),
            of=write(row["of"], COUNT, lang),
            follows=follows[:1].upper() + follows[1:],
            **nouns(lang, terms),
        )
        lines.append((said, 0, [int(str(place))], NO_MONEY))
    return lines
