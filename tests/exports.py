"""Small exports to try the door with: deals in French dress, one fault at a time."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.errors import KpiError
from kpi_helpers.sources import Dataset

COLUMNS = ("deal_id", "created_at", "status", "closed_at", "amount", "owner")
HEADER = ";".join(COLUMNS)
WON = "1;2026-01-05;won;2026-02-01;1 200,50;Ann"
OPEN = "2;2026-01-13;open;;300,5;Bob"
LOST = "3;2026-01-20;lost;2026-03-01;80;Ann"
PLAIN = (WON, OPEN, LOST)


def text_of(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def put(folder: Path, content: str | bytes, name: str = "deals.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def loaded(folder: Path, *rows: str, header: str = HEADER, **settings: Any) -> Dataset:
    """The data set of a file with these rows, and these settings of its table."""
    path = put(folder, text_of(*rows, header=header))
    config = {"language": "en", "tables": {"deals": settings}}
    return kh.load(path, config, as_of=None)


def refused(source: Any, config: Any = None, **how: Any) -> KpiError:
    """The error of a load, which both languages can say."""
    with pytest.raises(KpiError) as error:
        kh.load(source, {} if config is None else config, **how)
    assert error.value.render("fr")
    return error.value


def left(data: Dataset) -> list[tuple[Any, ...]]:
    """The listed rows: line, column, value, reason, action."""
    rows = kh.left_out(data)[["line", "column", "value", "reason", "action"]]
    return [tuple(None if pd.isna(v) else v for v in row) for row in rows.itertuples(index=False)]


def out(data: Dataset) -> list[tuple[Any, ...]]:
    """The rows left out: line, column, value, reason."""
    return [row[:4] for row in left(data) if row[4] == "excluded"]
