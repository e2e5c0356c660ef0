"""What a notebook shows of a KPI, a data set, a result and an error; in a shell of IPython."""

import subprocess
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from exports import loaded, put
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from test_hostile_names import HOSTILE
from traitlets.config import Config

import kpi_helpers as kh
from kpi_helpers.catalogue import REGISTRY, kpi
from kpi_helpers.errors import KpiError
from kpi_helpers.kpis.parts import count
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.pseudonyms import pseudonymised
from kpi_helpers.units import COUNT

ROWS = [
    f"{n};2026-0{1 + n % 6}-05;{'lost' if n > 36 else 'won'};2026-0{1 + n % 6}-20;{n},5;Ann"
    for n in range(1, 61)
]
STRANGE = "x;2026-01-05;perhaps;2026-02-01;7 000,5;Ann"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    none = Config({"HistoryManager": {"enabled": False}})  # whose database would stay open
    shell = InteractiveShell(colors="nocolor", config=none)
    kh.load_ipython_extension(shell)
    return shell


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Return deals of six months, ten a month, and one of a status that nobody knows."""
    return loaded(tmp_path_factory.mktemp("deals"), *ROWS, STRANGE)


def html(shell: InteractiveShell, shown: object) -> str:
    forms, _ = shell.display_formatter.format(shown)
    return str(forms.get("text/html", ""))


def seen(page: str) -> str:
    return " ".join(BeautifulSoup(page, "html.parser").get_text(" ").split())


def test_it_is_there_when_ipython_imports_the_kit() -> None:
    code = "import kpi_helpers as kh; kh.load('nowhere.csv')"
    run = subprocess.run(
        [sys.executable, "-m", "IPython", "-c", code], capture_output=True, text=True
    )
    assert "UnknownName: File not found: 'nowhere.csv'" in run.stdout
    assert "kpi_helpers/sources" not in run.stdout
    assert run.returncode == 1


def test_a_kpi_shows_its_card(shell: InteractiveShell, data: Dataset, tmp_path: Path) -> None:
    assert "Win rate (count)" in seen(html(shell, REGISTRY["win_rate_count"]))
    put(tmp_path, 'schema = 1\nlanguage = "fr"\n', "kpi.toml")
    card = BeautifulSoup(html(shell, REGISTRY["win_rate_count"]), "html.parser")
    assert card.h3.find(string=True).strip() == "Taux de gain (nombre)"
    shell.user_ns["data"] = data  # English: what is open goes first
    card = BeautifulSoup(html(shell, REGISTRY["win_rate_count"]), "html.parser")
    assert card.h3.find(string=True).strip() == "Win rate (count)"


def test_data_show_their_tables_and_what_was_left_out(
    shell: InteractiveShell, data: Dataset
) -> None:
    page = html(shell, data)
    rows = [
        [seen(str(cell)) for cell in row("td")] for row in BeautifulSoup(page, "html.parser")("tr")
    ]
    assert ["deals.csv", "61", "60", "1", "0", "€8,861", "€7,001"] in rows
    said = seen(page)
    assert said.startswith("5 January 2026 to 20 June 2026 Table")
    assert f"Data quality: {kh.score(data)} out of 100" in said
    assert "Map it in [tables.….values] of kpi.toml" in said
    assert "deals.csv" not in html(shell, pseudonymised(data))
    assert repr(data) == f"Dataset('', as of {data.as_of}: deals)"


def test_a_result_shows_its_finding_its_table_and_itself(
    shell: InteractiveShell, data: Dataset
) -> None:
    for result, finding in (
        (kh.measure(data, "deals_won_count", "2026-03"), "Mar 2026 deals won: 6"),
        (kh.compare(data, "deals_won_count", "2026-03"), "Deals won: 6, against 6"),
        (kh.compare(data, "deals_won_count", "2026-03", to="target"), "Mar 2026 deals won: 6"),
        (kh.measure(data, "deals_won_count", "2026-03", by="owner"), "Ann"),
    ):
        page = BeautifulSoup(html(shell, result), "html.parser")
        assert finding in seen(str(page))
        assert len(page("table")) == 2
        assert page.details.table.th is not None
        assert isinstance(result, pd.DataFrame)


@pytest.mark.parametrize(
    "change", [lambda f: f[["value"]], lambda f: f.head(0), lambda f: pd.concat([f] * 41)]
)
def test_what_is_no_result_is_left_to_pandas(
    shell: InteractiveShell, data: Dataset, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    frame = change(kh.measure(data, "bookings", "2026-03"))
    assert html(shell, frame) == frame._repr_html_()


def test_hostile_names_are_inert(shell: InteractiveShell) -> None:
    names = [name for name in HOSTILE for _ in range(2)]
    deals = {
        "deal_id": range(len(names)),
        "created_at": "2026-01-05",
        "status": ["won", "lost"] * len(HOSTILE),
    }
    frame = pd.DataFrame({**deals, "closed_at": "2026-02-01", "owner": names, "stage": names})
    data = kh.load(frame, {"name": HOSTILE[0], "language": "en", "currency": "EUR"})
    kpi(names=("x", HOSTILE[1]), definition_fr="x", unit=COUNT, dated="closed_at")(hostile_count)
    compared = kh.compare(data, "hostile_count", "2026Q1", to="others", by=["owner"])
    tidy = kh.measure(data, ["hostile_count"], "2026Q1", by=["owner"])
    shown = [data, compared, tidy, REGISTRY.pop("hostile_count")]
    for page in [html(shell, each) for each in shown]:
        tree = BeautifulSoup(page, "html.parser")
        assert page
        assert not tree(["script", "img", "b"])
        assert not [each for each in tree("a") if not each["href"].startswith("#")]
    assert escape(HOSTILE[0]) in html(shell, data)


def hostile_count(deals: Any) -> Any:
    """<script>alert(5)</script>"""
    return count(deals.deal_id.notnull())


def told(shell: InteractiveShell, capsys: pytest.CaptureFixture[str], cell: str) -> str:
    capsys.readouterr()
    assert not shell.run_cell(cell, store_history=True).success
    return capsys.readouterr().out


def test_an_error_names_the_fix_and_the_line_of_the_cell(
    shell: InteractiveShell, data: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.user_ns |= {"kh": kh, "data": data}
    said = told(
        shell, capsys, "def ask(kpi):\n    return kh.measure(data, kpi, 'all')\n\nask('bookingz')"
    )
    assert said.splitlines() == [
        "UnknownName: Unknown KPI: 'bookingz'. Did you mean bookings, bookings_target?",
        "In[1], line 4",
        "    ask('bookingz')",
        "In[1], line 2",
        "    return kh.measure(data, kpi, 'all')",
    ]
    shell.run_line_magic("tb", "")
    whole = capsys.readouterr().out
    assert "catalogue/__init__.py" in whole
    assert isinstance(sys.last_value, KpiError)
    assert "ZeroDivisionError" in (other := told(shell, capsys, "1 / 0"))
    assert "Traceback" in other


def test_an_error_speaks_the_language_of_the_settings(
    shell: InteractiveShell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.user_ns["kh"] = kh
    put(tmp_path, 'schema = 1\nlanguage = "fr"\n', "kpi.toml")
    assert "Fichier introuvable" in told(shell, capsys, "kh.load('nulle part')")
    assert "\x1b" not in told(shell, capsys, "kh.load('\\x1b[2Jgone')")
    put(tmp_path, "schema = ", "kpi.toml")  # settings that cannot be read
    assert "BadConfig: kpi.toml is not" in told(shell, capsys, "kh.load('nowhere')")


def completed(shell: InteractiveShell, typed: str) -> set[str]:
    with provisionalcompleter():
        return {each.text.strip('."') for each in shell.Completer.completions(typed, len(typed))}


def test_tab_completes_tables_and_names(shell: InteractiveShell, data: Dataset) -> None:
    shell.user_ns |= {"kh": kh, "data": data}
    assert "deals" in completed(shell, 'data["')
    assert {"at", "sql", "table", "add"} <= completed(shell, "data.")
    assert {*kh.__all__} <= completed(shell, "kh.")


def test_what_others_told_ipython_stays(shell: InteractiveShell) -> None:
    shell.set_custom_exc((ZeroDivisionError,), None)
    kh.load_ipython_extension(shell)
    assert shell.custom_exceptions == (ZeroDivisionError,)


def test_the_catalogue_is_shown_whole(shell: InteractiveShell) -> None:
    frame = kh.catalogue("fr")
    data, _ = shell.display_formatter.format(frame)
    seen = BeautifulSoup(data["text/html"].partition("<details>")[0], "html.parser")
    assert [cell.text for cell in seen.find_all("th")] == ["id", "name", "unit", "definition"]
    assert len(seen.select("tbody tr")) == len(frame)
    assert seen.select("tbody td")[3].text == frame["definition"].iloc[0]
