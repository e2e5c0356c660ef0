"""A ``kpi.toml`` in which a few settings are changed and all else stays, comments too."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from kpi_helpers.errors import BadConfig
from kpi_helpers.sources.checking import SCHEMA
from kpi_helpers.sources.saving import updated

MARK = "\ufeff"


def edited(path: Path, settings: Mapping[str, Sequence[str]]) -> str:
    """Set lists of names in a file of settings, whole or not at all.

    Parameters
    ----------
    path
        A ``kpi.toml``; it is made where there is none.
    settings
        Key → names, one a line.

    Returns
    -------
    str
        What changed, as a unified diff; empty where nothing did.

    Raises
    ------
    BadConfig
        When the file is no TOML.
    KpiError
        When it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "kpi.toml"
    >>> print(edited(file, {"kpis": ["cac"]}))
    --- kpi.toml
    +++ kpi.toml
    @@ -1 +1,4 @@
     schema = 1
    +kpis = [
    +    "cac",
    +]
    """
    told: list[str] = []

    def change(old: bytes | None) -> bytes:
        text = f"schema = {SCHEMA}\n" if old is None else old.decode()
        new = _with(text, settings, path.name)
        before, after = (each.removeprefix(MARK).splitlines() for each in (text, new))
        told.extend(difflib.unified_diff(before, after, path.name, path.name, lineterm=""))
        return new.encode()

    updated(path, change)
    return "\n".join(told)


def _with(text: str, settings: Mapping[str, Sequence[str]], file: str) -> str:
    """The text with the settings, in its own line ends."""
    import tomlkit

    try:
        content = tomlkit.parse(text.removeprefix(MARK))
    except ValueError as error:
        raise BadConfig("bad_toml", file=file, reason=str(error)) from error
    for key, names in settings.items():
        listed = tomlkit.array().multiline(True)
        listed.extend(names)
        content[key] = listed
    new = tomlkit.dumps(content).replace("\r\n", "\n")
    mark = MARK if text.startswith(MARK) else ""
    return mark + (new.replace("\n", "\r\n") if "\r\n" in text else new)
