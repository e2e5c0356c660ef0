"""Which few KPIs fit a business, and whether its data can carry them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from kpi_helpers.catalogue import REGISTRY, find
from kpi_helpers.kpis.headline import is_own
from kpi_helpers.selection.business import business, presets
from kpi_helpers.selection.gates import VANITY, gated, tables_of
from kpi_helpers.sources.asked import names_in
from kpi_helpers.sources.dataset import Dataset, Where

__all__ = ["CHOSEN", "REJECTED", "ROLES", "business", "presets", "selection"]

LEAST, MOST = 5, 9
WEIGHTS = {"objective": 3, "model": 2, "maturity": 2}
# A KPI of so many points is asked for by one of these.
FITS = 2
ROLES = ("volume", "quality", "leading", "voice")
CHOSEN, REJECTED = "chosen", "rejected"


def selection(
    data: Dataset,
    period: str = "last",
    where: Where = None,
    kpis: Sequence[str] = (),
    **business_is: str,
) -> pd.DataFrame:
    """Choose the few KPIs that fit a business and that its data carry, and say why not the others.

    Points are given for the objective (3), the model (2), the maturity (2) and who decides (1);
    what the data do not carry is out. Chosen are the best of each role, then those of 2 points
    and more: 5 to 9, one volume, one quality, one leading and one of the customer's voice where
    the data have them, no vanity metric, never two that tell the same.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    period, where
        The last of the four periods whose cases are counted, and which cases.
    kpis
        What somebody chose in the stead of these rules; it is told what the data say to it.
    **business_is
        ``model, maturity, objective`` and ``decides``: names of `presets`; by default those of
        ``[business]`` in the settings, and for the model what the tables suggest.

    Returns
    -------
    pandas.DataFrame
        A row a KPI, those chosen first: ``kpi, label, unit, role`` (one of `ROLES` or ``result``),
        ``verdict`` (``chosen`` or ``rejected``), ``reason``, ``points``, ``needs`` (a table, or a
        column of one, that is lacking; or the KPI that tells the same), ``n`` (median of the last
        periods), ``more`` (cases that a period lacks to be read), ``grain`` (the one to read it in
        instead), ``weakened`` (checks of `kpi_helpers.quality`), ``theirs`` (whether who decides
        can act on it), and what was asked: ``model, maturity, objective, decides, inferred``.
        Reasons to choose are ``own, objective, model,
        maturity, essential, role, filled, asked``; to reject (or against one that was asked for)
        ``vanity, no_data, ahead, too_early, nothing, few_cases, doubtful, alike, outweighed,
        dropped``.

    Raises
    ------
    UnknownName
        With the allowed names.

    Examples
    --------
    >>> import kpi_helpers as kh
    >>> days = pd.date_range("2026-01-01", periods=90).astype(str)
    >>> deals = {"deal_id": range(90), "status": ["won", "lost", "lost"] * 30, "amount": 900.0,
    ...          "created_at": days, "closed_at": days}
    >>> found = kh.selection(kh.load(pd.DataFrame(deals)), period="2026Q1").set_index("kpi")
    >>> found.loc[["win_rate_value", "nps"], ["verdict", "role", "reason", "needs"]]
                     verdict     role   reason    needs
    kpi
    win_rate_value    chosen  quality    model
    nps             rejected    voice  no_data  surveys
    """
    asked, wanted = business(data, **business_is), names_in("kpis", kpis)
    names = list(dict.fromkeys([*(find(kpi).id for kpi in wanted), *_candidates(asked)]))
    gates = _gated(data, names, period, where)
    if spare := _spare(data, gates):
        gates = _gated(data, [*gates.index, *spare], period, where)
    frame = _pointed(data, _scored([*gates.index], asked).join(gates), asked)
    best = _taken(frame)
    taken = list(wanted) or best
    told = _telling(frame, taken)
    order = [*taken, *(kpi for kpi in best if kpi not in (*taken, *told)), *told]
    frame = frame.loc[order].assign(verdict=[CHOSEN if k in taken else REJECTED for k in order])
    outcome = [_outcome(row, frame, taken, best) for row in frame.itertuples()]
    frame["reason"], frame["needs"] = zip(*outcome, strict=True)
    declared = [find(kpi) for kpi in order]
    labels = [kpi.label(data.config.lang) for kpi in declared]
    facts = {"label": labels, "unit": [kpi.unit for kpi in declared]}
    return frame.assign(**facts, **asked).rename_axis("kpi").reset_index()[list(COLUMNS)]


def _gated(data: Dataset, kpis: list[str], period: str, where: Where) -> pd.DataFrame:
    """`gated`, asked once of each KPI: whoever tries one choice after the other waits for it."""
    known: dict[str, pd.DataFrame] = data.remember(("gates", period, str(where)), dict)
    if new := [kpi for kpi in kpis if kpi not in known]:
        # A filter may have its column in none of the tables of the new ones, which is an error.
        found = gated(data, kpis if where else new, period, where)
        known |= {kpi: found.loc[[kpi]] for kpi in found.index}
    return pd.concat([known[kpi] for kpi in kpis])


COLUMNS = (
    *("kpi", "label", "unit", "role", "verdict", "reason", "points", "needs", "n", "more"),
    *("grain", "weakened", "theirs", "model", "maturity", "objective", "decides", "inferred"),
)


def _presets_of(asked: dict[str, Any]) -> dict[str, list[str]]:
    return {name: presets()[name].get(asked[name], []) for name in WEIGHTS}


def _candidates(asked: dict[str, Any]) -> list[str]:
    """What may be asked for, the project's own first, the vanity metrics too: they are refused."""
    own = [kpi.id for kpi in REGISTRY.values() if is_own(kpi)]
    vain = [kpi.id for kpi in REGISTRY.values() if VANITY in kpi.category]
    essential = presets()["objective"]["essentials"]
    lists = [own, *_presets_of(asked).values(), essential, vain]
    return list(dict.fromkeys(kpi for each in lists for kpi in each))


