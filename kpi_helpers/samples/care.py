"""What is known of a lead and a deal besides their fate: answers, hand-over, BANT, discounts."""

import numpy as np
import pandas as pd
from numpy.random import Generator

from kpi_helpers.samples.draws import Array, campaigns, day, picked, working_day
from kpi_helpers.samples.funnel import CLOSES, OPENS
from kpi_helpers.samples.parameters import Parameters

REFUSED = (("Pas de projet", 0.4), ("Hors cible", 0.3), ("Injoignable", 0.3))
SALES_CHANNELS = (("Terrain", 0.55), ("À distance", 0.35), ("Revendeur", 0.10))
BANT = ("bant_budget", "bant_authority", "bant_need", "bant_timeline")
GOLDEN = (5**0.5 - 1) / 2
KNOWN_OF_WON, KNOWN_OF_LOST = 0.80, 0.55


def draw_care(leads: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Add how leads were cared for: marketing's word, first response and hand-over.

    Leads that sales qualified are handed over; of the others, the part that marketing calls
    qualified falls on `Parameters.mql_change`, when the definition does.
    """
    size, created = len(leads), leads["created_at"].to_numpy("M8[D]")
    qualified = leads["sql_at"].notna().to_numpy()
    word = np.where(created < day(p.mql_change), p.mql_before, p.mql_after)
    marketing = qualified | (rng.random(size) < word)
    first = working_day(created + rng.choice([0, 1, 2, 5], size, p=[0.5, 0.3, 0.14, 0.06]))
    minutes = (60 * (OPENS + 1) + 15 * rng.integers(0, 4 * (CLOSES - OPENS - 1), size)).astype(
        "m8[m]"
    )
    # Spread over the hours before the answer, or over the day, without a draw of its own.
    open_until = np.where(first == created, minutes.astype(int), 60 * CLOSES)
    arrived = 60 * OPENS + (open_until - 60 * OPENS) * (np.arange(size) * GOLDEN % 1)
    answered = qualified | (rng.random(size) < 0.85)
    ends = np.where(qualified, leads["sql_at"].to_numpy("M8[D]"), first)
    handed = marketing & (rng.random(size) < 0.95) & ~leads["repeated"].to_numpy()
    accepted = handed & (qualified | (rng.random(size) < 0.3))
    return leads.assign(
        received_at=created + arrived.astype("m8[m]"),
        mql_at=_known(np.minimum(first, ends), marketing, p),
        first_response_at=_known(first + minutes, answered, p),
        handed_over_at=_known(np.minimum(first, ends), handed, p),
        accepted_at=_known(np.minimum(working_day(first + 1), ends), accepted, p),
        rejected_reason=pd.Series(picked(rng, REFUSED, size)).where(handed & ~accepted, None),
        campaign=campaigns(leads["source"].to_numpy(), created),
    )


def _known(at: Array, happened: Array, p: Parameters) -> Array:
    """Return when something happened, if it did by as_of."""
    known: Array = np.where(happened & (at < day(p.as_of) + 1), at, np.datetime64("NaT"))
    return known


def draw_details(deals: pd.DataFrame, rng: Generator) -> pd.DataFrame:
    """Add what a rep notes of a deal: BANT, of which a deal that is won has more, and discounts."""
    size = len(deals)
    known = np.where(deals["wins"], KNOWN_OF_WON, KNOWN_OF_LOST)[:, None]
    noted = (rng.random((size, len(BANT))) < known).astype(float)
    list_amount = (deals["amount"] / (1 - rng.beta(1.2, 12, size))).round(-1)
    return deals.assign(
        **dict(zip(BANT, noted.T, strict=True)),
        list_amount=list_amount,
        sales_channel=picked(rng, SALES_CHANNELS, size),
    )
