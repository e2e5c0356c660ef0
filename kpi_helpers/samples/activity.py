"""What was done day by day: calls, meetings, notes and tickets, and visits to the web shop."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

from kpi_helpers.samples.accounts import WEB
from kpi_helpers.samples.draws import Array, day, ids, intensity, picked, whole_months, working_day
from kpi_helpers.samples.parameters import Parameters, Shares

HOURS = (0.07, 0.15, 0.15, 0.12, 0.04, 0.06, 0.13, 0.12, 0.10, 0.06)  # of calls, from 8 h
WEEKDAYS = (1.25, 1.05, 1.0, 1.0, 0.9, 0.0, 0.0)
FLAT = (1.0,) * 12
DIALLED: Shares = (("answered", 0.42), ("booked", 0.08), ("missed", 0.38), ("voicemail", 0.12))
MET: Shares = (("held", 0.86), ("no_show", 0.14))
A_MONTH = {"call": 388, "ticket": 50, "complaint": 6}  # that come in
A_DEAL = {"call": 1.2, "meeting": 0.7, "note": 0.8}
PHONED = 0.45  # part of the first responses

SITES: Shares = (
    *(("Recherche en ligne|ordinateur", 0.36), ("Recherche en ligne|mobile", 0.14)),
    *(("Accès direct|ordinateur", 0.26), ("Accès direct|mobile", 0.09)),
    *(("Réseaux sociaux|ordinateur", 0.07), ("Réseaux sociaux|mobile", 0.08)),
)
STEPS = (("checkouts", 0.55), ("carts", 0.55), ("product_views", 0.32), ("sessions", 0.38))


def draw_activities(
    leads: pd.DataFrame, deals: pd.DataFrame, customers: pd.DataFrame, p: Parameters, rng: Generator
) -> pd.DataFrame:
    """Draw calls, meetings, notes, tickets and complaints, in order of time."""
    called = leads[leads["lead_id"].notna() & leads["first_response_at"].notna()]
    called = called[rng.random(len(called)) < PHONED]
    first = called[["lead_id", "owner"]].assign(
        started_at=called["first_response_at"], type="call", direction="out"
    )
    frames = [first]
    frames += [_in_deals(deals, kind, mean, p, rng) for kind, mean in A_DEAL.items()]
    frames += [_coming_in(customers, kind, mean, p, rng) for kind, mean in A_MONTH.items()]
    rows = pd.concat(frames, ignore_index=True)
    rows = rows[rows["started_at"].to_numpy() < day(p.as_of) + 1]
    rows = rows.sort_values("started_at", kind="stable", ignore_index=True)
    return _told(rows, p, rng).assign(activity_id=ids("A", np.ones(len(rows), bool)))


def _in_deals(
    deals: pd.DataFrame, kind: str, mean: float, p: Parameters, rng: Generator
) -> pd.DataFrame:
    own = deals[deals["deal_id"].notna()]
    own = own.loc[own.index.repeat(rng.poisson(mean, len(own)))]
    begin = own["created_at"].to_numpy("M8[D]")
    end = np.minimum(own["ends_at"].to_numpy("M8[D]"), day(p.as_of))
    at = begin + (rng.random(len(own)) * (end - begin).astype(int)).astype(int)
    out = None if kind == "note" else "out"
    return own[["deal_id", "owner"]].assign(started_at=_timed(at, rng), type=kind, direction=out)


def _coming_in(
    customers: pd.DataFrame, kind: str, mean: float, p: Parameters, rng: Generator
) -> pd.DataFrame:
    days = whole_months(p.start, p.as_of)
    counts = rng.poisson(mean * intensity(days, FLAT, WEEKDAYS))
    at = np.repeat(days, counts)
    seen = np.searchsorted(customers["first_seen"].to_numpy("M8[D]"), at)
    who = (rng.random(len(at)) * seen).astype(int)
    return pd.DataFrame(
        {
            "customer_id": customers.index.to_numpy()[who],
            "owner": customers["owner"].to_numpy()[who],
            "started_at": _timed(at, rng),
            "type": kind,
            "direction": "in",
        }
    )


def _timed(days: Array, rng: Generator) -> Array:
    hour = 8 + rng.choice(len(HOURS), len(days), p=HOURS)
    minute = 60 * hour + rng.integers(0, 60, len(days))
    timed: Array = working_day(days).astype("M8[m]") + minute.astype("m8[m]")
    return timed


def _told(rows: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Add how each ended: calls that came in are missed more often on Monday from 9 to 11 h."""
    size, at, kind = len(rows), rows["started_at"].dt, rows["type"]
    inbound = (kind == "call") & (rows["direction"] == "in")
    monday = (at.day_of_week == 0) & at.hour.isin([9, 10])
    missed = rng.random(size) < np.where(monday, p.missed_monday, p.missed)
    outcome = np.where(missed, "missed", "answered").astype(object)
    outcome = np.where(inbound, outcome, picked(rng, DIALLED, size))
    outcome = np.where(kind == "meeting", picked(rng, MET, size), outcome)
    talked = np.isin(outcome, ["answered", "booked", "held"]) & kind.isin(["call", "meeting"])
    lasted = np.where(kind == "meeting", 3600, 240) * rng.gamma(3.0, 1 / 3, size)
    replied = rows["started_at"] + pd.to_timedelta(rng.exponential(5, size).round(1), unit="h")
    replied = replied.where((kind == "ticket") & (replied < pd.Timestamp(day(p.as_of) + 1)))
    return rows.assign(
        outcome=pd.Series(outcome).where(kind.isin(["call", "meeting"]), None),
        wait_s=pd.Series(rng.exponential(18, size).round()).where(inbound),
        duration_s=pd.Series((lasted / 15).round() * 15).where(talked),
        first_reply_at=replied.dt.round("min"),
        note_words=pd.Series(rng.poisson(18, size).astype(float)).where(kind == "note"),
    )


def draw_visits(orders: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Draw the web shop's days: as many orders as it has, and ever more people before each step.

    From `Parameters.visits_from` more visits come by social networks, which look at nothing.
    """
    days = np.arange(day(p.start), day(p.as_of) + 1)
    sold = orders[(orders["channel"] == WEB) & (orders["type"] == "order")]
    place = (sold["order_date"].to_numpy("M8[D]") - days[0]).astype(int)
    shares = np.array([share for _, share in SITES])
    steps: dict[str, Any] = {
        "orders": rng.multinomial(np.bincount(place, minlength=len(days)), shares)
    }
    count = steps["orders"]
    quiet = 4.0 * shares * np.where(count.sum(axis=1, keepdims=True) == 0, 1.0, 0.0)
    for name, passing in STEPS:
        count = count + rng.poisson((count + quiet) * (1 / passing - 1))
        steps[name] = count
    social = np.array([site.startswith("Réseaux") for site, _ in SITES])
    extra = (p.visits - 1) * count.mean(axis=0).sum() * social / social.sum()
    later = (days >= day(p.visits_from))[:, None]
    steps["sessions"] = count + rng.poisson(np.broadcast_to(extra, count.shape) * later)
    source, device = zip(*(site.split("|") for site, _ in SITES), strict=True)
    columns = {name: values.ravel() for name, values in steps.items()}
    where = {"source": np.tile(source, len(days)), "device": np.tile(device, len(days))}
    return pd.DataFrame({"date": np.repeat(days, len(SITES)), **where, **columns})
