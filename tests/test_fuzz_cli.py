"""Hostile words on the command line: an answer or one clear line, and files only where asked."""

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from exports import PLAIN, put, text_of
from fuzzing import NASTY, family, judged
from hypothesis import given
from hypothesis import strategies as st

from kpi_helpers import sources
from kpi_helpers.cli import main
from kpi_helpers.cli.commands import COMMANDS
from kpi_helpers.cli.parsing import Parser

CODES = (0, 1, 2, 3)
# Long work and servers are asked for nothing but what they refuse before they begin.
LONG = ("catalogue", "report", "lab", "workshop", "protocol")


def _options(name: str) -> list[str]:
    parser = Parser(f"kpi {name}", "en", "-")
    COMMANDS[name].describe(parser)
    return parser.names


OPTIONS = {name: _options(name) for name in COMMANDS}
USUAL = ["deals.csv", "kpi.toml", ".", "2026Q1", "2026-02-15", "add", "new", "owner", "fr", "b2b"]
# A command writes where it is told to: not beyond the folder of the test.
INSIDE = [word for word in NASTY if not word.startswith(("..", "/"))]
words = st.sampled_from(USUAL) | st.sampled_from(INSIDE)


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """A command with options that it has, values of any kind, and now and then something else."""
    name = draw(st.sampled_from([*COMMANDS]) | st.sampled_from(NASTY))
    own = OPTIONS.get(name, ["--lang"])
    many = 3 if name not in LONG else 2
    said = draw(st.lists(st.tuples(st.sampled_from(own), words, st.booleans()), max_size=many))
    pairs = [[f"{option}={word}"] if one else [option, word] for option, word, one in said]
    never = ["--never"] if name in LONG else []  # in front: what follows "--" is no option
    rest = (word for pair in pairs for word in pair)
    return [name, *never, *draw(st.lists(words, max_size=2)), *rest]


SETTINGS = 'schema = 1\nsource = "deals.csv"\nlanguage = "en"\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a project; what was loaded from the same bytes is not loaded again."""
    folder, loaded = tmp_path_factory.mktemp("cli") / "project", sources.load
    known: dict[Any, Any] = {}

    def load(*asked: Any) -> Any:
        read = b"".join(each.read_bytes() for each in sorted(folder.iterdir()) if each.is_file())
        key = (*map(repr, asked), read)
        known[key] = known[key] if key in known else loaded(*asked)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kpi_helpers.sources.load", load)
        yield folder


@family(0.05)
@given(line=lines())
def test_any_words_end_with_a_code_and_write_only_here(project: Path, line: list[str]) -> None:
    project.mkdir()
    put(project, text_of(*PLAIN))
    (project / "kpi.toml").write_text(SETTINGS)
    before, said = os.getcwd(), io.StringIO()
    os.chdir(project)
    try:
        with redirect_stdout(said), redirect_stderr(said), judged(folder=project):
            assert main(line) in CODES
    finally:
        os.chdir(before)
        shutil.rmtree(project)
    assert "Traceback" not in said.getvalue()
