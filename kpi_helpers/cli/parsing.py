"""A command's words read by argparse, its help and its errors in our languages."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from kpi_helpers.errors import KpiError, unknown
from kpi_helpers.language import LANGUAGES, text

WIDTH = 96


class _Absent(str):
    """The empty text of what was not given, unlike one that was."""


ABSENT = _Absent()
PLACES = ("source", "data", "config", "dir")


class Parser(argparse.ArgumentParser):
    """Options and arguments of one command; their texts stand under ``cli.<command>``.

    Parameters
    ----------
    prog : str
        ``kpi`` or ``kpi <command>``.
    lang : str
    about : str
        What the command does.
    """

    def __init__(self, prog: str, lang: str, about: str) -> None:
        super().__init__(
            prog=prog,
            description=f"{about[0].upper()}{about[1:].rstrip('.')}.",
            add_help=False,
            allow_abbrev=False,
            exit_on_error=False,
            formatter_class=lambda prog: _Formatter(prog, lang),
        )
        self.lang = lang
        self.command = prog.removeprefix("kpi").strip()
        self.names = ["-h", "--help", "--lang"]
        self.arguments = self.add_argument_group(text("cli.arguments", lang))
        self.options = self.add_argument_group(text("cli.options", lang))
        self.options.add_argument("-h", "--help", action="store_true", help=text("cli.help", lang))
        spoken = text("cli.lang", lang, languages=", ".join(LANGUAGES))
        self.options.add_argument("--lang", metavar="LANG", help=spoken)

    def option(self, name: str, metavar: str, default: str = ABSENT) -> None:
        """Add an option that takes a value."""
        self.names.append(f"--{name}")
        self.options.add_argument(
            f"--{name}", metavar=metavar, default=default, help=self._said(name)
        )

    def switch(self, name: str) -> None:
        """Add an option that is there or not."""
        self.names.append(f"--{name}")
        self.options.add_argument(f"--{name}", action="store_true", help=self._said(name))

    def argument(self, name: str) -> None:
        """Add an argument; the command itself says what happens when it is absent."""
        self.arguments.add_argument(
            name, metavar=name.upper(), nargs="?", default=ABSENT, help=self._said(name)
        )

    def list_commands(self, commands: Iterable[str]) -> None:
        """Make this the parser of ``kpi`` alone, whose help lists the commands."""
        self.usage = f"kpi {text('cli.command', self.lang)} ..."
        self.epilog = text("cli.more", self.lang)
        self.arguments.title = text("cli.commands", self.lang)
        for name in commands:
            about = text(f"cli.{name}.about", self.lang)
            self.arguments.add_argument(name, nargs="?", help=about)
        self.names.append("--version")
        self.options.add_argument(
            "--version", action="store_true", help=text("cli.version", self.lang)
        )

    def read(self, words: list[str]) -> argparse.Namespace:
        """Return the options of the words.

        Raises
        ------
        UnknownName
            For an option that does not exist, with the nearest.
        KpiError
            For an option without its value, and an empty name of a file or folder.
        """
        for word in words:
            option, _, value = word.partition("=")
            if option in self.names and value == "--":  # which argparse reads as a list
                raise KpiError("bad_option", option=option, command=self.prog)
        try:
            options, rest = self.parse_known_args(words)
        except argparse.ArgumentError as error:
            raise KpiError("bad_option", option=error.argument_name, command=self.prog) from error
        if rest:
            raise unknown("option", rest[0], self.names)
        for name in PLACES:
            if vars(options).get(name) == "" and vars(options)[name] is not ABSENT:
                said = f"--{name}" if f"--{name}" in self.names else name.upper()
                raise KpiError("empty_place", option=said, command=self.prog)
        return options

    def _said(self, name: str) -> str:
        return text(f"cli.{self.command}.{name}", self.lang)


class _Formatter(argparse.HelpFormatter):
    def __init__(self, prog: str, lang: str) -> None:
        super().__init__(prog, max_help_position=22, width=WIDTH)
        self.usage_word = text("cli.usage", lang)

    def add_usage(
        self, usage: str | None, actions: Any, groups: Any, prefix: str | None = None
    ) -> None:
        super().add_usage(usage, actions, groups, prefix or self.usage_word)
