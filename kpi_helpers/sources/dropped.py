"""A file that somebody drops onto a project: tried beside what is there, then taken over."""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from kpi_helpers.errors import BadInput, KpiError
from kpi_helpers.language import Phrase
from kpi_helpers.sources.config import FILE_NAME, Config, TableConfig, read_config
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.edited import setting
from kpi_helpers.sources.files.kinds import ENDINGS
from kpi_helpers.sources.files.readers import open_source
from kpi_helpers.sources.loading import load
from kpi_helpers.sources.recognition.recognising import recognised, says_origin
from kpi_helpers.sources.saving import Change, all_updated
from kpi_helpers.sources.written import settings_text

# With the files that are there; in the place of those that hold the same tables; by itself.
PLACES = BESIDE, INSTEAD, ALONE = ("beside", "instead", "alone")
QUESTIONS = {"date_order": ("dmy", "mdy"), "decimal": (",", ".")}
DATA, LONGEST = "data", 120
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\u202a-\u202e\u2066-\u2069]+')
NOTHING = {field.name: None for field in dataclasses.fields(TableConfig)}
NOWHERE = dict.fromkeys(("file", "table", "query"))
Answers = Mapping[str, str]


class Tried(NamedTuple):
    """A project as it would be with a file: its data, and the settings that make it so."""

    data: Dataset
    settings: dict[str, Any]


def file_name(said: str) -> str:
    r"""Return the name under which a file of that name is kept: it leads nowhere.

    Raises
    ------
    BadInput
        For a name that ends like nothing that can be read.

    Examples
    --------
    >>> file_name("../../etc/deals.csv"), file_name("C:\\mine\\a<b>.CSV")
    ('deals.csv', 'a_b_.CSV')
    """
    last = FORBIDDEN.sub("_", said.replace("\\", "/").rpartition("/")[2]).strip(" .~$")
    ending = next((each for each in ENDINGS if last.lower().endswith(each)), "")
    if not ending or not last[: -len(ending)]:
        raise BadInput("dropped_kind", file=last or said)
    return last[: -len(ending)][:LONGEST] + last[-len(ending) :]


@contextmanager
def tried(
    home: Path, file: Path, place: str = BESIDE, lang: str = "", answers: Answers | None = None
) -> Iterator[Tried]:
    """Load a project as it would be with a file; nothing of it is changed.

    Parameters
    ----------
    home
        Folder of the project.
    file
        What is dropped; it is kept under its `file_name`.
    place
        One of `PLACES`: beside the files that are there, instead of those of the same tables, or
        alone.
    lang
        Language of a project without settings.
    answers
        ``date_order`` and ``decimal``, for the tables in which no row decides.

    Raises
    ------
    BadInput
        As `load`; where nothing decides and there is no answer (``undecided``), and where the file
        or one of the same table is there (``dropped_there``, ``dropped_twice``).
    KpiError
        Where the settings name another source, or read nothing of the file.
    """
    name, config = file_name(file.name), _config(home, lang)
    if config.source:
        raise KpiError("source_named", file=FILE_NAME)
    there = _there(home) if place != ALONE else []
    if place == BESIDE and (home / DATA / name) in there:
        raise BadInput("dropped_there", file=name)
    with tempfile.TemporaryDirectory(prefix="kpi-") as stage:
        for each, to in [(file, name), *((e, e.name) for e in there if e.name != name)]:
            _put(each, Path(stage) / to)
        config, settings = _named(home, Path(stage) / name, place, config)
        data = _loaded(stage, config, settings, answers or {})
        if not any(_of(label, name) for label in data.files.values()):
            why = data.passed.get(name, Phrase("files.unasked"))
            raise BadInput("unreadable_source", file=name, reason=_reason(why, lang))
        yield Tried(data, settings)


