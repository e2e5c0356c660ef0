"""Opens a database by its URL; the password comes from the environment and is shown nowhere."""

from __future__ import annotations

import os
import re
import weakref
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_plus

import ibis

from kpi_helpers.errors import Unavailable, public
from kpi_helpers.sources.checker import SECRET
from kpi_helpers.sources.config import Config
from kpi_helpers.sources.files.grids import quoted_name
from kpi_helpers.sources.files.kinds import there
from kpi_helpers.sources.server import no_schema

IN_FILES = ("duckdb", "sqlite")
NO_FILES = (":memory:", "md:", "motherduck:")
WEB = ("http", "https", "ftp")
POSTGRES = ("postgres", "postgresql")
EXTRAS = {**dict.fromkeys(POSTGRES, "kpi-helpers[postgres]"), "pyspark": "kpi-helpers[spark]"}
SIGNS = re.compile(r"[/?#\[\]]")  # which end a user and password where they are not written as %2F


def connect(url: str, config: Config) -> Any:
    """Connect to the database of a URL such as ``postgresql://ada@host:5432/sales/schema``.

    ``pyspark://`` is the running Spark session, or a new one on this machine.

    Parameters
    ----------
    url
        Without a password; one that stands there all the same is used and never shown.
    config
        ``password_env`` names the environment variable that holds the password.

    Raises
    ------
    Unavailable
        When the variable is not set, the driver is not installed, or the server refuses.

    Examples
    --------
    >>> connect("postgresql://ada@host/sales", Config(password_env="KPI_UNSET_VARIABLE"))
    Traceback (most recent call last):
    ...
    kpi_helpers.errors.Unavailable: The environment variable KPI_UNSET_VARIABLE is not set...
    """
    scheme, login, place = _parts(url)
    shown = public(f"{scheme}://{place}")
    user, _, written = login.partition(":")
    password = _password(config) or unquote(written)
    given: dict[str, Any] = {"password": password} if password else {}
    file = place.partition("?")[0] if scheme in IN_FILES else ""
    if file and not file.startswith(NO_FILES):
        there(Path(file))  # else an empty one would be made
        given |= {"read_only": True} if scheme == "duckdb" else {}
    schema = _schema(place) if scheme in POSTGRES else ""
    if schema:
        given["schema"] = quoted_name(schema)
    try:
        con = ibis.connect(f"{scheme}://{user}{'@' if login else ''}{place}", **given)
    except ImportError as error:
        extra = EXTRAS.get(scheme, f"ibis-framework[{scheme}]")
        raise Unavailable(what=f"{scheme}://", needs=f'pip install "{extra}"') from error
    except Exception as error:  # every driver has errors of its own, and they may quote the URL
        reason = str(error).strip().partition("\n")[0]
        for secret in (password, *secrets_in(url)):
            reason = reason.replace(secret, "***") if secret else reason
        raise Unavailable("no_connection", what=shown, reason=reason) from None
    if con.name == "postgres":
        weakref.finalize(con, con.con.close)
    if con.name == "duckdb" and file and not file.startswith(NO_FILES):
        shut_in(con)
    if con.name == "postgres":
        # It expects one row of text that is cleaned, and would go through the others for each row.
        con.con.execute("SET enable_nestloop = off")
        if schema and con.current_database is None:
            raise no_schema(con, schema)
    return con


def shut_in(con: Any) -> None:
    """Let the views of a database's file read nothing beside it: who sends it has not our files."""
    con.con.execute("SET enable_external_access = false")


def _schema(place: str) -> str:
    """The schema that a URL of PostgreSQL names after its database, as it is written there."""
    parts = place.partition("?")[0].split("/", 2)
    return unquote(parts[2]) if len(parts) > 2 else ""


def secrets_in(url: str) -> set[str]:
    """The passwords that stand in the URL of a database, before its host or in its query.

    Examples
    --------
    >>> sorted(secrets_in("postgresql://ann:s3%21cret@db/sales?sslmode=require&password=other"))
    ['other', 's3!cret', 's3%21cret']
    """
    _, login, place = _parts(url)
    asked = (pair.partition("=") for pair in place.partition("?")[2].split("&"))
    found = {value for key, _, value in asked if SECRET.search(key)} | {login.partition(":")[2]}
    return {form for value in found for form in (value, unquote(value), unquote_plus(value))} - {""}


def _parts(url: str) -> tuple[str, str, str]:
    """Scheme, user and password, and all that follows; the URL of a file has no user."""
    scheme, _, rest = url.partition("://")
    if scheme in (*IN_FILES, "pyspark"):
        return scheme, "", rest
    login, _, place = rest.rpartition("@")
    if scheme.lower() in WEB:
        raise Unavailable("web_address", what=public(f"{scheme}://{place}"))
    if SIGNS.search(login):
        raise Unavailable("unclear_address", what=f"{scheme}://…")
    return scheme, login, place


def _password(config: Config) -> str | None:
    if config.password_env is None:
        return None
    if config.password_env not in os.environ:
        raise Unavailable("variable_not_set", what=config.password_env)
    return os.environ[config.password_env]
