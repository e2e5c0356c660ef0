"""Each group beside all the others: the same figure on the rows that are not its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from kpi_helpers.compare.verdicts import FACTS
from kpi_helpers.errors import BadInput
from kpi_helpers.language import Phrase
from kpi_helpers.measure import measured
from kpi_helpers.periods import Period
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dataset import Where

LARGEST = 20


def others(
    data: Dataset, frame: pd.DataFrame, now: Period, by: tuple[str, ...], where: Where
) -> pd.DataFrame:
    """The figures of everything but a group, a row a KPI and group.

    A sum or count of a group is a part of the whole and has nothing to stand beside; and only the
    groups of the most cases have the others measured.

    Raises
    ------
    BadInput
        Without exactly one dimension, or for a filter that is no text.
    """
    if len(by) != 1:
        raise BadInput(column="by", value=", ".join(by), expected=Phrase("expected.one_dimension"))
    (name,) = by
    usable = frame[~frame["method"].isin(FACTS) & frame["n"].gt(0)]
    kpis = list(usable["kpi"].unique())
    largest = usable.groupby(name, dropna=False, sort=False)["n"].max().nlargest(LARGEST).index
    if not kpis:
        return frame.assign(status="missing")
    groups = [None if pd.isna(group) else group for group in largest]
    filters = {group: everything_but(data, name, [group], where) for group in groups}
    return measured(data, kpis, [now], by, where, filters)


def everything_but(data: Dataset, name: str, groups: Sequence[Any], where: Where) -> str:
    """A filter of the rows that belong to none of these groups of a dimension.

    Raises
    ------
    BadInput
        For a filter that is no text.
    """
    if where is not None and not isinstance(where, str):
        raise BadInput(column="where", value=str(where), expected=Phrase("expected.filter"))
    named = [group for group in groups if not pd.isna(group)]
    tests = [f"{name} != {group!r}" for group in named]
    blank = f"not missing({name})" if len(named) < len(groups) else f"missing({name})"
    said = " and ".join(tests) or blank
    if tests:
        said = f"{blank} and ({said})" if len(named) < len(groups) else f"{blank} or ({said})"
    own = data.config.segments.get(where, where) if where else ""
    return f"({own}) and ({said})" if own else said
