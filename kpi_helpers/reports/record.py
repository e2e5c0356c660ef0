"""What a report stands on, written down beside it, without a secret."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.metadata import requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from kpi_helpers.periods import Period
    from kpi_helpers.sources import Dataset
    from kpi_helpers.sources.config import Config

HIDDEN = "***"
FORM = 1  # of the pack: raise it when a pack of before can no longer be read
# Settings not written down: where the data are, how one gets in, who speaks in what language,
# what a screen showed last.
UNTOLD = {"file", "source", "password_env", "owner", "owners", "language"}
UNTOLD |= {"participants", "workshop"}


def record(
    data: Dataset, period: Period, parameters: Mapping[str, Any], kpis: Sequence[str]
) -> dict[str, Any]:
    """Return the run record: the same for the same input, but for ``generated_at``.

    Parameters
    ----------
    data : Dataset
    period : Period
    parameters : mapping
        All parameters of the run.
    kpis : sequence of str
        Ids of those that were measured; their definitions are written down, with those of the
        KPIs that they are made of.
    """
    tables = described(data)
    return {
        "form": FORM,
        "generated_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "period": {"name": period.name, "start": str(period.start), "end": str(period.end)},
        "as_of": str(data.as_of),
        "parameters": dict(parameters),
        "data": {"name": data.name, "fingerprint": fingerprint(tables), "tables": tables},
        "rows": counted(data),
        "settings": {"fingerprint": data.config.fingerprint, "values": settings(data.config)},
        "kpis": definitions(data, kpis),
        "seeds": seeds(),
        "python": platform.python_version(),
        "packages": packages(),
    }


def counted(data: Dataset) -> dict[str, dict[str, int]]:
    """Return how many rows of each table were read, used, left out, and used though flagged."""
    from kpi_helpers.sources import accounting

    sums = accounting(data).groupby("table")[["rows", "used", "excluded", "flagged"]].sum()
    return {str(name): dict(row) for name, row in sums.astype(int).T.to_dict().items()}


def seeds() -> dict[str, int]:
    """Return the seeds of what is drawn at random, by the room that draws.

    Examples
    --------
    >>> sorted(seeds())
    ['forecasting', 'funnel', 'teams']
    """
    from kpi_helpers.forecasting.slopes import SEED as OF_SLOPES
    from kpi_helpers.funnel.channels import SEED as OF_BUDGETS
    from kpi_helpers.teams.rates import SEED as OF_REPS

    return {"forecasting": OF_SLOPES, "funnel": OF_BUDGETS, "teams": OF_REPS}


def described(data: Dataset) -> dict[str, dict[str, Any]]:
    """Return the rows of each table, and a fingerprint that follows them and not their order."""
    import pandas as pd

    found = {}
    for name in data.tables:
        frame = data[name]
        rows = pd.util.hash_pandas_object(frame, index=False).sum()
        said = f"{name} {','.join(frame.columns)} {len(frame)} {rows}"
        found[name] = {"rows": len(frame), "fingerprint": _digest(said)}
    return found


def fingerprint(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return twelve hexadecimal digits that change with the rows of any table.

    Parameters
    ----------
    tables : mapping
        What `described` returns.
    """
    return _digest(json.dumps(tables))


def settings(config: Config) -> dict[str, Any]:
    """Return the settings as one level of keys; a query, which may hold an address, as its digest.

    Examples
    --------
    >>> from kpi_helpers.sources.config import read_config
    >>> settings(read_config({"lags": {"cac": 2}, "source": "postgresql://db/x"}))["lags.cac"]
    2
    """
    told = {k: v for k, v in dataclasses.asdict(config).items() if k not in UNTOLD}
    return {k: _digest(v) if k.endswith(".query") else v for k, v in _flat(told)}


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, tuple | list):
        value = dict(enumerate(value, start=1))
    if not isinstance(value, Mapping):
        if value is not None or key.startswith("windows."):
            yield key, "none" if value is None else value
        return
    for name, inner in value.items():
        yield from _flat(inner, f"{key}.{name}" if key else str(name))


def definitions(data: Dataset, kpis: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return version and definition, in both languages, of KPIs and of what they are made of."""
    from kpi_helpers.catalogue import find

    ids = dict.fromkeys(each for kpi in kpis for each in (kpi, *sorted(involved(data, kpi))))
    return {
        each: {"version": find(each).version, "definition": dict(find(each).definitions)}
        for each in ids
    }


def involved(data: Dataset, kpi: str) -> set[str]:
    """Return the ids of the KPIs whose definitions make a figure, down to those that count."""
    from kpi_helpers.measure.answer import chosen

    own = chosen(data, kpi)
    return {own.id}.union(*(involved(data, other.kpi) for other in own.of.values()))


def _digest(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def packages() -> dict[str, str]:
    """Return the versions of the kit and of the packages it depends on.

    Examples
    --------
    >>> "pandas" in packages()
    True
    """
    needs = [need for need in requires("kpi-helpers") or [] if "extra ==" not in need]
    names = sorted(re.split(r"[^\w.-]", need, maxsplit=1)[0] for need in needs)
    return {name: version(name) for name in ["kpi-helpers", *names]}


def secrets(source: str, variable: str | None) -> list[str]:
    """Return what must not be written: the passwords of a URL, and the one in the environment.

    Each comes in the forms in which it may stand in a URL, in JSON and in HTML.

    Examples
    --------
    >>> secrets("postgresql://ann:s3%21cret@db/sales", None)
    ['s3%21cret', 's3!cret']
    """
    found = {os.environ.get(variable or "", "")}
    if "://" in source:
        from kpi_helpers.sources.files.databases import secrets_in

        found |= secrets_in(source)
    plain = {unquote(secret) for secret in found}
    forms = {*found, *plain, *(quote(secret, safe="") for secret in plain)}
    written = {said for form in forms for said in (form, json.dumps(form)[1:-1], escape(form))}
    return sorted((form for form in written if form), key=lambda form: (-len(form), form))


def scrub(folder: Path, hidden: Sequence[str]) -> None:
    """Take secrets, the longest first, out of every file of a folder."""
    for path in folder.rglob("*") if hidden else ():
        if path.is_file():
            path.write_bytes(scrubbed(path.read_bytes(), hidden))


def scrubbed(content: bytes, hidden: Sequence[str]) -> bytes:
    """A content with stars in the place of secrets.

    Examples
    --------
    >>> scrubbed(b"password: s3cret", ["s3cret"])
    b'password: ***'
    """
    for secret in hidden:
        content = content.replace(secret.encode(), HIDDEN.encode())
    return content
