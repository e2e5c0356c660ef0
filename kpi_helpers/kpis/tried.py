"""The body of a KPI tried on a table without data, to learn what it returns and reads."""

from __future__ import annotations

import functools

from kpi_helpers.catalogue import Kpi
from kpi_helpers.errors import BadInput
from kpi_helpers.kpis.parts import Parts
from kpi_helpers.sources.derived import unbound


@functools.cache
def tried(kpi: Kpi) -> Parts:
    """The parts that the body of a KPI makes of a table without data.

    Raises
    ------
    BadInput
        When it returns something else, such as a mean.
    UnknownName
        When its argument names no table.
    """
    parts = kpi.body(unbound(kpi.table))
    if not isinstance(parts, Parts):
        raise BadInput("kpi_without_parts", column=kpi.id, value=type(parts).__name__)
    return parts
