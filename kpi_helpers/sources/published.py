"""The reference figures that others published and the kit is shipped with."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from kpi_helpers.errors import BadInput, MissingColumn
from kpi_helpers.language import Phrase

PACKAGE = Path(__file__).parents[1]
GIVEN = ["id", "kpi", "published", "unit", "population", "population_fr", "publisher", "year"]
GIVEN += ["definition", "definition_fr", "source", "level"]
LEVELS = ["V1", "V2"]


def published(file: str | Path = "") -> pd.DataFrame:
    """Return published reference figures, each with what it takes to judge it.

    Parameters
    ----------
    file
        A CSV file of such figures; by default those of the kit.

    Returns
    -------
    pandas.DataFrame
        Text columns ``id, kpi, published`` (the figure, or several), ``unit`` (one of
        `kpi_helpers.units.UNITS`, or a currency), ``population, publisher, year, definition,
        source, level`` (V1: seen with its publisher; V2: seen in a source that names publisher,
        date and sample), ``label, geography, period, note``; ``population_fr, definition_fr``; and
        ``differs``: in what the definition is not that of the kit's KPI, blank where it is.

    Raises
    ------
    MissingColumn
        When the file lacks one that every figure must have: one of `GIVEN`.
    BadInput
        For a row without one of them, or of a level that is neither.

    Examples
    --------
    >>> published().query("kpi == 'nps'")[["published", "publisher", "level"]].values.tolist()
    [['32', 'SurveyMonkey', 'V1']]
    """
    shipped = PACKAGE / "_benchmarks"
    home = shipped if shipped.is_dir() else PACKAGE.parent / "data" / "benchmarks"
    path = Path(file or home / "published.csv")
    rows = pd.read_csv(path, dtype=str, keep_default_na=False).apply(lambda of: of.str.strip())
    for column in GIVEN:
        if column not in rows:
            raise MissingColumn(table=path.name, column=column, candidates=list(rows))
        known = rows[column].isin(LEVELS) if column == "level" else rows[column] != ""
        expected = Phrase("expected.given") if column != "level" else ", ".join(LEVELS)
        for line, value in enumerate(rows[column].where(~known), start=2):
            if isinstance(value, str):
                told = {"line": line, "column": column, "value": value, "expected": expected}
                raise BadInput(file=path.name, **told)
    return rows
