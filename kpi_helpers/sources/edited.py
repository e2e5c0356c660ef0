"""A ``kpi.toml`` in which a few settings are changed and all else stays, comments too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from kpi_helpers.errors import BadConfig
from kpi_helpers.sources.checking import SCHEMA
from kpi_helpers.sources.config import read_config
from kpi_helpers.sources.saving import Change, difference, updated

MARK = b"\xef\xbb\xbf"
COMPANY = "company"


def edited(path: Path, settings: Mapping[str, Any]) -> str:
    """Set some settings of a file, whole or not at all.

    Parameters
    ----------
    path
        A ``kpi.toml``; it is made where there is none.
    settings
        Setting → value. The keys of a table, and of each of ``tables``, are set one by one, and so
        are rows of tables such as ``[[targets]]``, by the texts that name them. None takes a key
        away, and a row with nothing but its name that row.

    Returns
    -------
    str
        What changed, as a unified diff; empty where nothing did.

    Raises
    ------
    BadConfig
        When the file is no TOML, or what it would hold cannot be used.
    KpiError
        When it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "kpi.toml"
    >>> print(edited(file, {"kpis": ["cac"], "windows": {"cac": 90}}))
    --- kpi.toml
    +++ kpi.toml
    @@ -0,0 +1,7 @@
    +schema = 1
    +kpis = [
    +    "cac",
    +]
    +
    +[windows]
    +cac = 90
    """
    told: list[str] = []
    updated(path, setting(path, settings, told))
    return "\n".join(told)


def setting(
    path: Path,
    settings: Mapping[str, Any],
    told: list[str],
    check: Callable[[Any], object] = read_config,
) -> Change:
    """Return what sets some settings, for `saving.updated`; it adds to ``told`` what changed.

    ``check`` is given what the file would hold, and raises an error where that cannot be used.
    """

    def change(old: bytes | None) -> bytes:
        import tomlkit

        try:
            text = f"schema = {SCHEMA}\n" if old is None else old.decode("utf-8-sig")
            content = tomlkit.parse(text)
        except ValueError as error:
            raise BadConfig("bad_toml", file=path.name, reason=str(error)) from error
        for key, value in settings.items():
            _set(content, key, value)
        check(content.unwrap())
        new = _spaced(tomlkit.dumps(content).replace("\r\n", "\n"), text.splitlines())
        told.extend(difference(path.name, "" if old is None else text, new))
        mark = MARK if old is not None and old.startswith(MARK) else b""
        return mark + (new.replace("\n", "\r\n") if "\r\n" in text else new).encode()

    return change


def _spaced(text: str, known: Collection[str]) -> str:
    """The text with an empty line before each table that is new or stands after what is."""
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith("[") and lines and lines[-1] and not {line, lines[-1]} <= {*known}:
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def _set(content: Any, key: str, value: Any) -> None:
    """Set a value of a document: of a table its keys, of rows of tables each by its name."""
    import tomlkit

    if isinstance(value, Mapping):
        if not isinstance(content.get(key), Mapping):
            content[key] = tomlkit.table()
        for name, own in value.items():
            deeper = key == "tables" and isinstance(content[key].get(name), Mapping)
            (_set if deeper else _put)(content[key], name, own)
    elif value and isinstance(value, list | tuple) and isinstance(value[0], Mapping):
        rows = content.get(key, ())
        if not isinstance(rows, tomlkit.items.AoT):
            content[key] = tomlkit.aot()
            for row in rows:
                content[key].append(tomlkit.item({**row}))
        for row in value:
            _set_row(content[key], row)
        if not len(content[key]):
            del content[key]
    else:
        _put(content, key, value)


def _set_row(rows: Any, row: Mapping[str, Any]) -> None:
    import tomlkit

    place = next((n for n, old in enumerate(rows) if _named(old) == _named(row)), len(rows))
    if all(value is None or isinstance(value, str) for value in row.values()):
        if place < len(rows):
            del rows[place]
        return
    if place == len(rows):
        rows.append(tomlkit.table())
    for name in [name for name in rows[place] if name not in row]:
        del rows[place][name]
    for name, own in row.items():
        _put(rows[place], name, own)


def _named(row: Mapping[str, Any]) -> dict[str, str]:
    """The texts that name a row; the company is meant where none says of whom it is."""
    return {n: own for n, own in row.items() if isinstance(own, str) and own != COMPANY}


def _put(table: Any, key: str, value: Any) -> None:
    """Put a whole value in a table, a table of its own on one line; None takes it away."""
    import tomlkit

    if value is None:
        table.pop(key, None)
    elif value != table.get(key):
        item = tomlkit.item(list(value) if isinstance(value, tuple) else value)
        if isinstance(value, Mapping):
            item = tomlkit.inline_table()
            for name, own in value.items():
                _put(item, name, own)
        elif isinstance(item, tomlkit.items.Array) and isinstance(table, tomlkit.TOMLDocument):
            item.multiline(True)
        before = _last_plain(table) if key not in table else None
        if before is None or isinstance(value, Mapping):
            table[key] = item
        else:  # what stands above the first table is said of it, and stays there
            table._insert_after(before, key, item)


def _last_plain(table: Any) -> Any:
    """The last key of a document before its first table; None of any other and where none is."""
    import tomlkit

    if not isinstance(table, tomlkit.TOMLDocument):
        return None
    tables = tomlkit.items.Table | tomlkit.items.AoT
    plain = takewhile(lambda part: not isinstance(part[1], tables), table.body)
    return next((key for key, _ in reversed([*plain]) if key is not None), None)