def taken(
    home: Path, file: Path, place: str = BESIDE, lang: str = "", answers: Answers | None = None
) -> list[str]:
    """Write a file and the settings that read it into a project, both or neither.

    Returns
    -------
    list of str
        What changed in the settings, as the lines of a unified diff.

    Raises
    ------
    KpiError
        As `tried`, and when something cannot be written.
    """
    told: list[str] = []
    name, toml = file_name(file.name), home / FILE_NAME
    with tried(home, file, place, lang, answers) as (data, settings):
        content = file.read_bytes()

        def put(old: bytes | None) -> bytes:
            if old is not None and place == BESIDE:
                raise BadInput("dropped_there", file=name)
            return content

        changes: dict[Path, Change] = {home / DATA / name: put}
        if not toml.exists():
            written = settings_text(data).encode()
            changes[toml] = lambda old: written if old is None else old
        elif settings:
            changes[toml] = setting(toml, settings, told)
        all_updated(changes)
    return told


def _config(home: Path, lang: str) -> Config:
    if (home / FILE_NAME).exists():
        return read_config(home / FILE_NAME)
    new = Config(name=home.resolve().name, file=str(home / FILE_NAME))
    return dataclasses.replace(new, language=lang or new.language)


def _there(home: Path) -> list[Path]:
    """The files of a project's data that are read."""
    folder = home / DATA
    each = sorted(folder.iterdir()) if folder.is_dir() else []
    return [e for e in each if e.is_file() and not e.name.startswith((".", "~$"))]


def _put(file: Path, to: Path) -> None:
    try:
        to.symlink_to(file.resolve())
    except OSError:  # a system that gives no links to everybody
        shutil.copy2(file, to)


def _named(home: Path, file: Path, place: str, config: Config) -> tuple[Config, dict[str, Any]]:
    """The settings with the origin of each table where they must say it, and what is new in them.

    As soon as they name a file, those that they do not name are left alone.
    """
    ours = _files(file, _with(config, dict.fromkeys(config.tables, NOWHERE)))
    new = {name: {"file": label} for name, label in ours.items()}
    if place == ALONE:
        fresh = {name: NOTHING | new.get(name, {}) for name in {**config.tables, **new}}
        needed = bool(config.tables or _there(home))
        config = dataclasses.replace(config, tables={})
        return (_with(config, new), {"tables": fresh}) if needed else (config, {})
    theirs = _files(home / DATA, config) if _there(home) else {}
    twice = [name for name in ours if name in theirs and not _of(theirs[name], file.name)]
    if place == BESIDE and twice:
        labels = {"first": theirs[twice[0]], "second": ours[twice[0]]}
        raise BadInput("dropped_twice", **labels, table=twice[0])
    if not any(map(says_origin, config.tables.values())):
        if not twice:
            return config, {}
        new = {name: {"file": label} for name, label in theirs.items()} | new
    return _with(config, new), {"tables": new}


def _files(source: Path, config: Config) -> dict[str, str]:
    """The tables that a source holds, each with its file; the stages of deals need none."""
    files = {n: o.label for n, (o, _) in recognised(open_source(source, config), config)[1].items()}
    labels = [*files.values()]
    return {name: label for n, (name, label) in enumerate(files.items()) if label not in labels[:n]}


def _with(config: Config, settings: Mapping[str, Mapping[str, Any]]) -> Config:
    tables = {n: dataclasses.replace(config.table(n), **own) for n, own in settings.items()}
    return dataclasses.replace(config, tables={**config.tables, **tables})


def _loaded(source: str, config: Config, settings: dict[str, Any], answers: Answers) -> Dataset:
    """The data, once each table in which nothing decides has its answer, which is noted."""
    while True:
        try:
            return load(source, config)
        except BadInput as error:
            asked, table = str(error.values.get("asked")), str(error.values.get("table"))
            if error.key != "ambiguous_column":
                raise
            tables = settings.setdefault("tables", {})
            answered = asked in tables.get(table, {})
            if answers.get(asked) not in QUESTIONS[asked] or answered:
                raise BadInput(f"undecided_{asked}", **error.values) from error
            own = {asked: answers[asked]}
            tables[table] = tables.get(table, {}) | own
            config = _with(config, {table: own})


def _of(label: str, name: str) -> bool:
    """Whether a table comes from a file or from a part of it."""
    return label == name or label.startswith(f"{name}/")


def _reason(why: Phrase | KpiError, lang: str) -> str:
    return why.render(lang or "en")
