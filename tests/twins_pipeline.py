"""The naive twins of how deals go through their stages, and of what is open."""

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from twins import (
    DAY,
    NAN,
    Asked,
    Found,
    Row,
    Tables,
    avg_deal_value,
    bookings,
    bookings_target,
    divided,
    months_before,
    sales_cycle_duration,
    share_of,
    total,
    win_rate_count,
)

# The order that the settings or the history of a test's company give.
ORDERS = (
    ("A", "B", "C"),
    ("Qualification", "Rendez-vous", "Proposition", "Négociation", "Gagné"),
)
AGES, FEWEST = (120, 60, 30, 14, 7, 0), 10


def _by_id(tables: Tables) -> dict[Any, Row]:
    return {deal["deal_id"]: deal for deal in tables["deals"]}


def _decided(deal: Row) -> dt.date | None:
    day: dt.date | None = deal["closed_at"]
    return day if deal["status"] in ("won", "lost") else None


def _places(tables: Tables) -> tuple[dict[str, int], int]:
    """Stages by their place: those worked on, then won, then lost."""
    deals, moves = _by_id(tables), tables["stage_history"]
    last: dict[Any, Any] = {}
    for move in moves:
        last[move["deal_id"]] = max(move["entered_at"], last.get(move["deal_id"], dt.datetime.min))
    seen: dict[str, list[str]] = {}
    for move in moves:
        deal = deals.get(move["deal_id"])
        if deal is not None and move["entered_at"] == last[move["deal_id"]]:
            closed = _decided(deal)
            at_once = closed is not None and closed <= move["entered_at"].date()
            seen.setdefault(move["stage"], []).append(deal["status"] if at_once else "")
    ends = {s: e for s, e in seen.items() if 2 * (len(e) - e.count("")) > len(e)}
    order = ORDERS["Qualification" in seen]
    steps = [name for name in order if name not in ends]
    places = {name: place for place, name in enumerate(steps)}
    for name, found in ends.items():
        places[name] = len(steps) + (found.count("won") < found.count("lost"))
    return places, len(steps)


def _once(made: Callable[..., list[Row]]) -> Callable[..., list[Row]]:
    """The same of the same tables, made once: they are asked for again and again."""
    kept: dict[Any, tuple[Tables, list[Row]]] = {}

    def remembered(tables: Tables, *more: Any) -> list[Row]:
        found = kept.get(more)
        if found is None or found[0] is not tables:
            found = kept[more] = (tables, made(tables, *more))
        return found[1]

    return remembered


@_once
def _visits(tables: Tables) -> list[Row]:
    places, end = _places(tables)
    moves: dict[Any, list[Row]] = {}
    for move in tables["stage_history"]:
        moves.setdefault(move["deal_id"], []).append(move)
    found = []
    for name, deal in _by_id(tables).items():
        own = moves.get(name, [])
        own.sort(key=lambda m: (m["entered_at"], places.get(m["stage"], end + 2)))
        for i, move in enumerate(own):
            place = places.get(move["stage"], end + 2)
            before = own[i - 1] if i else None
            last_place = None if before is None else places.get(before["stage"])
            stayed = None if before is None else move["entered_at"] - before["entered_at"]
            if place >= end:
                continue
            after = own[i + 1]["entered_at"].date() if i + 1 < len(own) else _decided(deal)
            back = last_place is not None and place < last_place and stayed >= DAY
            row = {"stage": move["stage"], "place": place, "back": back, "until": after}
            found.append({**deal, **row, "since": move["entered_at"].date()})
    return found


@_once
def _steps(tables: Tables) -> list[Row]:
    places, end = _places(tables)
    moves: dict[Any, list[tuple[int, dt.date]]] = {}
    for move in tables["stage_history"]:
        place = places.get(move["stage"])
        if place is not None and place <= end:
            moves.setdefault(move["deal_id"], []).append((place, move["entered_at"].date()))
    found = []
    for name, deal in _by_id(tables).items():
        for place in range(end):
            reached = [day for at, day in moves.get(name, []) if at >= place]
            if not reached:
                continue
            beyond = min((day for at, day in moves[name] if at > place), default=None)
            if beyond is None and deal["status"] == "won":
                beyond = _decided(deal)
            lost = _decided(deal) if beyond is None and deal["status"] == "lost" else None
            found.append({**deal, "at": min(reached), "beyond": beyond, "lost": lost})
    return found


