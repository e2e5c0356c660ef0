"""A server that is gone, refuses, or is slow: a clear error of ours, and nothing stays open."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import psycopg
import pytest
from stores import URL, moments, needs_server, on_server

import kpi_helpers as kh
from kpi_helpers.errors import Unavailable

pytestmark = needs_server
READER = f"kpi_failing_{os.getpid()}"
SECRET = "s3cret-canary"
SLEEPERS = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND usename = %s"


@pytest.fixture
def admin() -> Iterator[Any]:
    with psycopg.connect(URL, autocommit=True) as con:
        yield con


@pytest.fixture
def company(admin: Any) -> Iterator[str]:
    """The URL, with a password, of a small company under a role that may only select."""
    deals = moments("naive")["deals"].assign(amount=9.0)
    with on_server({"deals": deals, "leads": _leads()}) as url:
        schema = _schema(url)
        admin.execute(f"CREATE ROLE {READER} LOGIN PASSWORD '{SECRET}'")
        admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO {READER}")
        admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {READER}")
        try:
            host = urlsplit(url).netloc.rpartition("@")[2]
            yield urlsplit(url)._replace(netloc=f"{READER}:{SECRET}@{host}").geturl()
        finally:
            admin.execute(f"DROP OWNED BY {READER}")
            admin.execute(f"DROP ROLE {READER}")


def _leads() -> pd.DataFrame:
    day = pd.Timestamp("2026-01-05")
    return pd.DataFrame({"lead_id": ["1"], "created_at": [day]}).astype({"created_at": "M8[us]"})


def _schema(url: str) -> str:
    return url.rsplit("/", 1)[1]


def slowed(admin: Any, url: str, seconds: float = 30.0) -> None:
    """From now on a query of the deals takes its time."""
    schema = _schema(url)
    admin.execute(f"ALTER TABLE {schema}.deals RENAME TO kept")
    admin.execute(
        f"CREATE VIEW {schema}.deals AS SELECT kept.* FROM {schema}.kept, "
        f"(SELECT 1 FROM pg_sleep({seconds}) OFFSET 0) AS slow"
    )
    admin.execute(f"GRANT SELECT ON {schema}.deals TO {READER}")


def sleeping(admin: Any, within: float = 30.0) -> list[int]:
    """The processes on the server that are asleep in a query of ours, once there is one."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        if found := [pid for (pid,) in admin.execute(SLEEPERS, [READER])]:
            return found
        time.sleep(0.05)
    return []


