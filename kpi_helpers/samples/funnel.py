"""Leads, the deals they become, and the stages these go through.

Chances and cycles stand in functions of their own, with every attribute of the lead or deal at
hand, and meet draws that do not depend on them: an effect that multiplies a chance changes the
leads and deals it is about and no others.
"""

import numpy as np
import pandas as pd
from numpy.random import Generator

from kpi_helpers.samples.draws import (
    Array,
    amounts,
    day,
    ids,
    intensity,
    picked,
    whole_months,
    working_day,
)
from kpi_helpers.samples.parameters import Parameters

OPENS, CLOSES = 8, 18  # working hours, between which stages change


def draw_leads(old: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Draw the leads, warm-up included, with the people and firms behind them.

    Parameters
    ----------
    old : DataFrame
        Customers from before `Parameters.start`, indexed by customer_id.

    Returns
    -------
    DataFrame
        Ordered by ``created_at``; leads of the warm-up have no ``lead_id``. ``channel`` is a
        position in `Parameters.channels`; ``customer_id`` is set when the firm is known already.
    """
    created = _arrivals(p, rng)
    size = len(created)
    channel = _channel(created, p, rng)
    frame = pd.DataFrame(
        {
            "lead_id": ids("L", created >= day(p.start)),
            "created_at": created,
            "channel": channel,
            "source": np.array([c.name for c in p.channels], dtype=object)[channel],
            "owner": _owners(created, channel, p, rng),
            "segment": picked(rng, p.segments, size),
            "region": picked(rng, p.regions, size),
            "sector": picked(rng, p.sectors, size),
            "firm": len(old) + np.arange(size),
            "contact": len(old) + np.arange(size),
        }
    )
    known = rng.random(size) < np.array([c.known for c in p.channels])[channel]
    # What was signed before the CRM began is invoiced to customers from before it began.
    return _repeated(_of_known_firms(frame, known | (created < day(p.start)), old, rng), p, rng)


def _arrivals(p: Parameters, rng: Generator) -> Array:
    days = whole_months(p.start, p.as_of, before=p.warm_up_months)
    years = (days - day(p.start)).astype(float) / 365.25
    expected = p.leads_a_month * (1 + p.lead_growth) ** years
    counts = rng.poisson(expected * intensity(days, p.lead_season, p.lead_weekdays))
    return np.repeat(days, np.where(days <= day(p.as_of), counts, 0))


def _channel(created: Array, p: Parameters, rng: Generator) -> Array:
    before = np.cumsum([c.share_before for c in p.channels])
    after = np.cumsum([c.share_after for c in p.channels])
    draw = rng.random(len(created))
    return np.where(
        created < day(p.mix_change),
        np.searchsorted(before[:-1], draw, side="right"),
        np.searchsorted(after[:-1], draw, side="right"),
    )


def _owners(created: Array, channel: Array, p: Parameters, rng: Generator) -> Array:
    """Share the leads out evenly, but for the rep who gets more of the first channel since it grew.

    The others then get fewer of these and more of the rest, so that all have as many deals.
    """
    (name, pull), first, reps = p.weak_by_mix, p.channels[0], len(p.owners)
    rep, pull = (p.owners.index(name), pull) if name in p.owners else (0, 1.0)
    deals = [c.share_after * c.qualified for c in p.channels]
    rest = (sum(deals) - pull * first.share_after * first.qualified) / sum(deals[1:])
    own = np.where(channel == 0, pull, rest) / reps
    own = np.where(created < day(p.mix_change), 1 / reps, own)
    other = rng.integers(1, reps, len(created))
    chosen = np.where(rng.random(len(created)) < own, rep, (rep + other) % reps)
    return np.array(p.owners, dtype=object)[chosen]


def _repeated(leads: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Let some leads be a recent one that came in again."""
    place = np.arange(len(leads))
    back = rng.integers(5, 150, len(leads))
    again = (rng.random(len(leads)) < p.duplicate_rate) & (place >= back)
    origin = np.where(again, place - back, place)
    again &= ~again[origin]
    shared = ["owner", "segment", "region", "sector", "firm", "contact", "customer_id"]
    kept = leads[shared].iloc[np.where(again, origin, place)].reset_index(drop=True)
    return leads.assign(**kept, repeated=again)


def _of_known_firms(
    leads: pd.DataFrame, known: Array, old: pd.DataFrame, rng: Generator
) -> pd.DataFrame:
    firm = rng.integers(len(old), size=len(leads))
    shared = ["owner", "segment", "region", "sector", "firm"]
    taken = {name: np.where(known, old[name].to_numpy()[firm], leads[name]) for name in shared}
    customer = pd.Series(old.index.to_numpy()[firm], dtype=object)
    return leads.assign(**taken, customer_id=customer.where(known, None))


def qualification_chance(leads: pd.DataFrame, p: Parameters) -> Array:
    """Return the chance of each lead to be qualified; one that came in again is not."""
    once = 1 - p.duplicate_rate
    chance = np.array([c.qualified / once for c in p.channels])[leads["channel"]]
    created = leads["created_at"].to_numpy("M8[D]")
    trained = leads["owner"].isin(dict(p.teams).get(p.trained_team, ())).to_numpy()
    chance = chance * np.where(created >= day(p.bottleneck_from), p.bottleneck, 1.0)
    chance = chance * np.where(trained & (created >= day(p.training_from)), p.training, 1.0)
    return np.where(leads["repeated"], 0.0, chance)


def win_chance(deals: pd.DataFrame, p: Parameters) -> Array:
    """Return the chance of each deal to be won: its channel's, by its rep and its competitor."""
    chance = np.array([c.won for c in p.channels])[deals["channel"]]
    for column, factors in (("owner", p.rep_wins), ("competitor", p.rival_wins)):
        chance = chance * deals[column].map(dict(factors)).astype(float).fillna(1.0).to_numpy()
    return chance


def cycle_days(deals: pd.DataFrame, p: Parameters) -> Array:
    """Return the median days that each deal takes until it is decided."""
    return p.cycle_median * np.where(deals["sector"] == "public", p.public_cycle, 1.0)


def qualify(leads: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Add ``sql_at``, the day a lead is qualified, whether it lies after as_of or not.

    The delay is a Beta law on the days up to the limit; its second shape follows from the median
    by (a − 1/3) / (a + b − 2/3), Kerman's approximation (arXiv 1111.0433).
    """
    limit = p.qualification_limit - 2  # a weekend at the end adds up to two days
    shape = 1.6
    other = (shape - 1 / 3) * limit / p.qualification_median - shape + 2 / 3
    qualified = rng.random(len(leads)) < qualification_chance(leads, p)
    delay = np.ceil(limit * rng.beta(shape, other, len(leads))).astype(int)
    sql_at = working_day(leads["created_at"].to_numpy("M8[D]") + delay)
    return leads.assign(sql_at=np.where(qualified, sql_at, np.datetime64("NaT", "D")))


def draw_deals(leads: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Draw the deals of the qualified leads, with the end they have or will have.

    Every lead gets the draws of a deal, so that those of one lead do not depend on which others
    are qualified.

    Returns
    -------
    DataFrame
        Ordered by ``created_at``; deals of warm-up leads have no ``deal_id``. ``wins`` and
        ``ends_at`` hold the fate of open deals too, ``lost_stage`` the position of the stage in
        which a lost deal ends (the last one for a won deal).
    """
    size, last = len(leads), len(p.stages) - 1
    deals = leads.assign(
        amount=np.round(amounts(rng, p.deal_median, p.deal_spread, size), -1),
        product=picked(rng, p.products, size),
        lost_reason=picked(rng, p.lost_reasons, size),
        lost_stage=rng.choice(last + 1, size, p=[stage.lost for stage in p.stages]),
        competitor=picked(rng, p.rivals, size),
    )
    wins = rng.random(size) < win_chance(deals, p)
    cycle = np.exp(p.cycle_spread * rng.standard_normal(size)) * cycle_days(deals, p)
    deals = deals.assign(
        wins=wins,
        lost_stage=np.where(wins, last, deals["lost_stage"]),
        cycle=np.maximum(np.rint(cycle), 1).astype(int),
        slips=rng.geometric(1 - p.slip_rate, size) - 1,
        slip_days=rng.integers(91, 110, size),
    )
    return _lucky(_as_seen(deals[deals["sql_at"] <= pd.Timestamp(p.as_of)], p), p)


def _slipped(deals: pd.DataFrame, p: Parameters) -> Array:
    """Return how often the end of each deal slips: large deals, from a day on, by a quarter."""
    ends = deals["sql_at"].to_numpy("M8[D]") + deals["cycle"].to_numpy()
    slips = np.zeros(len(deals), int)
    for _ in range(int(deals["slips"].max())):
        again = (deals["amount"] > p.slip_amount) & (deals["slips"] > slips)
        again &= ends + slips * deals["slip_days"].to_numpy() >= day(p.slip_from)
        slips += again.to_numpy()
    return slips


def _lucky(deals: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """Let one rep have sold one product a few times in a year, most of them won: by label only."""
    rep, product, wins, size = p.lucky
    if not size:
        return deals
    year = deals["ends_at"] > pd.Timestamp(p.as_of) - pd.DateOffset(years=1)
    own = deals[(deals["owner"] == rep) & year & (deals["status"] != "open")]
    chosen = [*own.index[own["wins"]][:wins], *own.index[~own["wins"]][: size - wins]]
    products = deals["product"].copy()
    products[own.index] = own["product"].replace(product, p.products[0][0])
    products[chosen] = product
    return deals.assign(product=products)


def _as_seen(deals: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """Add what is known on as_of: the status, the end, and why a deal was lost."""
    deals = deals.sort_values(["sql_at", "created_at"], kind="stable", ignore_index=True)
    as_of, created = day(p.as_of), deals["sql_at"].to_numpy("M8[D]")
    slips = _slipped(deals, p)
    ends = working_day(created + (deals["cycle"] + slips * deals["slip_days"]).to_numpy())
    is_open = ends > as_of
    return deals.assign(
        deal_id=ids("D", deals["lead_id"].notna().to_numpy()),
        created_at=created,
        deal_type=np.where(deals["customer_id"].isna(), "new", "upsell"),
        status=np.where(is_open, "open", np.where(deals["wins"], "won", "lost")),
        ends_at=ends,
        closed_at=np.where(is_open, np.datetime64("NaT", "D"), ends),
        lost_reason=deals["lost_reason"].where(~is_open & ~deals["wins"], None),
        slips=slips,
    )


def draw_stages(deals: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Draw the stages of the deals up to as_of.

    Returns
    -------
    DataFrame
        ``deal_id``, ``stage`` and ``entered_at``, a deal's rows together and in order of time.
    """
    size, steps = len(deals), len(p.stages)
    step = np.arange(steps)
    times = rng.gamma(2.0, [stage.time for stage in p.stages], (size, steps))
    skipped = rng.integers(1, steps - 1, size)[:, None] == step
    skipped &= (rng.random(size) < p.skip_rate)[:, None]
    lost_stage = deals["lost_stage"].to_numpy()[:, None]
    reached = (step == lost_stage) | ((step < lost_stage) & ~skipped)
    left = np.cumsum(times * reached, axis=1)
    begun = np.column_stack([np.zeros(size), left])[:, : steps + 1] / left[:, -1:]
    begun[:, -1] = 1.0
    passed = np.column_stack([reached, np.ones(size, bool)])
    row, position = np.nonzero(passed)
    entered = _working_times(deals, begun, rng)[row, position]
    names = np.array([*(stage.name for stage in p.stages), p.won_stage, p.lost_stage], object)
    final_lost = (position == steps) & ~deals["wins"].to_numpy()[row]
    frame = pd.DataFrame(
        {
            "deal_id": deals["deal_id"].to_numpy()[row],
            "stage": names[position + final_lost],
            "entered_at": entered,
        }
    )
    return frame[entered < day(p.as_of) + 1].reset_index(drop=True)


def _working_times(deals: pd.DataFrame, share: Array, rng: Generator) -> Array:
    """Return the minute at which a share of each deal's time is over, in working hours only."""
    created = deals["created_at"].to_numpy("M8[D]")
    days = np.busday_count(created, deals["ends_at"].to_numpy("M8[D]"))
    first = rng.uniform(0.0, 0.5, len(deals))
    last = days + rng.uniform(0.5, 1.0, len(deals))
    at = first[:, None] + share * (last - first)[:, None]
    whole = np.floor(at).astype(int)
    minutes = (60 * (OPENS + (CLOSES - OPENS) * (at - whole))).astype("m8[m]")
    return np.busday_offset(created[:, None], whole).astype("M8[m]") + minutes
