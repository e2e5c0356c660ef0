"""How many contracts still run, a row a group and a column a year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kpi_helpers.language import text
from kpi_helpers.measure.judge import FEW
from kpi_helpers.sheets.table import build, plain
from kpi_helpers.units import COUNT, MONTHS, PERCENT, write, write_range

if TYPE_CHECKING:
    from great_tables import GT

YEAR, MOST = 12, 60


def survival(curves: pd.DataFrame, lang: str) -> GT:
    """Show which share of contracts still runs after each year, its plausible range and cases.

    Parameters
    ----------
    curves : DataFrame
        What `kpi_helpers.customers.survival` returns.
    lang : str
    """
    rows = curves[(curves["months"] > 0) & (curves["n"] >= FEW)]
    rows = rows[(rows["months"] % YEAR == 0) & (rows["months"] <= MOST)]
    lines: dict[str, dict[str, str]] = {}
    for row in rows.to_dict("records"):
        said = [write(row["value"], PERCENT, lang)]
        said += [write_range(row["low"], row["high"], PERCENT, lang), write(row["n"], COUNT, lang)]
        name = plain(row["group"]) or text("sheets.all_contracts", lang)
        line = lines.setdefault(name, {"group_name": name})
        line[f"after_{row['months']}"] = "\n".join(said)
    names = list(dict.fromkeys(name for line in lines.values() for name in line))
    headings = {name: write(int(name[6:]), MONTHS, lang) for name in names if name[:6] == "after_"}
    filled = [{name: line.get(name, "") for name in names} for line in lines.values()]
    return build("survival", filled, lang, headings, [*headings])