def _aged(tables: Tables, ask: Asked, ends: str) -> list[tuple[Row, int, int | None]]:
    """Steps of the period, each with its age and the days to its end."""
    rows = [r for r in _steps(tables) if ask.holds(r["at"]) and ask.keep(r)]
    days = [None if r[ends] is None else (r[ends] - r["at"]).days for r in rows]
    return [(r, (ask.as_of - r["at"]).days, d) for r, d in zip(rows, days, strict=True)]


def _known(tables: Tables) -> bool:
    return "stage_history" in tables


def stage_conversion(tables: Tables, ask: Asked) -> Found:
    rows, length = _aged(tables, ask, "beyond"), ask.window or 0
    possible = [(age, d) for _, age, d in rows if d is None or d >= 0]
    old = [(age, d) for age, d in possible if age >= length]
    if rows and not old:
        quick = [d for _, d in possible if d is not None and d <= length]
        return Found(NAN, len(quick), len(rows), 0)
    return share_of(sum(1 for _, d in old if d is not None and d <= length), len(old))


def stage_leak_value(tables: Tables, ask: Asked) -> Found:
    rows, length = _aged(tables, ask, "lost"), ask.window or 0
    old = [(r, d) for r, age, d in rows if age >= length and (d is None or d >= 0)]
    lost = [r["amount"] or 0.0 for r, d in old if d is not None and d <= length]
    blind = lost and 2 * lost.count(0.0) >= len(lost)
    value = NAN if blind or not old else sum(lost)
    return Found(value, value, NAN, len(old))


def time_in_stage(tables: Tables, ask: Asked) -> Found:
    rows = [r for r in _visits(tables) if ask.holds(r["since"]) and ask.keep(r)]
    stays = [((r["until"] or ask.as_of) - r["since"], r["until"] is not None) for r in rows]
    ages = [(days.days, ended) for days, ended in stays if days.days >= 0]
    still, median = 1.0, NAN
    for day in sorted({age for age, _ in ages}):
        at_risk = sum(1 for age, _ in ages if age >= day)
        still *= 1 - ages.count((day, True)) / at_risk
        if still <= 0.5 + 1e-12:
            median = float(day)
            break
    return Found(median, sum(1 for _, ended in ages if ended), len(ages), len(ages))


def stage_regression_rate(tables: Tables, ask: Asked) -> Found:
    rows = [r for r in _visits(tables) if ask.holds(r["since"]) and ask.keep(r)]
    back = {r["deal_id"] for r in rows if r["back"]}
    return share_of(len(back), len({r["deal_id"] for r in rows}))


def _said(tables: Tables, day: dt.date) -> dict[Any, dt.date]:
    """The closing date of each deal as said before a day."""
    changes = tables.get("close_date_history", [])
    order = sorted(changes, key=lambda c: (c["changed_at"], c["expected_close"]))
    return {c["deal_id"]: c["expected_close"] for c in order if c["changed_at"] < day}


def slippage_rate(tables: Tables, ask: Asked) -> Found:
    end = min(ask.end, ask.as_of + DAY)
    said = _said(tables, ask.start)
    due = [
        deal
        for deal in tables["deals"]
        if ask.keep(deal) and ask.start <= said.get(deal["deal_id"], end) < end
        if _decided(deal) is None or _decided(deal) >= ask.start
    ]
    return share_of(sum(1 for d in due if not _decided(d) or _decided(d) >= end), len(due))


def _stays(tables: Tables) -> list[Row]:
    if _known(tables):
        return _visits(tables)
    return [
        {**deal, "since": _opened(deal), "until": _decided(deal), "stage": ""}
        for deal in tables["deals"]
        if _opened(deal) is not None
    ]


def _opened(deal: Row) -> dt.date | None:
    lost_date = deal["status"] != "open" and deal["closed_at"] is None
    return None if lost_date else deal["created_at"]


def _standing(tables: Tables, ask: Asked, end: dt.date) -> list[Row]:
    return [row for row in _stood(tables, end) if ask.keep(row)]


