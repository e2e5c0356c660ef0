"""Commercial KPIs one can trust: checked tables in, figures with their intervals out.

The names below are the whole public face; each is loaded when it is first used, so that importing
the package costs next to nothing.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kpi_helpers.catalogue import kpi
    from kpi_helpers.compare import compare, detectable, last_readable
    from kpi_helpers.forecasting.frames import forecast
    from kpi_helpers.kpis import catalogue
    from kpi_helpers.measure import measure, rows
    from kpi_helpers.selection import selection
    from kpi_helpers.sources import accounting, freshness, left_out, load, quality, score

__version__ = "0.1.0"
__all__ = [
    "accounting",
    "catalogue",
    "compare",
    "detectable",
    "forecast",
    "freshness",
    "kpi",
    "last_readable",
    "left_out",
    "load",
    "measure",
    "quality",
    "rows",
    "score",
    "selection",
]

_HOMES = {
    "accounting": "kpi_helpers.sources",
    "catalogue": "kpi_helpers.kpis",
    "compare": "kpi_helpers.compare",
    "detectable": "kpi_helpers.compare",
    "forecast": "kpi_helpers.forecasting.frames",
    "freshness": "kpi_helpers.sources",
    "kpi": "kpi_helpers.catalogue",
    "last_readable": "kpi_helpers.compare",
    "left_out": "kpi_helpers.sources",
    "load": "kpi_helpers.sources",
    "measure": "kpi_helpers.measure",
    "quality": "kpi_helpers.sources",
    "rows": "kpi_helpers.measure",
    "score": "kpi_helpers.sources",
    "selection": "kpi_helpers.selection",
}


class _Facade(ModuleType):
    # Python stores an imported submodule on its package: kpi_helpers.measure, the room, would take
    # the place of kpi_helpers.measure, the function.
    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Facade


def load_ipython_extension(shell: object) -> None:
    """Show KPIs, data, results and errors as a person reads them; IPython calls it by this name."""
    import_module("kpi_helpers.display").register(shell)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'kpi_helpers' has no attribute {name!r}")
    if _HOMES[name] == "kpi_helpers.sources":
        import_module("kpi_helpers.kpis")  # the checks of registers ask which KPIs there are
    found = getattr(import_module(_HOMES[name]), name)
    setattr(sys.modules[__name__], name, found)
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


if "IPython" in sys.modules and (_shell := sys.modules["IPython"].get_ipython()):
    load_ipython_extension(_shell)
