"""The sentences of an analysis as a frame of findings."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

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
