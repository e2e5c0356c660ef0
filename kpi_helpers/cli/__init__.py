"""The command line: it reads what is asked, calls the room that answers, and prints.

Everything heavy is imported by the command that needs it, so that ``kpi --help`` answers at once.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest

from kpi_helpers.cli.answers import say
from kpi_helpers.cli.commands import COMMANDS
from kpi_helpers.cli.parsing import Parser
from kpi_helpers.ending import code_of, ended_as_interrupted
from kpi_helpers.errors import KpiError, unknown
from kpi_helpers.language import LANGUAGES, text

NOBODY_READS = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after ``kpi``; by default those of the process.

    Returns
    -------
    int
        0; 1 for a report that failed, or data with a blocking fault; 2 for bad input; 3 for alerts,
        or rows of a register that are to be mended; 130 when interrupted,
        143 and 129 when the system ends it or its terminal closes.

    Examples
    --------
    >>> main(["--version"])
    kpi-helpers 0.1.0
    0
    """
    words = list(sys.argv[1:] if argv is None else argv)
    lang = "en"
    try:
        lang = language(words, os.environ)
        with ended_as_interrupted(), _names_of_files():
            code = _answer(words, lang)
        sys.stdout.flush()
        return code
    except (KpiError, KeyboardInterrupt, RuntimeError) as error:
        ended = code_of(error)
        if ended is not None:
            with suppress(OSError):  # of a terminal that is gone
                print(f"\nkpi: {text('cli.interrupted', lang)}", file=sys.stderr)
            return ended
        if not isinstance(error, KpiError):
            raise
        say(f"kpi: {error.render(lang)}", sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Python writes out what is left when it ends, and would complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS


@contextmanager
def _names_of_files() -> Iterator[None]:
    """Say of a name that is too long for a file that there is none, wherever it was given."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise unknown("file", error.filename, []) from error


def language(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the language to speak: ``--lang``, else ``KPI_LANG``, else the system's, else English.

    Raises
    ------
    UnknownName
        When ``--lang`` or ``KPI_LANG`` names a language there is no file for.

    Examples
    --------
    >>> language(["report", "--lang", "fr"], {}), language([], {"LANG": "fr_FR.UTF-8"})
    ('fr', 'fr')
    """
    asked = _value_of("--lang", words) or environment.get("KPI_LANG")
    if asked:
        if asked not in LANGUAGES:
            raise unknown("language", asked, LANGUAGES)
        return asked
    system = environment.get("LANG", "")[:2]
    return system if system in LANGUAGES else "en"


def _value_of(option: str, words: Sequence[str]) -> str | None:
    for word, following in zip_longest(words, words[1:]):
        if word == option:
            return following
        if word.startswith(f"{option}="):
            return word.removeprefix(f"{option}=")
    return None


def _answer(words: list[str], lang: str) -> int:
    name, rest = _command(words)
    if name is None:
        return _overview(words, lang)
    if name not in COMMANDS:
        raise unknown("command", name, COMMANDS)
    command = COMMANDS[name]
    parser = Parser(f"kpi {name}", lang, text(f"cli.{name}.about", lang))
    command.describe(parser)
    options = parser.read(rest)
    if options.help:
        parser.print_help()
        return 0
    return command.run(options, lang)


def _command(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the first word that is no option, and the others."""
    for position, word in enumerate(words):
        value_of_option = position > 0 and words[position - 1] == "--lang"
        if not word.startswith("-") and not value_of_option:
            return word, words[:position] + words[position + 1 :]
    return None, words


def _overview(words: list[str], lang: str) -> int:
    parser = Parser("kpi", lang, text("cli.about", lang))
    parser.list_commands(COMMANDS)
    if parser.read(words).version:
        from importlib.metadata import version

        print(f"kpi-helpers {version('kpi-helpers')}")
    else:
        parser.print_help()
    return 0
