"""Every public question that can be put to a data set, put to it with hostile words."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fuzzing import family, judged
from hypothesis import given
from hypothesis import strategies as st
from test_fuzz_calls import HOSTILE, KPIS, days, grains, kpis, odd, periods, seldom, sides, where

import kpi_helpers as kh
from kpi_helpers.samples import company
from kpi_helpers.sources import Dataset

DIMENSIONS = ["owner", "a_b", "team", "channel", "campaign", "region", "segment", "product"]
one = st.sampled_from(DIMENSIONS)
ARGUMENTS: dict[str, st.SearchStrategy[Any]] = {
    "period": periods,
    "where": where,
    "by": seldom(odd, one | one | st.lists(one, max_size=2)),
    "kpi": seldom(odd, st.sampled_from(KPIS)),
    "kpis": kpis,
    "drivers": kpis,
    "outcomes": kpis,
    "to": sides,
    "grain": grains,
    "day": seldom(odd, days),
    "owner": seldom(odd, st.sampled_from(HOSTILE)),
    "us": seldom(odd, st.sampled_from(HOSTILE)),
    "months": seldom(odd, st.integers(1, 36)),
    "horizon": seldom(odd, st.integers(1, 4)),
}


# They show, and write, what the others find.
SHOWN = ("kpi_helpers.controls", "kpi_helpers.reports")


def public() -> Iterator[tuple[Callable[..., Any], list[str]]]:
    """The functions that rooms offer whose first argument is a data set, with what is asked."""
    for room in pkgutil.iter_modules(kh.__path__, "kpi_helpers."):
        if room.name in SHOWN:
            continue
        module = importlib.import_module(room.name)
        for name in getattr(module, "__all__", ()):
            asked = getattr(module, name)
            if inspect.isfunction(asked) and asked.__module__.startswith(room.name):
                words = inspect.signature(asked).parameters
                needed = [each for each in words if words[each].default is inspect.Parameter.empty]
                if needed[:1] == ["data"] and {*needed[1:]} <= {*ARGUMENTS} and len(words) > 1:
                    yield asked, [each for each in words if each in ARGUMENTS]


# Replays of the past take seconds each; `traced` is asked of a `Period`.
LEFT_OUT = {"raised", "replayed", "signals", "traced"}
PUBLIC = {f"{f.__module__}.{f.__name__}": (f, w) for f, w in public() if f.__name__ not in LEFT_OUT}


@pytest.fixture(scope="module")
def whole() -> Dataset:
    """A small company whose people and a column bear attacks for names."""
    tables = company(leads_a_month=4)
    owners = sorted(tables["deals"]["owner"].dropna().unique())
    renamed = {owner: HOSTILE[n % len(HOSTILE)] for n, owner in enumerate(owners)}
    for name, frame in tables.items():
        if "owner" in frame:
            frame = frame.assign(owner=frame["owner"].map(renamed))
        odd_cells = [HOSTILE[n % len(HOSTILE)] for n in range(len(frame))]
        tables[name] = frame.assign(**{'a "b"; --': odd_cells}) if name == "deals" else frame
    return kh.load(tables, {"language": "en", "personal": "keep"}, "2026-06-30")


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A public function with words for its arguments, some of them left out."""
    name = draw(st.sampled_from([*PUBLIC]))
    return name, {word: draw(ARGUMENTS[word]) for word in PUBLIC[name][1] if draw(st.booleans())}


@family(0.005)
@given(questions())
def test_any_question_is_answered_or_refused(
    whole: Dataset, asked: tuple[str, dict[str, Any]]
) -> None:
    name, words = asked
    function, known = PUBLIC[name]
    needed = inspect.signature(function).parameters
    for word in known:
        if needed[word].default is inspect.Parameter.empty:
            words.setdefault(word, {"period": "2026Q1", "kpi": KPIS[0]}.get(word, KPIS))
    with judged():
        function(whole, **words)