def _spare(data: Dataset, gates: pd.DataFrame) -> list[str]:
    """Who else is to be looked at: for one that is not carried, and for a role that nobody has."""
    able = gates.index[gates["gate"] == ""]
    roles = {_role(kpi, tables_of(data, kpi)) for kpi in able}
    wanting = [role for role in ROLES if role not in roles or len(able) < LEAST]
    twins = [other for kpi in gates.index.difference(able, sort=False) for other in _like(kpi)]
    spare = [*twins, *(kpi for role in wanting for kpi in presets()["roles"][role])]
    return [kpi for kpi in dict.fromkeys(spare) if kpi not in gates.index]


def _scored(names: list[str], asked: dict[str, Any]) -> pd.DataFrame:
    """What each candidate is asked for by, in points."""
    frame = pd.DataFrame({"own": [is_own(find(kpi)) for kpi in names]}, index=names)
    for name, listed in _presets_of(asked).items():
        frame[name] = WEIGHTS[name] * frame.index.isin(listed)
    frame["essential"] = 1 * frame.index.isin(presets()["objective"]["essentials"])
    return frame


def _pointed(data: Dataset, frame: pd.DataFrame, asked: dict[str, Any]) -> pd.DataFrame:
    """The candidates with their points, role, and whether who decides can act on them."""
    parts = [*WEIGHTS, "essential"]
    asked_for = frame[parts].copy()
    for kpi in frame.index[frame["gate"].ne("") & frame[parts].any(axis=1)]:
        stand_in = next((each for each in _like(kpi) if frame["gate"].get(each) == ""), kpi)
        frame.loc[stand_in, parts] = asked_for.loc[[kpi, stand_in]].max()
    tables = [tables_of(data, kpi) for kpi in frame.index]
    acts = set(presets()["decides"].get(asked["decides"], []))
    theirs = pd.Series([not acts or bool(acts & each) for each in tables], frame.index)
    points = frame[[*WEIGHTS]].sum(axis=1).where(~frame["own"], sum(WEIGHTS.values()))
    points = points.clip(lower=frame["essential"])
    points += theirs & points.gt(0) & (asked["decides"] != "")
    role = [_role(kpi, each) for kpi, each in zip(frame.index, tables, strict=True)]
    frame = frame.assign(points=points, role=role, theirs=theirs)
    return frame.sort_values("points", ascending=False, kind="stable")


def _role(kpi: str, tables: set[str]) -> str:
    category = find(kpi).category
    if "qualitative" in category and tables & {"surveys", "activities"}:
        return "voice"
    return next((each for each in category if each in ROLES), "result")


def _like(kpi: str) -> list[str]:
    """A KPI, and those that tell nearly the same."""
    pairs = [pair for pair in presets()["alike"]["pairs"] if kpi in pair]
    return list(dict.fromkeys([kpi, *(other for pair in pairs for other in pair)]))


def _taken(frame: pd.DataFrame) -> list[str]:
    """The KPIs chosen, the best of each role before others; no two that tell the same."""
    taken: list[str] = []
    able = frame[frame["gate"] == ""]

    def take(kpis: Iterable[str], most: int) -> None:
        for kpi in kpis:
            if len(taken) < most and not {*_like(kpi)} & {*taken}:
                taken.append(kpi)

    for role in ROLES:
        take(able.index[able["role"] == role], len(taken) + 1)
    take(able.index[able["points"] >= FITS], MOST)
    take(able.index, LEAST)
    return [kpi for kpi in frame.index if kpi in taken]


def _telling(frame: pd.DataFrame, taken: list[str]) -> list[str]:
    """Those not chosen that tell a reader something: asked for, vain, or of a role nothing has."""
    vain = frame["gate"].eq(VANITY)
    lacks = ~frame["role"].isin([*frame["role"][taken], "result"])
    stand_in = lacks & frame["points"].eq(0) & ~vain
    first = stand_in & ~frame["role"].where(stand_in).duplicated()
    tells = (frame["points"].gt(0) | vain) & ~(vain & frame["needs"].ne(""))
    return [kpi for kpi in frame.index[tells | first] if kpi not in taken]


def _outcome(row: Any, frame: pd.DataFrame, taken: list[str], best: list[str]) -> tuple[str, str]:
    """Why a KPI was chosen or rejected, and what it needs; ``best`` are those of the rules."""
    if row.verdict == CHOSEN and row.Index not in best:
        return row.gate or "asked", row.needs
    if row.verdict == CHOSEN:
        reasons = [name for name in ("own", *WEIGHTS, "essential") if getattr(row, name)]
        alone = row.role in ROLES and frame["role"][taken].tolist().count(row.role) == 1
        return (reasons or ["role" if alone else "filled"])[0], ""
    other = next((each for each in _like(row.Index) if each in taken), "")
    if not other and row.Index in best:
        return "dropped", ""
    return ("alike", other) if other else (row.gate or "outweighed", row.needs)
