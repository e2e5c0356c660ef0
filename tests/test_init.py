"""A project of one's own: made whole or not at all, and ready for the other commands."""

import tomllib
from pathlib import Path

import pytest

from kpi_helpers.cli import main
from kpi_helpers.reports import places
from kpi_helpers.sources import load

FRENCH = Path(__file__).parents[1] / "data" / "exports" / "hubspot.csv"
ALWAYS = {"data", "kpi.toml", "kpis.py", "notebooks", "reports"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_an_export_becomes_a_project(here: Path, lang: str) -> None:
    assert main(["init", "acme", "--from", str(FRENCH), "--lang", lang]) == 0
    project = here / "acme"
    assert names(here) == {"acme"}
    assert names(project) == ALWAYS
    assert (project / "data" / FRENCH.name).read_bytes() == FRENCH.read_bytes()
    settings = tomllib.loads((project / "kpi.toml").read_text("utf-8"))
    assert (settings["name"], settings["language"]) == ("acme", lang)
    understood, straight = load(project / "data"), load(FRENCH)
    assert understood["deals"].equals(straight["deals"])


def test_an_export_in_dollars_makes_a_project_in_dollars(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = "Deal Name,Create Date,Close Date,Deal Stage,Amount,Record ID"
    rows = '\nA,2026-01-05,2026-02-20,Closed Won,"$1,200.00",1\nB,2026-01-15,,Open,$80.00,2\n'
    (here / "us.csv").write_text(head + rows, "utf-8")
    assert main(["init", "acme", "--from", "us.csv", "--lang", "en"]) == 0
    assert tomllib.loads((here / "acme" / "kpi.toml").read_text("utf-8"))["currency"] == "USD"
    capsys.readouterr()
    main(["check", "us.csv", "--lang", "en"])
    assert "Amounts in USD" in capsys.readouterr().out


@pytest.mark.thorough
def test_its_notebooks_and_commands_find_its_data(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", "acme", "--from", str(FRENCH), "--lang", "en"])
    shipped = {path.name for path in places.notebooks().glob("*.ipynb")}
    assert names(here / "acme" / "notebooks") >= shipped
    monkeypatch.chdir(here / "acme")
    capsys.readouterr()
    assert main(["check", "--lang", "en"]) == 0
    assert "acme, as of" in capsys.readouterr().out


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_an_empty_project_has_settings_and_kpis_to_begin_with(here: Path, lang: str) -> None:
    assert main(["init", 'a "b" \\ é', "--lang", lang]) == 0
    project = here / 'a "b" \\ é'
    assert names(project) == ALWAYS
    settings = tomllib.loads((project / "kpi.toml").read_text("utf-8"))
    assert settings["name"] == 'a "b" \\ é'
    # What is commented out can be used as it stands.
    lines = (project / "kpi.toml").read_text("utf-8").splitlines()
    offered = [line.removeprefix("# ") for line in lines if " = " in line or "# [" in line]
    assert tomllib.loads("\n".join(offered))["tables"]["deals"]["file"] == "export.csv"
    compile((project / "kpis.py").read_text("utf-8").replace("\n# ", "\n"), "kpis.py", "exec")


@pytest.mark.parametrize("command", ["check", "report"])
@pytest.mark.parametrize(
    ("lang", "said"),
    [("fr", "data ne contient aucun fichier que le kit sache lire."), ("en", "data holds no file")],
)
def test_an_empty_project_asks_for_an_export(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    lang: str,
    said: str,
) -> None:
    assert main(["init", "acme", "--lang", lang]) == 0
    monkeypatch.chdir(here / "acme")
    assert main([command, "--lang", lang]) == 2
    assert said in capsys.readouterr().err


def test_a_folder_of_exports_is_taken_whole(here: Path) -> None:
    (here / "exports").mkdir()
    (here / "exports" / FRENCH.name).write_bytes(FRENCH.read_bytes())
    assert main(["init", "acme", "--from", "exports"]) == 0
    assert names(here / "acme" / "data") == {FRENCH.name}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["init"], "is not a new or empty one"),
        (["init", "taken"], "taken is not a new or empty one"),
        (["init", "taken/file.txt"], "is not a new or empty one"),
        (["init", "acme", "--from", "absent.csv"], "File not found: 'absent.csv'"),
        (["init", "acme", "--from", "taken/file.txt"], "made without --from too: kpi init acme"),
    ],
)
def test_what_cannot_be_made_leaves_nothing(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    (here / "taken").mkdir()
    (here / "taken" / "file.txt").write_text("nothing\nto see\n")
    assert main([*words, "--lang", "en"]) == 2
    assert said in capsys.readouterr().err
    assert names(here) == {"taken"}
    assert names(here / "taken") == {"file.txt"}


@pytest.mark.parametrize("name", ["half a letter \ud800", "a\0b", "long" * 100])
def test_a_name_that_no_folder_can_have_is_said(
    here: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main(["init", name, "--lang", "en"]) == 1
    assert "could not be written" in capsys.readouterr().err
    assert not names(here)
