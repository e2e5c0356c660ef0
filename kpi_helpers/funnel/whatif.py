"""What-if: the distribution of what will be won in this quarter and in the next.

Cases move on as they did in the last year (a period life table of each step: who was there at an
age, who then moved on, was lost or stayed; semi-Markov). An open deal is won by a day with the
chance of its step and its days there, what is still to come with the chance of the days that
remain. Nothing is drawn, so that two answers differ by their levers alone.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kpi_helpers.errors import BadInput, unknown
from kpi_helpers.funnel.habits import Prepared
from kpi_helpers.funnel.leak import Z, tidy
from kpi_helpers.language import Phrase
from kpi_helpers.measure.targets import target_values
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where
from kpi_helpers.survival.curves import Floats

LIMITS = ("low", "median", "high")
WON = pd.DataFrame({"kpi": ["bookings"]})
QUICKEST, NONE, ALL = 0.25, 1e-9, 0.995


def what_if(
    prepared: Prepared,
    volume: float = 1.0,
    rates: Mapping[str, float] | None = None,
    cycle: float = 1.0,
    amount: float = 1.0,
) -> pd.DataFrame:
    """Return the distribution of what is won in this quarter and in the next.

    Parameters
    ----------
    prepared
        What `outlook` returns.
    volume, amount
        Factors on the leads and deals still to come, and on the amounts still to be won.
    rates
        Step → factor on the share that passes it, which stays below 1.
    cycle
        Factor on all times, from tomorrow on: 0.8 is a fifth quicker.

    Returns
    -------
    pandas.DataFrame
        A row a quarter: ``value`` (expected), ``low, median, high`` (95 %), and what is expected
        of it: ``booked``, ``from_open`` and ``from_new`` (leads and deals to come).

    Raises
    ------
    UnknownName
        For a step that does not exist.
    BadInput
        For a factor that is no number or below 0, or a cycle under a quarter of today's; and for
        anything but what `outlook` returns.
    """
    _checked(prepared, rates)
    factors = {"volume": volume, "amount": amount, "cycle": cycle, **(rates or {})}
    for name in rates or {}:
        if name not in prepared.steps:
            raise unknown("value", name, prepared.steps)
    for name, factor in factors.items():
        known = isinstance(factor, numbers.Real) and math.isfinite(factor)
        if not (known and factor >= QUICKEST * (name == "cycle")):
            raise BadInput(column=name, value=factor, expected=Phrase("expected.factor"))
    ratio = np.array([(rates or {}).get(name, 1.0) for name in prepared.steps])
    rows, before, come = [], np.zeros(len(prepared.open)), 0.0
    for place, (period, days) in enumerate(zip(prepared.periods, prepared.days, strict=True)):
        chance, leads, new = won_by(prepared, days, cycle, ratio)
        coming, booked = leads + volume * new, 0.0 if place else prepared.booked
        found = _summed(prepared, chance - before, coming - come)
        row = {f"from_{name}": amount * found[name] for name in ("open", "new")}
        row |= {name: booked + amount * found[name] for name in LIMITS}
        row |= {"value": booked + row["from_open"] + row["from_new"], "booked": booked}
        rows.append({**row, **tidy("won_outlook", period), "status": "ok", "n": np.nan})
        before, come = chance, coming
    return pd.DataFrame(rows)


def levers(prepared: Prepared, more: float = 1.1, sooner: float = 0.9) -> pd.DataFrame:
    """Return what a tenth more of each would bring: volume, each step, amounts; and less time.

    Returns
    -------
    pandas.DataFrame
        The rows of `what_if` by ``lever`` (``base, volume``, the steps that lose cases, ``cycle,
        amount``), with its ``factor`` and ``change``, the expected value less that of the base.
    """
    _checked(prepared)
    asked: dict[str, tuple[float, dict[str, Any]]] = {"base": (1.0, {})}
    asked |= {"volume": (more, {"volume": more})}
    asked |= {name: (more, {"rates": {name: more}}) for name in losing_steps(prepared)}
    asked |= {"cycle": (sooner, {"cycle": sooner}), "amount": (more, {"amount": more})}
    return beside_base(
        {lever: (factor, what_if(prepared, **own)) for lever, (factor, own) in asked.items()}
    )


def agreed(data: Dataset, prepared: Prepared | None, where: Where = None) -> pd.DataFrame | None:
    """Return what each scenario of the settings would bring, beside things as they are.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    prepared
        What `outlook` returns of it, if anything.
    where
        As for `outlook`.

    Returns
    -------
    pandas.DataFrame or None
        The rows of `levers` by scenario, with the ``target`` of their quarter, that of a scenario
        before that of the data, the ``chance`` to hit it and ``base_chance``, that of things as
        they are. None where no scenario was agreed.

    Raises
    ------
    UnknownName
        For a scenario with a step that does not exist.
    """
    if prepared is None or not data.config.scenarios:
        return None
    own = {each["name"]: {**each} for each in data.config.scenarios}
    aims = [target_values(data, WON, each, (), where).item() for each in prepared.periods]
    found = {"base": (1.0, what_if(prepared).assign(target=aims))}
    for name, levers in own.items():
        aim = levers.pop("target", 0.0) or aims[0]
        factors = {key: value for key, value in levers.items() if key != "name"}
        found[name] = math.nan, what_if(prepared, **factors).assign(target=[aim, *aims[1:]])
    rows = beside_base(found)
    base = pd.concat([rows.head(len(aims))] * len(found), ignore_index=True)
    chance, before = (chance_of(each, rows["target"]) for each in (rows, base))
    return rows.assign(chance=chance, base_chance=before)


def losing_steps(prepared: Prepared) -> list[str]:
    """Return the steps that lose cases, those where a higher rate would bring something."""
    losing = prepared.moved.sum(axis=1) < ALL
    return [name for name, some in zip(prepared.steps, losing, strict=True) if some]


def beside_base(found: Mapping[str, tuple[float, pd.DataFrame]]) -> pd.DataFrame:
    """Return answers of `what_if` as `levers` does: lever → factor and answer, the base first."""
    base = next(iter(found.values()))[1]["value"]
    frames = [
        rows.assign(lever=lever, factor=factor, change=rows["value"] - base)
        for lever, (factor, rows) in found.items()
    ]
    return pd.concat(frames, ignore_index=True)


def chance_of(found: pd.DataFrame, amount: ArrayLike) -> Floats:
    """Return how likely it is that so much, or more, is won: the distribution of `what_if`.

    Parameters
    ----------
    found
        Rows of `what_if` or `levers`.
    amount
        An amount a row; a missing one has a missing chance.

    Returns
    -------
    numpy.ndarray
        From 0 to 1. Its quantiles are those of the row (Cornish and Fisher, turned round), and what
        is booked is certain.
    """
    from scipy.special import ndtr

    wanted = np.broadcast_to(np.asarray(amount, dtype=float), len(found))
    value, median, high, booked = (
        found[name].to_numpy(float) for name in ("value", "median", "high", "booked")
    )
    bend = value - median
    spread = (high - value - bend * (Z**2 - 1)) / Z
    beyond = wanted - median
    with np.errstate(invalid="ignore", divide="ignore"):
        root = spread**2 + 4 * bend * beyond
        chance = ndtr(-2 * beyond / (spread + np.sqrt(root)))
        # Outside of what the curve reaches: below it where it is bent upwards, else above it.
        chance = np.where(root < 0, bend > 0, chance)
        chance = np.where((spread > 0) & (wanted > booked), chance, wanted <= value)
    return np.where(np.isnan(wanted), np.nan, chance)


def _checked(prepared: object, rates: object = None) -> None:
    """Refuse a data set that is not prepared, and rates that name no steps."""
    if not isinstance(prepared, Prepared):
        raise BadInput(value=type(prepared).__name__, expected=Phrase("expected.outlook"))
    if not isinstance(rates, Mapping | None):
        raise BadInput(column="rates", value=rates, expected=Phrase("expected.factors"))


def _summed(prepared: Prepared, chance: Floats, new: float) -> dict[str, float]:
    """What these chances of the open deals, and so many new ones, add up to, with its limits.

    Of the sum the first three cumulants are exact (deals are won or not, new ones come as Poisson
    says, all chances err by as much as so few wins leave open); its quantiles follow from them
    (Cornish and Fisher 1938, Revue de l'Institut International de Statistique 5, 307-320).
    """
    each, lost = prepared.open["amount"].to_numpy(float), 1 - chance
    first, second, third = (float((prepared.amounts**power).mean()) for power in (1, 2, 3))
    opened, coming = float((each * chance).sum()), new * first
    variance = float((each**2 * chance * lost).sum()) + new * second
    skewed = float((each**3 * chance * lost * (lost - chance)).sum()) + new * third
    variance += (opened + coming) ** 2 / len(prepared.amounts)
    z, bend = np.array([-Z, 0.0, Z]), skewed / max(variance, NONE) ** 1.5 / 6
    limits = np.maximum(opened + coming + math.sqrt(variance) * (z + bend * (z**2 - 1)), 0)
    return {"open": opened, "new": coming} | dict(zip(LIMITS, limits, strict=True))


def won_by(
    prepared: Prepared, days: int, cycle: float, ratio: Floats
) -> tuple[Floats, float, float]:
    """The chance of each open deal to be won within so many days; wins of leads, and of new ones.

    Times that are ``cycle`` times as long are the same as so many days fewer, in proportion.
    """
    place, age = (prepared.open[name].to_numpy(int) for name in ("place", "age"))
    span = math.ceil(days / cycle) + 1
    after, remain, new = np.ones(span + 1), np.arange(days) / cycle, 0.0
    table = np.zeros(prepared.left.shape)
    for step in range(len(prepared.steps) - 1, -1, -1):
        table[step] = _from_age(prepared, step, days / cycle, after, ratio[step])
        moved = prepared.moved[step]
        after = np.convolve(moved, after)[: span + 1] * _raised(ratio[step], moved.sum())
        new += prepared.come[step] * np.interp(remain, np.arange(span + 1), after).sum()
    return table[place, age], float((prepared.waiting * table).sum()), float(new)


def _from_age(prepared: Prepared, step: int, days: float, after: Floats, factor: float) -> Floats:
    """The chance to be won within so many days, by days spent at the step."""
    moved, left = prepared.moved[step], prepared.left[step]
    left = np.where(left > NONE, left, np.inf)
    rest = np.append(moved[::-1].cumsum()[::-1][1:], 0.0) / left
    whole, reached, zero = math.floor(days), [], np.zeros_like(left)
    for within in (whole, whole + 1):
        ahead = np.append(moved[1:], np.zeros(within))
        reached.append(np.correlate(ahead, after[:within][::-1], "valid") if within else zero)
    found: Floats = reached[0] + (days - whole) * (reached[1] - reached[0])
    return found / left * _raised(factor, rest)


def _raised(factor: float, share: Any) -> Any:
    """The factor on a share, which cannot pass 1."""
    return np.minimum(factor, 1 / np.maximum(share, NONE))
