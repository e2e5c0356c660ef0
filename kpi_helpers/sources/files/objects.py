"""JSON: one object a line, or an array of objects, each object a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from kpi_helpers.errors import BadInput
from kpi_helpers.language import Phrase
from kpi_helpers.sources.files.grids import Row, check_width
from kpi_helpers.sources.files.headers import Header, distinct_names
from kpi_helpers.sources.files.workbooks import unambiguous

LINES = (".jsonl", ".ndjson")
_LOOK = 1 << 20  # characters of a line that are looked at

# Numbers stay the text that they are written as: a number of 17 digits keeps each of them.
_parse = partial(
    json.loads, parse_int=str, parse_float=unambiguous, parse_constant=lambda name: None
)


def read_objects(path: Path) -> tuple[Header, Iterator[Row]]:
    """The columns of all objects in a JSON file, and each object as a row.

    An object inside becomes columns such as ``owner.name``, a list inside one text. A row's line
    is that of a file with one object a line, else the object's place in the array. An answer of a
    CRM's interface, an object around one array, is taken for that array.

    Raises
    ------
    BadInput
        When it is no JSON, or holds something else than objects, with the line.
    """
    names: dict[str, None] = {}
    for _, record in _records(path):
        names |= dict.fromkeys(record)
    if not names:
        raise BadInput("empty_file", file=path.name)
    check_width(list(names), path.name)
    header = Header(distinct_names(list(names)), 0, 0)
    rows = ((line, [record.get(name, "") for name in names]) for line, record in _records(path))
    return header, rows


def is_lines(path: Path) -> bool:
    """Whether each line of a JSON file is an object of its own; a single one can be both."""
    with open(path, encoding="utf-8-sig", errors="replace") as stream:
        texts = (text.strip() for text in iter(lambda: stream.readline(_LOOK), ""))
        filled = (text for text in texts if text)
        first, second = next(filled, ""), next(filled, "")
    if path.name.lower().endswith(LINES):
        return first[:1] != "["
    return first[:1] == second[:1] == "{" and first[-1] == "}"


def _records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    for line, value in _of_lines(path) if is_lines(path) else _of_array(path):
        if not isinstance(value, dict):
            expected = Phrase("expected.object")
            raise BadInput(file=path.name, line=line, value=json.dumps(value), expected=expected)
        yield line, dict(_flat(value))


def _of_lines(path: Path) -> Iterator[tuple[int, Any]]:
    with open(path, encoding="utf-8-sig") as stream:
        for line, text in enumerate(stream, 1):
            if text.strip():
                yield line, _parsed(text.strip(), path, line)


def _of_array(path: Path) -> Iterator[tuple[int, Any]]:
    content = _parsed(path.read_text(encoding="utf-8-sig"), path, 1)
    if isinstance(content, dict):
        inside = [each for each in content.values() if isinstance(each, list)]
        content = inside[0] if len(inside) == 1 else [content]
    yield from enumerate(content if isinstance(content, list) else [content], 1)


def _parsed(text: str, path: Path, line: int) -> Any:
    try:
        return _parse(text)
    except json.JSONDecodeError as error:
        at = line + error.lineno - 1
        raise BadInput("bad_json", file=path.name, line=at, reason=error.msg) from error
    except RecursionError as error:  # which each Python words in its own way
        reason = Phrase("files.endless")
        raise BadInput("bad_json", file=path.name, line=line, reason=reason) from error


def _flat(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and texts of an object; of one inside it, under both names."""
    for name, value in record.items():
        inside = value if isinstance(value, dict) else {}
        yield from ((f"{name}.{own}", _text(each)) for own, each in inside.items())
        if not isinstance(value, dict):
            yield name, _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
