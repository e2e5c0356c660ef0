"""The command line: languages, help, answers, and errors that say what to do."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import pytest
from jupyterlab.labapp import LabApp

import kpi_helpers as kh
from kpi_helpers.cli import language, main
from kpi_helpers.cli.commands import COMMANDS
from kpi_helpers.language import text
from kpi_helpers.sources.engine import fetch
from kpi_helpers.sources.server import embedded, server

SAMPLE = ["--data", "data/sample"]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LANG": "C.UTF-8", "KPI_LANG": "", "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("words", "environment", "lang"),
    [
        ([], {}, "en"),
        ([], {"LANG": "fr_FR.UTF-8"}, "fr"),
        ([], {"LANG": "es_ES.UTF-8"}, "es"),
        ([], {"LANG": "de_DE.UTF-8"}, "en"),
        ([], {"LANG": "fr_FR.UTF-8", "KPI_LANG": "en"}, "en"),
        (["report", "--lang", "fr"], {"KPI_LANG": "en"}, "fr"),
        (["--lang=fr", "report"], {}, "fr"),
    ],
)
def test_the_language_is_the_one_asked_for_or_that_of_the_system(
    words: list[str], environment: dict[str, str], lang: str
) -> None:
    assert language(words, environment) == lang


@pytest.mark.parametrize(
    "command", [[], ["report"], ["diff"], ["check"], ["catalogue"], ["lab"], ["workshop"]]
)
@pytest.mark.parametrize(
    ("lang", "word"),
    [("en", "Usage: kpi"), ("es", "Uso: kpi"), ("fr", "Usage\u00a0: kpi")],
)
def test_every_command_explains_itself(
    command: list[str], lang: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--help", "--lang", lang]) == 0
    said = capsys.readouterr().out
    assert said.startswith(word)
    assert text("cli.help", lang) in said
    assert "en, es, fr" in said
    assert {"en": "Options:", "es": "Opciones:", "fr": "Options\u00a0:"}[lang] in said


def test_an_error_is_said_in_the_language_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--period", "2026X3", "--lang", "es"]) == 2
    assert "'2026X3' no es un período. ¿Quería decir" in capsys.readouterr().err


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "catalogue" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("repport", "Unknown command: 'repport'. Did you mean report?"),
        ("report --perod 2026Q3", "Unknown option: '--perod'. Did you mean --period?"),
        ("report --period", "--period: its value is missing"),
        ("select --period=--", "--period: its value is missing"),
        ("report --period 2026Q9", "'2026Q9' is not a period."),
        ("report --period 1999Q1", "There are no data in 1999Q1"),
        ("report --by teem", "Unknown dimension: 'teem'. Did you mean team"),
        ("report --data nowhere.csv", "nowhere.csv"),
        ("report --config nowhere.toml", "nowhere.toml"),
        ("report --lang de", "Unknown language: 'de'"),
        ("check nowhere", "nowhere"),
        ("lab one two", "Unknown option: 'two'"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    words: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path)] if "report --" in words else []
    assert main([*words.split(), *out]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line != "Reading the data"]
    assert len(lines) == 1
    assert lines[0].startswith("kpi: ")
    assert said in lines[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["check", ""], "SOURCE"),
        (["check", "--json", ""], "SOURCE"),
        (["snapshot", ""], "SOURCE"),
        (["report", "--data", ""], "--data"),
        (["report", "--data="], "--data"),
        (["check", "--config", ""], "--config"),
    ],
)
def test_an_empty_place_is_not_the_sample(
    words: list[str], place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.startswith(f"kpi: {place} is empty: name a file or folder")
    assert main([*words, "--lang", "fr"]) == 2
    assert f"{place} est vide" in capsys.readouterr().err


def test_a_file_is_no_folder_for_the_catalogue(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kpi_helpers.reports.catalogue.catalogue_page", pytest.fail)
    (tmp_path / "afile").write_text("x")
    assert main(["catalogue", "--html", str(tmp_path / "afile"), "--lang", "en"]) == 1
    assert f"{tmp_path / 'afile'} could not be written" in capsys.readouterr().err


def of_server(con: Any, ask: Callable[[], Any]) -> Any:
    with server(con):
        return ask()


@pytest.mark.parametrize("asked", [of_server, embedded])
def test_a_query_that_a_person_ends_is_no_fault_of_the_engine(
    asked: Callable[[Any, Callable[[], Any]], Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    con = ibis.duckdb.connect()

    def run(*_: object) -> int:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        endless = "SELECT sum(sqrt(range)) FROM range(1000000000000)"
        asked(con, lambda: con.con.execute(endless))
        return 0

    monkeypatch.setitem(COMMANDS, "lab", replace(COMMANDS["lab"], run=run))
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        assert main(["lab", "--lang", "en"]) == 130
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        con.con.interrupt()
    assert capsys.readouterr().err == f"\nkpi: {text('cli.interrupted', 'en')}\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_command_that_the_system_ends_drops_its_query(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, code: int
) -> None:
    con = ibis.duckdb.connect()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), number))

    def run(*_: object) -> int:
        timer.start()
        fetch(con, "SELECT sum(sqrt(range)) FROM range(1000000000000)")
        return 0

    monkeypatch.setitem(COMMANDS, "lab", replace(COMMANDS["lab"], run=run))
    before = signal.signal(number, signal.SIG_DFL)
    try:
        assert main(["lab", "--lang", "en"]) == code
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        timer.cancel()
        signal.signal(number, before)
    assert capsys.readouterr().err == f"\nkpi: {text('cli.interrupted', 'en')}\n"
    assert fetch(con, "SELECT 1 AS one")["one"].tolist() == [1]


def test_errors_speak_french(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--period", "2026Q9", "--lang", "fr"]) == 2
    assert "n’est pas une période" in capsys.readouterr().err


def test_the_catalogue_has_definitions_in_both_languages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["catalogue", "--json"]) == 0
    kpis = json.loads(capsys.readouterr().out)
    assert len(kpis) >= 20
    assert all(kpi["definition_en"] and kpi["definition_fr"] for kpi in kpis)
    assert main(["catalogue", "--lang", "fr"]) == 0
    assert "Taux de gain" in capsys.readouterr().out


def deals(folder: Path, *rows: str) -> str:
    head = "deal_id,created_at,status,closed_at,amount"
    (folder / "deals.csv").write_text("\n".join([head, *rows]), "utf-8")
    return str(folder / "deals.csv")


GOOD, BAD = "1,2026-01-05,won,2026-02-01,900", "2,2026-01-06,lost,someday,100"


def test_check_says_what_was_not_understood_row_by_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", deals(tmp_path, GOOD, BAD), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["as_of"] == "2026-02-01"
    assert {"unreadable"} <= {row["check"] for row in said["quality"]}
    assert {(row["line"], row["value"]) for row in said["left_out"]} == {(3, "someday")}


def test_check_has_stable_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", deals(tmp_path, GOOD, BAD), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert [*said] == [
        *("name", "as_of", "score", "freshness", "tables", "understood", "accounting"),
        *("quality", "left_out"),
    ]
    assert (said["score"], said["freshness"], said["tables"]) == (25, 0, {"deals": 2})
    (table,) = said["accounting"]
    assert (table["rows"], table["used"], table["excluded"], table["flagged"]) == (2, 2, 0, 1)
    assert (table["money"], table["money_used"]) == (1000.0, 1000.0)


def test_check_says_what_each_finding_touches_and_how_to_mend_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = "3,2026-01-06,perhaps,2026-02-01,100"
    assert main(["check", deals(tmp_path, GOOD, lost), "--lang", "en"]) == 1
    said = capsys.readouterr().out
    assert "Data quality: 50 out of 100." in said
    assert "deals: 2 read (deals.csv) = 1 used + 1 left out; 0 of those used are flagged." in said
    assert "€1,000 = €900 used + €100 left out." in said
    assert "50.0% · €100 · Weakens: bookings, win_rate_count, sales_cycle_duration" in said
    assert "To mend: Say what each word means in [tables.deals.values] status" in said


def test_check_is_content_with_clean_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", deals(tmp_path, GOOD), "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert "deals: 1" in said
    assert main(["check", deals(tmp_path, GOOD, BAD), "--lang", "fr"]) == 1
    assert "Bloquant – deals.closed_at (1 sur 2)" in capsys.readouterr().out


def test_check_shows_some_of_the_values_that_it_did_not_understand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{n},2026-01-06,lost,day {n},100" for n in range(9)]
    assert main(["check", deals(tmp_path, GOOD.replace("1,", "x,", 1), *rows), "--lang", "en"]) == 1
    said = capsys.readouterr().out
    assert "deals.closed_at (9 of 10)" in said
    assert "Values: day 0, day 1, day 2, day 3, day 4…" in said


def test_check_speaks_the_language_of_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = deals(tmp_path, GOOD)
    (tmp_path / "kpi.toml").write_text('language = "fr"', "utf-8")
    assert main(["check", source]) == 0
    assert "lignes de chaque table" in capsys.readouterr().out
    assert main(["check", source, "--lang", "en"]) == 0
    assert "rows of each table" in capsys.readouterr().out


def test_where_no_settings_say_the_language_what_is_written_speaks_that_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = deals(tmp_path, GOOD)
    for lang, said in (("en", "rows of each table"), ("fr", "lignes de chaque table")):
        monkeypatch.setenv("LANG", f"{lang}_XX.UTF-8")
        assert main(["check", source]) == 0
        assert said in capsys.readouterr().out
    monkeypatch.setenv("KPI_LANG", "es")
    assert kh.load(source).config.lang == "fr"  # from Python, nothing hangs on the environment
    (tmp_path / "kpi.toml").write_text('name = "Acme"', "utf-8")
    assert main(["snapshot", "--data", source, "--dir", str(tmp_path / "kept")]) == 0
    assert "copia" in capsys.readouterr().out.lower()


def test_data_without_a_name_are_called_as_their_folder_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "acme").mkdir()
    deals(tmp_path / "acme", GOOD)
    assert main(["check", f"{tmp_path / 'acme'}/", "--lang", "en"]) == 0
    assert "\nacme, as of" in capsys.readouterr().out


def test_check_looks_at_the_project_of_the_folder_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    deals(tmp_path / "data", GOOD)
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--lang", "en"]) == 0
    assert "deals: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("[windows]\nlead_to_custmer_rate = 30", "windows = 'lead_to_custmer_rate'"),
        ("[lags]\ncca = 2", "expected cac"),
        ('[use]\nrevenu = "bookings"', "expected revenue"),
        ('kpis = ["revenu"]', "expected revenue"),
        ('[segments]\nlarge = "amuont >= 15000"', "expected amount"),
        (
            """[segments]\nlate = "closed_at >= '10/02/2026'\"""",
            "expected a day such as 2026-09-30",
        ),
        ('[business]\nmodel = "b3b"', "model: 'b3b'"),
        ('[brand]\nlogo = "absent.png"', "absent.png"),
    ],
)
def test_check_names_a_setting_that_names_nothing(
    settings: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kpi.toml").write_text(f"schema = 1\n{settings}", "utf-8")
    assert main(["check", deals(tmp_path, GOOD)]) == 2
    assert said in capsys.readouterr().err


def test_lab_brings_the_notebooks_and_opens_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(LabApp, "launch_instance", started.append)
    assert main(["lab", str(tmp_path), "--port", "0"]) == 0
    mine = tmp_path / "notebooks" / "01_kpi_evaluation.ipynb"
    mine.write_text("mine")
    assert main(["lab", str(tmp_path), "--port", "0"]) == 0
    assert mine.read_text() == "mine"
    assert [f"--ServerApp.root_dir={tmp_path}" in words for words in started] == [True, True]
    assert len({re.search(r"token=(\S{40,})", "\n".join(words))[1] for words in started}) == 2


def test_a_reader_who_stops_reading_is_no_error() -> None:
    code = f"{sys.executable} -m kpi_helpers catalogue | head -1"
    run = subprocess.run(["sh", "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == ""


@pytest.mark.parametrize(
    ("period", "near"),
    [("2026Q5", "2026Q4"), ("2026T3", "2026Q3"), ("lsat", "last"), ("2026Q1:2026Q7", "2026Q4")],
)
def test_what_names_no_period_is_told_before_anything_is_read(
    period: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--period", period]) == 2
    said = capsys.readouterr().err
    assert near in said
    assert "Reading" not in said


@pytest.mark.parametrize(
    "words", ["snapshot data/sample --dir", "lab", "check", "actions --register"]
)
def test_a_name_too_long_for_a_file_is_said(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words.split(), "é" * 300, "--lang", "en"]) == 2
    assert "é" * 200 in capsys.readouterr().err
