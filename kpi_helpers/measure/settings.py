"""Settings that name KPIs or columns, checked once both are known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from kpi_helpers.catalogue import REGISTRY
from kpi_helpers.errors import BadConfig, KpiError, UnknownName, nearest
from kpi_helpers.language import Phrase
from kpi_helpers.sources.config import Config
from kpi_helpers.sources.dataset import Dataset


def check_names(config: Config) -> None:
    """Check that the settings name KPIs that are declared, and lags that one of these reads.

    Parameters
    ----------
    config
        The settings of a project.

    Raises
    ------
    BadConfig
        For the first name that does not exist, with the nearest.

    Examples
    --------
    >>> check_names(Config(windows={"win_rate_cuont": 30}))
    Traceback (most recent call last):
    ...
    kpi_helpers.errors.BadConfig: kpi.toml: windows = 'win_rate_cuont' is not accepted; expected \
win_rate_count, win_rate_value.
    """
    lags = {ago.months for kpi in REGISTRY.values() for ago in kpi.of.values()}
    _known(config, "lags", config.lags, [lag for lag in lags if isinstance(lag, str)])
    for key in ("windows", "kpis", "use", "owners"):
        _known(config, key, getattr(config, key), REGISTRY)
    _known(config, "use", config.use.values(), REGISTRY)
    _known(config, "pay.kpis", config.pay.get("kpis", ()), REGISTRY)


def _known(config: Config, key: str, names: Iterable[str], allowed: Collection[str]) -> None:
    for name in names:
        if name not in allowed:
            raise _bad(config, key, name, ", ".join(nearest(name, allowed) or sorted(allowed)))


def check_segments(data: Dataset, names: Iterable[str] | None = None) -> None:
    """Check that segments of the settings filter at least one table of a data set.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    names
        Those to check, by default all.

    Raises
    ------
    BadConfig
        For the first that filters none, with the nearest columns.
    """
    for name in data.config.segments if names is None else names:
        text = data.config.segments[name]
        faults = list(_faults(data, text))
        if len(faults) == len(data.tables):
            near = [each for fault in faults for each in _nearest(fault)]
            said = [each.values["expected"] for each in faults if "expected" in each.values]
            known = ", ".join(dict.fromkeys(near)) or Phrase("expected.expression")
            expected = said[0] if said else known
            raise _bad(data.config, f"segments.{name}", text, expected)


def _faults(data: Dataset, text: str) -> Iterator[KpiError]:
    for table in data.tables:
        try:
            data.filtered(table, text)
        except KpiError as error:
            yield error


def _nearest(fault: KpiError) -> list[str]:
    near = fault.values["nearest"] if isinstance(fault, UnknownName) else []
    return near if isinstance(near, list) else []


def _bad(config: Config, key: str, value: str, expected: object) -> BadConfig:
    return BadConfig(file=Path(config.file).name, key=key, value=value, expected=expected)