def _left(spells: list[tuple[int, str]], after: dict[int, float], age: int) -> float:
    """The share won of the spells that last for longer than an age, as far as they are seen."""
    left, won = 1.0, 0.0
    longer = [spell for spell in spells if spell[0] > age]
    seen = Counter(longer)
    for day in sorted({days for days, _ in longer}):
        at_risk = sum(n for (days, _), n in seen.items() if days >= day)
        later = after.get(_band(day), 0.0)
        won += left * (seen[day, "won"] + seen[day, "moved"] * later) / at_risk
        left *= 1 - sum(seen[day, how] for how in ("won", "lost", "moved")) / at_risk
    return won


def _band(days: int) -> int:
    return next((least for least in AGES if days >= least), 0)


def _how(deal: Row, end: dt.date) -> str:
    closed = _decided(deal)
    return "open" if closed is None or closed >= end else deal["status"]


@_once
def _chances(tables: Tables, end: dt.date) -> list[Row]:
    """By stage, and for all deals under "": what became of each stay, and of those after it."""
    found: dict[str, Row] = {}
    for life in ([], [{**d, "since": _opened(d), "until": None} for d in tables["deals"]]):
        for stay in life or _stays(tables):
            if stay["since"] is None or stay["since"] >= end:
                continue
            own = found.setdefault("" if life else stay["stage"], {"spells": [], "after": {}})
            closed, until = _decided(stay), _decided(stay) if life else stay["until"]
            gone = until is not None and until < end
            days = ((until if gone else end - DAY) - stay["since"]).days
            moved = gone and (closed is None or closed > until)
            if days >= 0:
                how = "moved" if moved else _how(stay, end) if gone else "open"
                own["spells"].append((days, how))
            if moved:
                how = _how(stay, end)
                later = (end - DAY if how == "open" else closed) - until
                own["after"].setdefault(_band(days), []).append((later.days, how))
        if not _known(tables):
            break
    return [found]


def _chance_of(found: Row, stage: str, age: int, lived: int) -> float:
    """The chance of its stage, or of all deals of its age where the stage has too few."""
    if len(found.get(stage, {"spells": ()})["spells"]) < FEWEST:
        stage, age = "", lived
    own = found.get(stage, {"spells": [], "after": {}})
    if len([days for days, _ in own["spells"] if days > age]) < FEWEST:
        return NAN
    if age not in own.setdefault("found", {}):
        after = {band: _left(spells, {}, -1) for band, spells in own["after"].items()}
        own["found"][age] = _left(own["spells"], after, age)
    return float(own["found"][age])


@_once
def _stood(tables: Tables, end: dt.date) -> list[Row]:
    """Deals open on the day before ``end``, with their stage, its age, usual time and chance."""
    stays = [s for s in _stays(tables) if s["since"] < end]
    now = {s["deal_id"]: s for s in stays if s["until"] is None or s["until"] >= end}
    said, found = _said(tables, end), []
    usual: dict[Any, list[int]] = {}
    for stay in stays:
        if stay["status"] == "won" and _decided(stay) is not None and _decided(stay) < end:
            usual.setdefault(stay["stage"], []).append((stay["until"] - stay["since"]).days)
    for deal in tables["deals"]:
        opened, left = _opened(deal), _decided(deal)
        if opened is None or opened >= end or (left is not None and left < end):
            continue
        stay = now.get(deal["deal_id"])
        lived = (end - opened).days - 1
        age = (end - stay["since"]).days - 1 if stay else lived
        stage = stay["stage"] if stay else ""
        chance = _chance_of(_chances(tables, end)[0], stage, age, lived)
        quick = sorted(usual.get(stage, [])) if stay else []
        most = quick[math.ceil(0.75 * len(quick)) - 1] if len(quick) >= FEWEST else math.inf
        due = said.get(deal["deal_id"], deal["expected_close"])
        late = due is not None and due < end - DAY
        row = {"chance": chance, "stalled": age > most or late, "due": due}
        found.append({**deal, **row, "age": (end - deal["created_at"]).days - 1})
    return found


def _end(ask: Asked) -> dt.date:
    return min(ask.end, ask.as_of + DAY)


def stalled_share(tables: Tables, ask: Asked) -> Found:
    stock = _standing(tables, ask, _end(ask))
    return share_of(sum(1 for deal in stock if deal["stalled"]), len(stock))


