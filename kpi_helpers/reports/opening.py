"""What a report's parameters name: data, KPIs and periods, the same for it and its notebook."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from kpi_helpers.errors import public, unknown
from kpi_helpers.language import LANGUAGES, text

if TYPE_CHECKING:
    import pandas as pd

    from kpi_helpers.periods import Calendar, Period
    from kpi_helpers.sources import Dataset
    from kpi_helpers.sources.dataset import Where

PERIODS = 12
MOST_GROUPS, MOST_KPIS = 12, 6
# What this process has loaded for the kernels that are forked from it.
READ: dict[tuple[str | bool, ...], Dataset] = {}


def opened(
    data: str = "", config: str = "", as_of: str = "", lang: str = "", share: bool = False
) -> Dataset:
    """Load what the parameters name, for the same figures each time; an empty one means the usual.

    The KPIs of the project's own ``kpis.py``, beside its ``kpi.toml``, are declared first.

    Parameters
    ----------
    data : str
        A file, a folder or the URL of a database; by default the project of the current folder,
        else the sample company.
    config : str
        A ``kpi.toml``; by default the one beside the data.
    as_of : str
        Last day that is known, as ISO text; by default that of the settings or of the data.
    lang : str
        Language of names and notes; by default that of the settings.
    share : bool
        Whether the names of reps and customers are replaced: see `sources.pseudonyms`.

    Raises
    ------
    KpiError
        As `kpi_helpers.load`; `UnknownName` for a language there is no file for.
    """
    if (data, config, as_of, lang, share) in READ:
        return READ[data, config, as_of, lang, share]
    from kpi_helpers.catalogue import declare_from
    from kpi_helpers.measure.settings import check_names
    from kpi_helpers.reports.places import own_kpis, project, sample
    from kpi_helpers.sources import load
    from kpi_helpers.sources.engine import add_in_order
    from kpi_helpers.sources.pseudonyms import pseudonymised

    if lang and lang not in LANGUAGES:
        raise unknown("language", lang, LANGUAGES)
    if own := own_kpis(config):
        declare_from(own)
    source: str | Path | None = data
    settings: str | Path | None = config or None
    if not data:
        source, beside = project(Path(config).parent if config else Path())
        if config and source == sample():
            source = None  # settings that are named say where the data are
        settings = settings or beside
    dataset = load(source, settings, as_of or None)
    check_names(dataset.config)
    add_in_order(dataset.con)
    known = dataset.config
    # The name of a file or folder may be somebody's.
    name = known.name if share else known.name or _stem(source, known.file)
    spoken = dataclasses.replace(known, language=lang or known.language, name=name)
    dataset = dataclasses.replace(dataset, config=spoken, memory={})
    return pseudonymised(dataset) if share else dataset


def read(*asked: Any) -> dict[str, pd.DataFrame]:
    """Open and check what kernels forked from this process will open, if they can go on with it.

    Parameters
    ----------
    *asked
        The arguments of `opened`.

    Returns
    -------
    dict
        What the checks found, as the data set remembers it; nothing where it is not opened.
    """
    from kpi_helpers.sources import accounting, left_out, quality
    from kpi_helpers.sources.engine import spills_apart

    data = opened(*asked)
    if not spills_apart(data.con):
        return {}
    READ[asked] = data
    chosen(data)  # finds out what the source can carry, as most notebooks do
    return {check.__name__: check(data) for check in (quality, left_out, accounting)}


def parted() -> None:
    """Part, in a forked process, from what the process that it comes from goes on to use."""
    from kpi_helpers.sources.engine import spills_apart

    for data in READ.values():
        spills_apart(data.con)


def chosen(data: Dataset, kpis: Sequence[str] = (), period: str = "last") -> list[str]:
    """Return the ids of the KPIs to show: asked for, else of the settings, else the headline ones.

    The headline ones are the first 25 of `kpi_helpers.kpis.headline` that the source can carry;
    one whose tables or columns are not there takes no place, nor does one that looks ahead where
    the period is over. Of a source that carries none of them the first are shown, each with what
    it lacks.

    Raises
    ------
    UnknownName
        With the nearest ids, for one that does not exist.
    """
    from kpi_helpers.catalogue import find
    from kpi_helpers.kpis.headline import MOST, headline
    from kpi_helpers.measure import carries

    for kpi in kpis:
        find(kpi)
    named = list(kpis or data.config.kpis)
    asked = data.config.calendar.parse(period, data.as_of, data.first)
    carried = [] if named else [kpi for kpi in headline() if carries(data, kpi, asked)]
    return named or (carried or headline())[:MOST]


def side_by_side(
    data: Dataset,
    kpis: Sequence[str] = (),
    period: str = "last",
    by: str = "",
    segment: str = "",
) -> pd.DataFrame:
    """Measure KPIs in a period and in the one before it.

    Parameters
    ----------
    data : Dataset
    kpis : sequence of str
        As for `chosen`.
    period : str
        Any form of period; a range is measured as one. ``ytd`` stands beside the same days of the
        year before, ``all`` alone.
    by : str
        A dimension, or nothing.
    segment : str
        A named filter of the settings, or nothing.

    Returns
    -------
    DataFrame
        The tidy frames of `kpi_helpers.measure`, the earlier period first.
    """
    import pandas as pd

    from kpi_helpers.measure import measure

    calendar = data.config.calendar
    now = calendar.parse(period, data.as_of, data.first)
    groups = [by] if by else []
    frames = [
        measure(data, chosen(data, kpis), _in_days(each), groups, segment or None).assign(
            period=each.name
        )
        for each in [*_before(calendar, now), now]
    ]
    return pd.concat(frames, ignore_index=True)


def history(
    data: Dataset, kpis: Sequence[str], period: str = "last", where: Where = None
) -> pd.DataFrame:
    """Measure KPIs in the last twelve periods up to one; up to a range of days, in twelve months.

    Parameters
    ----------
    data, kpis, period, where
        As for `kpi_helpers.compare`.
    """
    from kpi_helpers.measure import measure

    calendar = data.config.calendar
    now = calendar.parse(period, data.as_of, data.first)
    if now.grain == "span":
        now = calendar.parse(f"{min(now.end - timedelta(days=1), data.as_of):%Y-%m}")
    first = calendar.shift(now, 1 - PERIODS)
    return measure(data, kpis, f"{first.name}:{now.name}", (), where, now.grain)


def folded(
    data: Dataset, compared: pd.DataFrame, period: str, by: str, where: Where = None
) -> pd.DataFrame:
    """Return a comparison by groups as far as a page can show it.

    Kept are the KPIs in which a group differs for certain, then the first of the others, and the
    groups of the most cases; all other groups are measured together, as one.

    Parameters
    ----------
    data : Dataset
    compared : DataFrame
        What `kpi_helpers.compare` returns for one dimension.
    period, by, where
        Its period, dimension and filter.
    """
    import pandas as pd

    from kpi_helpers.compare import compare, everything_but

    read = compared[compared["value"].notna()]
    sure = read["change_verdict"].isin(["better", "worse", "changed"]) & read["p_value"].notna()
    surest = read["p_adjusted"].where(sure).groupby(read["kpi"], sort=False).min()
    kpis = list(surest.sort_values(kind="stable").index[:MOST_KPIS])
    cases = read.groupby(by, dropna=False)["n"].max().sort_values(ascending=False, kind="stable")
    # One group too many takes no more room than the line of all others.
    kept = list(cases.index if len(cases) <= MOST_GROUPS + 1 else cases.index[:MOST_GROUPS])
    shown = read[read[by].isin(kept)].astype({by: object})
    rest = len(cases) - len(kept)
    if rest:
        others = compare(data, kpis, period, "target", where=everything_but(data, by, kept, where))
        said = text("report.others", data.config.lang, n=rest)
        shown = pd.concat([shown, others.assign(**{by: said})[list(shown)]])
    return pd.concat([shown[shown["kpi"] == kpi] for kpi in kpis] or [shown], ignore_index=True)


def _before(calendar: Calendar, period: Period) -> list[Period]:
    if period.name == "all":
        return []
    year_to_date = period.name == "ytd"
    return [calendar.year_ago(period) if year_to_date else calendar.previous(period)]


def _in_days(period: Period) -> str:
    """Return a text that `measure` reads as one period: a range of days is not cut."""
    last = period.end - timedelta(days=1)
    return f"{period.start}:{last}" if period.grain == "span" else period.name


def _stem(source: str | Path | None, file: str) -> str:
    """Return a name for data whose settings give none: of a URL the last part, without a secret."""
    place = str(source or Path(file).resolve().parent)
    if "://" in place:
        return unquote(Path(public(place).rpartition("@")[2].rpartition("/")[2]).stem)
    return Path(place).resolve().stem
