"""The folder of a report: written whole or not at all, by one run at a time, and in no other."""

from pathlib import Path

import pytest

from kpi_helpers.errors import KpiError, ReportFailed
from kpi_helpers.language import Phrase
from kpi_helpers.reports import pack


def write_pack(target: Path, text: str, wrong: BaseException | None = None) -> None:
    with pack.writing(target) as folder:
        (folder / "page.html").write_text(text)
        if wrong:
            raise wrong
        (folder / pack.MARK).write_text("{}")


def test_a_pack_replaces_the_one_before(tmp_path: Path) -> None:
    write_pack(tmp_path / "2026Q3", "old")
    write_pack(tmp_path / "2026Q3", "new")
    assert (tmp_path / "2026Q3" / "page.html").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["2026Q3"]


def test_a_link_in_the_place_of_a_pack_is_followed_each_time(tmp_path: Path) -> None:
    (tmp_path / "2026Q3").symlink_to("elsewhere", target_is_directory=True)
    for text in ("first", "second", "third"):
        write_pack(tmp_path / "2026Q3", text)
        assert (tmp_path / "elsewhere" / "page.html").read_text() == text
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"2026Q3", "elsewhere"}


@pytest.mark.parametrize(
    "wrong", [OSError(28, "No space left"), KeyboardInterrupt(), SystemExit(143)]
)
def test_whatever_goes_wrong_leaves_the_old_pack_whole(
    tmp_path: Path, wrong: BaseException
) -> None:
    target = tmp_path / "2026Q3"
    write_pack(target, "old")
    with pytest.raises(type(wrong)):
        write_pack(target, "new", wrong)
    assert (target / "page.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["2026Q3"]


def test_a_second_run_is_told_that_the_first_is_writing(tmp_path: Path) -> None:
    target = tmp_path / "2026Q3"
    with pack.writing(target) as folder:
        (folder / pack.MARK).write_text("{}")
        with pytest.raises(ReportFailed, match="Another run is writing"):
            write_pack(target, "second")
    assert not (target / "page.html").exists()
    write_pack(target, "third")


def test_a_run_that_was_killed_between_its_two_steps_is_mended(tmp_path: Path) -> None:
    target = tmp_path / "2026Q3"
    write_pack(target, "old")
    target.rename(tmp_path / ".2026Q3.old")
    with pytest.raises(OSError, match="disk"):
        write_pack(target, "new", OSError("disk"))
    assert (target / "page.html").read_text() == "old"


def test_a_folder_that_is_no_pack_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(KpiError, match="something other than a report"):
        write_pack(tmp_path, "new")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_pack_is_not_written_into_another(tmp_path: Path) -> None:
    write_pack(tmp_path / "2026Q2", "old")
    with pytest.raises(KpiError, match="2026Q2 holds a report"):
        write_pack(tmp_path / "2026Q2" / "again" / "2026Q3", "new")
    assert {path.name for path in (tmp_path / "2026Q2").iterdir()} == {"page.html", "run.json"}


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError, NotADirectoryError])
def test_a_place_that_cannot_be_made_is_named(
    tmp_path: Path, error: type[OSError], monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = {FileNotFoundError: 2, PermissionError: 13, NotADirectoryError: 20}

    def refuse(path: Path, **_: object) -> None:
        raise error(codes[error], "no", str(path))  # as of /proc, where nobody makes a folder

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OSError, match="no") as refused, pack.writing(tmp_path / "out" / "2026Q1"):
        pass
    said = pack.refusal(refused.value)
    assert isinstance(said, Phrase)
    assert str(tmp_path / "out") in said.render("en")
    assert "--out" in said.render("fr")