def qualified_pipeline_share(tables: Tables, ask: Asked) -> Found:
    known = []
    for deal in _standing(tables, ask, _end(ask)):
        items = [deal[f"bant_{item}"] for item in ("budget", "authority", "need", "timeline")]
        if None not in items:
            known.append((deal["amount"] or 0.0, sum(items) >= 3))
    inside = sum(amount for amount, passed in known if passed)
    total = sum(amount for amount, _ in known)
    others = [amount for amount, passed in known if not passed]
    value = NAN if others and not any(others) else divided(inside, total)
    return Found(value, inside, total, sum(1 for amount, _ in known if amount))


def _weighed(stock: list[Row]) -> Found:
    priced = [d for d in stock if d["amount"]]
    known = [d for d in priced if not math.isnan(d["chance"])]
    expected = sum(d["amount"] * d["chance"] for d in known)
    blind = stock and (not known or 2 * len(priced) <= len(stock))
    return Found(NAN if blind else expected, expected, sum(d["amount"] for d in known), len(stock))


def weighted_pipeline(tables: Tables, ask: Asked) -> Found:
    return _weighed(_standing(tables, ask, _end(ask)))


def _due(tables: Tables, ask: Asked) -> list[Row]:
    stock = _standing(tables, ask, _end(ask)) if ask.end > ask.as_of + DAY else []
    return [deal for deal in stock if deal["due"] and ask.start <= deal["due"] < ask.end]


def expected_wins(tables: Tables, ask: Asked) -> Found:
    return _weighed(_due(tables, ask)) if ask.end > ask.as_of + DAY else Found(NAN, NAN, NAN, 0)


def expected_wins_crm(tables: Tables, ask: Asked) -> Found:
    return total(
        _by_the_crm(deal["amount"], deal["probability_crm"])
        for deal in tables["deals"]
        if deal["status"] == "open" and ask.keep(deal) and deal["expected_close"]
        if ask.start <= deal["expected_close"] < ask.end
    )


def _by_the_crm(amount: float | None, chance: float | None) -> float | None:
    none = amount is None or chance is None or not 0 <= chance <= 1
    return None if none else amount * chance


def prob_hit_target(tables: Tables, ask: Asked) -> Found:
    """Each deal comes or does not: the sums and their chances, to the ten euros."""
    coming = expected_wins(tables, ask)
    needed = bookings_target(tables, ask).value - bookings(tables, ask).value
    due = [d for d in _due(tables, ask) if d["amount"] and not math.isnan(d["chance"])]
    sums = np.ones(1)
    for deal in due if coming.n else []:
        level = round(deal["amount"] / 5)
        longer = np.zeros(len(sums) + level)
        longer[: len(sums)] += (1 - deal["chance"]) * sums
        longer[level:] += deal["chance"] * sums
        sums = longer
    unknown = math.isnan(needed) or math.isnan(coming.value)
    value = NAN if unknown else float(sums[max(math.ceil(needed / 5 - 1e-9), 0) :].sum())
    return Found(value, coming.value, needed, coming.n)


def pipeline_created(tables: Tables, ask: Asked) -> Found:
    created = [d for d in tables["deals"] if ask.holds(d["created_at"]) and ask.keep(d)]
    return total(deal["amount"] for deal in created)


def pipeline_age(tables: Tables, ask: Asked) -> Found:
    ages = sorted(deal["age"] for deal in _standing(tables, ask, _end(ask)))
    middle = ages[math.ceil(len(ages) / 2) - 1] if ages else NAN
    return Found(middle, NAN, len(ages), len(ages))


def open_deals(tables: Tables, ask: Asked) -> Found:
    n = len(_standing(tables, ask, _end(ask)))
    return Found(n, n, NAN, n)


def sales_velocity(tables: Tables, ask: Asked) -> Found:
    year = ask._replace(start=months_before(_end(ask), 12), end=_end(ask))
    rate, cycle = win_rate_count(tables, year), sales_cycle_duration(tables, year)
    worth = open_deals(tables, ask).value * rate.value * avg_deal_value(tables, year).value
    days = cycle.value if cycle.value > 0 else NAN
    return Found(divided(worth, days), worth, days, rate.n)