def connections(admin: Any, expected: int = 0, role: str = READER) -> int:
    """How many connections a role has; the server takes a moment to close one."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
    gc.collect()
    for _ in range(200):
        (open_now,) = admin.execute(asked, [role]).fetchone()
        if open_now == expected:
            break
        time.sleep(0.05)
    return int(open_now)


def wins(data: kh.sources.Dataset) -> list[float]:
    return kh.measure(data, "deals_won_count", "2026Q1")["value"].tolist()


def assert_told(error: Unavailable, key: str, *words: str) -> None:
    """The text names the server and how to mend it, in both languages, without a secret."""
    assert error.key == key
    for text in (error.render("fr"), error.render("en")):
        assert "postgres (127.0.0.1)" in text
        assert SECRET not in text
        assert "SELECT t" not in text
    assert all(word in str(error) for word in words)
    assert error.__cause__ is None


def test_a_server_that_goes_away_in_a_query(admin: Any, company: str) -> None:
    data = kh.load(company, as_of="2026-06-30")
    slowed(admin, company)

    def end() -> None:
        for pid in sleeping(admin):
            admin.execute("SELECT pg_terminate_backend(%s)", [pid])

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(Unavailable) as refused:
        wins(data)
    ending.join()
    assert_told(refused.value, "server_gone", "terminating connection", "load the data again")
    assert connections(admin) == 0


def test_a_connection_that_is_lost_between_two_calls(admin: Any, company: str) -> None:
    data = kh.load(company, as_of="2026-06-30")
    assert connections(admin, 1) == 1
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [READER]
    )
    assert connections(admin) == 0
    with pytest.raises(Unavailable) as refused:
        wins(data)
    assert_told(refused.value, "server_gone")
    with pytest.raises(Unavailable) as refused:
        data.sql("SELECT count(*) FROM deals")
    assert_told(refused.value, "server_gone")
    assert wins(kh.load(company, as_of="2026-06-30")) == [3]


def test_a_table_without_rights_is_named_and_read_once_they_are_given(
    admin: Any, company: str
) -> None:
    data = kh.load(company, as_of="2026-06-30")
    admin.execute(f"REVOKE SELECT ON {_schema(company)}.deals FROM {READER}")
    with pytest.raises(Unavailable) as refused:
        wins(data)
    assert_told(refused.value, "no_right", "permission denied for table deals", "SELECT granted")
    with pytest.raises(Unavailable) as again:
        kh.load(company, {"tables": {"deals": {"table": "deals"}}})
    assert_told(again.value, "no_right", "deals")
    hidden = kh.load(company).passed["deals"]
    assert isinstance(hidden, Unavailable)
    assert_told(hidden, "no_right", "deals")
    admin.execute(f"GRANT SELECT ON {_schema(company)}.deals TO {READER}")
    assert wins(data) == [3]
    del data, refused, again
    assert connections(admin) == 0


def test_a_query_that_the_server_stops(admin: Any, company: str) -> None:
    data = kh.load(company, as_of="2026-06-30")
    slowed(admin, company)
    data.con.con.execute("SET statement_timeout = 500")
    with pytest.raises(Unavailable) as refused:
        wins(data)
    assert_told(refused.value, "query_stopped", "statement timeout", "shorter period")
    data.con.con.execute("SET statement_timeout = 0")
    assert data.sql("SELECT count(*) AS n FROM leads")["n"].tolist() == [1]


def test_a_query_that_the_server_does_not_understand(admin: Any, company: str) -> None:
    data = kh.load(company, as_of="2026-06-30")
    admin.execute(f"ALTER TABLE {_schema(company)}.deals RENAME COLUMN closed_at TO ended")
    with pytest.raises(Unavailable) as refused:
        wins(data)
    assert_told(refused.value, "query_refused", "closed_at")


def kpi(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kpi_helpers", *words],
        cwd=folder,
        env={**os.environ, "KPI_LANG": "en", "KPI_SECRET": SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def project(tmp_path: Path, company: str) -> Path:
    """A project on the server, the password in the environment."""
    url = company.replace(f":{SECRET}@", "@")
    settings = f'schema = 1\nsource = "{url}"\npassword_env = "KPI_SECRET"\n'
    settings += '[tables.deals]\ntable = "deals"\n'
    (tmp_path / "kpi.toml").write_text(settings, encoding="utf-8")
    return tmp_path


COMMANDS: dict[str, tuple[str, ...]] = {
    "check": ("check", "--config", "kpi.toml"),
    "report": ("report", "--config", "kpi.toml", "--period", "2026Q1"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_without_rights_ends_with_one_clear_line(
    admin: Any, company: str, project: Path, command: str
) -> None:
    admin.execute(f"REVOKE SELECT ON {_schema(company)}.deals FROM {READER}")
    ran = kpi(project, *COMMANDS[command])
    out, said = ran.communicate(timeout=120)
    assert ran.returncode == 2, out + said
    assert "does not let this user read: deals" in said
    assert "Traceback" not in said
    assert SECRET not in said
    assert sorted(path.name for path in project.iterdir()) == ["kpi.toml"]
    assert connections(admin) == 0


def _interrupted(running: subprocess.Popen[str], admin: Any, pids: list[int]) -> int:
    running.send_signal(signal.SIGINT)
    return 130


def _terminated(running: subprocess.Popen[str], admin: Any, pids: list[int]) -> int:
    running.send_signal(signal.SIGTERM)
    return 143


def _hung_up(running: subprocess.Popen[str], admin: Any, pids: list[int]) -> int:
    running.send_signal(signal.SIGHUP)
    return 129


def _ended(running: subprocess.Popen[str], admin: Any, pids: list[int]) -> int:
    for pid in pids:
        admin.execute("SELECT pg_terminate_backend(%s)", [pid])
    return 2


@pytest.mark.parametrize("end", [_interrupted, _terminated, _hung_up, _ended])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_slow_query_of_a_command_is_left_nowhere(
    admin: Any, company: str, project: Path, command: str, end: Callable[..., int]
) -> None:
    slowed(admin, company)
    running = kpi(project, *COMMANDS[command])
    try:
        pids = sleeping(admin)
        assert pids, "no query was asked"
        code = end(running, admin, pids)
        begun = time.monotonic()
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert time.monotonic() - begun < 15
    assert running.returncode == code, said
    assert "Traceback" not in said
    assert SECRET not in said
    assert connections(admin) == 0
    assert sorted(path.name for path in project.iterdir()) == ["kpi.toml"]


def _refused(url: str, settings: dict[str, str] | None = None) -> str:
    with pytest.raises(Unavailable) as refused:
        kh.load(url, settings)
    assert refused.value.__cause__ is None
    told = [*map(refused.value.render, ("fr", "en")), str(refused.getrepr(chain=True))]
    assert not any(SECRET in text for text in told)
    assert all("password_env" in text for text in told[:2])
    return told[1]


def _asks_for_a_password(role: str) -> bool:
    try:
        psycopg.connect(URL, user=role, password=SECRET).close()
    except psycopg.OperationalError:
        return True
    return False


def test_a_wrong_password(
    admin: Any, company: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server lets everybody else in: ``.ci/run`` has it ask this one role for a password."""
    role, right = "kpi_guarded", f"{SECRET}-right"
    host = urlsplit(company).netloc.rpartition("@")[2]
    guarded = urlsplit(company)._replace(netloc=f"{role}:{SECRET}@{host}").geturl()
    monkeypatch.setenv("KPI_SECRET", SECRET)
    admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{right}' IN ROLE {READER}")
    try:
        if not _asks_for_a_password(role):
            pytest.skip("this server lets any password pass: see .ci/run")
        assert f'password authentication failed for user "{role}"' in _refused(guarded)
        bare = guarded.replace(f":{SECRET}@", "@")
        assert role in _refused(bare, {"password_env": "KPI_SECRET"})
        assert "no password supplied" in _refused(bare)
        settings = f'schema = 1\nsource = "{bare}"\npassword_env = "KPI_SECRET"\n'
        (tmp_path / "kpi.toml").write_text(settings, encoding="utf-8")
        ran = kpi(tmp_path, *COMMANDS["report"])
        out, said = ran.communicate(timeout=120)
        assert ran.returncode == 2, out + said
        assert "password authentication failed" in said
        assert "Traceback" not in said
        assert SECRET not in out + said
        assert [path.name for path in tmp_path.iterdir()] == ["kpi.toml"]
        monkeypatch.setenv("KPI_SECRET", right)
        data = kh.load(bare, {"password_env": "KPI_SECRET"}, as_of="2026-06-30")
        assert wins(data) == [3]
        del data
        assert connections(admin, 0, role) == 0
    finally:
        admin.execute(f"DROP ROLE {role}")
