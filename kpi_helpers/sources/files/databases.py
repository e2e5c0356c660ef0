"""Opens a database by its URL; the password comes from the environment and is shown nowhere."""

from __future__ import annotations

import os
import weakref
from typing import Any
from urllib.parse import unquote, urlsplit

import ibis

from kpi_helpers.errors import Unavailable
from kpi_helpers.sources.config import Config


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
    try:
        parts = urlsplit(url)
    except ValueError as error:  # which quotes neither user nor password
        place = url.rpartition("@")[2]
        raise Unavailable("no_connection", what=place, reason=str(error)) from None
    login = f"{parts.username}@" if parts.username else ""
    shown = parts._replace(netloc=login + parts.netloc.rpartition("@")[2]).geturl()
    password = _password(config) or unquote(parts.password or "")
    try:
        con = ibis.connect(shown, **({"password": password} if password else {}))
    except ModuleNotFoundError as error:
        extra = "spark" if "spark" in parts.scheme else "postgres"
        raise Unavailable(what=extra, needs=f'pip install "kpi-helpers[{extra}]"') from error
    except Exception as error:  # every driver has errors of its own, and they may quote the URL
        reason = str(error).strip().partition("\n")[0]
        if password:
            reason = reason.replace(password, "***")
        raise Unavailable("no_connection", what=shown, reason=reason) from None
    if con.name == "postgres":
        weakref.finalize(con, con.con.close)
    return con


def _password(config: Config) -> str | None:
    if config.password_env is None:
        return None
    if config.password_env not in os.environ:
        raise Unavailable("variable_not_set", what=config.password_env)
    return os.environ[config.password_env]
