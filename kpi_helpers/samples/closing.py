"""When reps expect their deals to close, and how they change their mind."""

import numpy as np
import pandas as pd
from numpy.random import Generator

from kpi_helpers.samples.draws import Array, day, working_day
from kpi_helpers.samples.parameters import Parameters

MOST_CHANGES = 6
LEAST = 24
HOPE, SPREAD = -0.95, 0.4


def draw_close_dates(deals: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Draw the days on which each deal was expected to close.

    A rep expects the end that is planned, a little too early; near that day the rep says anew. Some
    look late, and meanwhile their deals are past due. Of a slip nothing is known before.

    Returns
    -------
    DataFrame
        ``deal_id, changed_at, expected_close``, a deal's rows together and in order of time.
    """
    own = deals[deals["deal_id"].notna()]
    known = np.minimum(own["ends_at"].to_numpy("M8[D]"), day(p.as_of) + 1)
    at = own["created_at"].to_numpy("M8[D]")
    rows = []
    for _ in range(MOST_CHANGES):
        ahead = np.maximum((_planned(own, at) - at).astype(int), 1)
        guess = np.rint(ahead * np.exp(HOPE + SPREAD * rng.standard_normal(len(own))))
        expected = working_day(at + np.maximum(guess, LEAST).astype(int))
        rows.append(
            pd.DataFrame({"deal_id": own["deal_id"], "changed_at": at, "expected_close": expected})[
                at < known
            ]
        )
        early, late = rng.integers(0, 8, len(own)), rng.integers(5, 50, len(own))
        shift = np.where(rng.random(len(own)) < p.neglected, late, -early)
        at = working_day(np.maximum(expected + shift, at + 1))
    return pd.concat(rows).sort_values(["deal_id", "changed_at"], ignore_index=True)


def _planned(deals: pd.DataFrame, at: Array) -> Array:
    """Return the end of each deal as it is planned on a day: slips have happened once due."""
    end = deals["created_at"].to_numpy("M8[D]") + deals["cycle"].to_numpy()
    days = deals["slip_days"].to_numpy()
    past = np.ceil((at - end).astype(int) / days).astype(int)
    planned: Array = end + days * np.clip(past, 0, deals["slips"].to_numpy())
    return planned
