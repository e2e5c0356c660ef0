"""What a report stands on, written down beside it, without a secret."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.metadata import requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from kpi_helpers.periods import Period
    from kpi_helpers.sources import Dataset

HIDDEN = "***"


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
        Ids of those that were measured; the versions of their definitions are written down.
    """
    from kpi_helpers.catalogue import find

    return {
        "generated_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "period": {"name": period.name, "start": str(period.start), "end": str(period.end)},
        "as_of": str(data.as_of),
        "parameters": dict(parameters),
        "data": {"name": data.name, "fingerprint": fingerprint(data)},
        "settings": data.config.fingerprint,
        "kpis": {kpi: find(kpi).version for kpi in kpis},
        "python": platform.python_version(),
        "packages": packages(),
    }


def fingerprint(data: Dataset) -> str:
    """Return twelve hexadecimal digits that change with the rows, not with their order."""
    import pandas as pd

    digest = hashlib.sha256()
    for name in data.tables:
        frame = data[name]
        rows = pd.util.hash_pandas_object(frame, index=False).sum()
        digest.update(f"{name} {','.join(frame.columns)} {len(frame)} {rows}\n".encode())
    return digest.hexdigest()[:12]


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
    """Return what must not be written: the password of a URL, and the one in the environment.

    Each comes in the forms in which it may stand in a URL, in JSON and in HTML.

    Examples
    --------
    >>> secrets("postgresql://ann:s3%21cret@db/sales", None)
    ['s3%21cret', 's3!cret']
    """
    found = {os.environ.get(variable or "", "")}
    if "://" in source:
        found.add(urlsplit(source).password or "")
    plain = {unquote(secret) for secret in found}
    forms = {*found, *plain, *(quote(secret, safe="") for secret in plain)}
    written = {said for form in forms for said in (form, json.dumps(form)[1:-1], escape(form))}
    return sorted((form for form in written if form), key=lambda form: (-len(form), form))


def scrub(folder: Path, hidden: Sequence[str]) -> None:
    """Take secrets, the longest first, out of every file of a folder."""
    for path in folder.rglob("*") if hidden else ():
        if path.is_file():
            content = path.read_bytes()
            for secret in hidden:
                content = content.replace(secret.encode(), HIDDEN.encode())
            path.write_bytes(content)
