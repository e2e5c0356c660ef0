"""Answers in JSON, for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame, as JSON can hold them: missing values are None, dates ISO text."""
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return rows


def print_json(said: object) -> None:
    """Print an answer as JSON, with letters as they are."""
    print(json.dumps(said, ensure_ascii=False, indent=2))
