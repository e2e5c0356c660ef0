"""Periods: what a text such as ``2026Q3`` covers, its neighbours, its parts, its label.

A period is half-open: it holds the days from ``start`` up to, not including, ``end``. Weeks are ISO
weeks. ``2026`` and ``2026Q3`` always follow the calendar, ``FY2026`` and ``FY2026Q1`` the company's
fiscal year, named by the calendar year in which it ends.
"""

from kpi_helpers.periods.calendar import Calendar
from kpi_helpers.periods.days import LAST_DAY, as_day
from kpi_helpers.periods.names import FORMS, GRAINS, label
from kpi_helpers.periods.period import Period, elapsed, grid, months_before
from kpi_helpers.periods.zones import zone_of

__all__ = ["FORMS", "GRAINS", "LAST_DAY", "Calendar", "Period", "as_day", "elapsed", "grid"]
__all__ += ["label", "months_before", "zone_of"]
