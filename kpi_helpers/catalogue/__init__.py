"""What a KPI is: one declaration that names, defines and dates it; and the register of all."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import sys
import textwrap
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from kpi_helpers.catalogue.example import Example
from kpi_helpers.errors import BadInput, KpiError, unknown
from kpi_helpers.language import texts, typeset

__all__ = ["HIGHER", "LOWER", "NEUTRAL", "REGISTRY", "Ago", "Example", "Kpi", "declare_from"]
__all__ += ["find", "kpi"]

HIGHER, LOWER, NEUTRAL = "higher", "lower", "neutral"


@dataclass(frozen=True)
class Ago:
    """Another KPI, read some months earlier, or over more months.

    Parameters
    ----------
    kpi
        Its id.
    months
        How many months earlier, or the name of a lag in the settings (``"cac"``).
    over
        How many months to the end of the period it is read over; 0 for the period itself.
    """

    kpi: str
    months: int | str = 0
    over: int = 0


@dataclass(frozen=True, eq=False)
class Kpi:
    """A KPI as it was declared with `kpi`.

    ``body`` maps a canonical table to parts (never to a quotient), or, where ``of`` is given, the
    measured values of other KPIs to a value. ``target`` is one that holds by definition,
    ``worth`` the KPI that says what one more case is worth, ``cases`` what its n counts where that
    is not the rows of its table: ``customers`` or another key of ``wording.cases`` in the texts.
    """

    id: str
    body: Callable[..., Any]
    names: Mapping[str, str]
    definitions: Mapping[str, str]
    unit: str
    better: str
    dated: str | None = None
    of: Mapping[str, Ago] = field(default_factory=dict)
    tier: str = "P1"
    category: tuple[str, ...] = ()
    tags: tuple[str, ...] = ("all",)
    pitfalls: Mapping[str, str] = field(default_factory=dict)
    seeds: str = ""
    example: Example | None = None
    target: float | None = None
    worth: str = ""
    cases: str = ""
    version: str = ""

    @property
    def derived(self) -> bool:
        """Whether it is computed from other KPIs."""
        return bool(self.of)

    @functools.cached_property
    def table(self) -> str:
        """The fact table it is counted on: the name of the body's first argument."""
        return "" if self.derived else next(iter(inspect.signature(self.body).parameters))

    def label(self, lang: str) -> str:
        """Its name in a language."""
        return self._said(self.names, "name", lang)

    def definition(self, lang: str) -> str:
        """What it means, in a language."""
        return self._said(self.definitions, "definition", lang)

    def pitfall(self, lang: str) -> str:
        """What to beware of, in a language."""
        return self._said(self.pitfalls, "pitfall", lang)

    def _said(self, declared: Mapping[str, str], what: str, lang: str) -> str:
        """Return what is declared, else what the file of the language says, else the English."""
        english = declared.get("en", "")
        return declared.get(lang) or str(texts(lang).get(f"kpis.{self.id}.{what}", english))


REGISTRY: dict[str, Kpi] = {}
_CONSTANT = (bool, int, float, str, tuple, frozenset)


def kpi(
    *bare: object,
    names: tuple[str, str] = ("", ""),
    definition_fr: str = "",
    unit: str = "",
    better: str = HIGHER,
    dated: str | None = None,
    of: Mapping[str, str | Ago] | None = None,
    **more: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a KPI: the function's name is its id, its docstring's first line the definition.

    Parameters
    ----------
    *bare
        Nothing: a decorator without its arguments would receive the function here.
    names
        French and English name.
    definition_fr
        The definition in French; the English one is the docstring's first line.
    unit
        A unit of `kpi_helpers.units`.
    better
        `HIGHER`, `LOWER` or `NEUTRAL`.
    dated
        The date by which a row belongs to a period.
    of
        For a derived KPI: argument → id of another KPI, or `Ago`.
    **more
        ``pitfalls`` (what to beware of, in French and English) and ``tier, category, tags, seeds,
        example, target, worth, cases`` of `Kpi`.

    Returns
    -------
    callable
        A decorator that registers the function and returns it unchanged.

    Raises
    ------
    BadInput
        When names, definition or unit are not given, when the function has no docstring, or when
        another KPI has the id, in whatever case: engines do not tell names by it.

    Examples
    --------
    >>> from kpi_helpers.kpis.parts import share
    >>> from kpi_helpers.units import PERCENT
    >>> @kpi(names=("Part des grosses affaires", "Share of large deals"), unit=PERCENT,
    ...      definition_fr="Affaires de 50 000 ou plus.", dated="created_at")
    ... def large_deal_share(deals):
    ...     "Deals of 50,000 and more, as a share of all deals created."
    ...     return share(deals.amount >= 50_000, of=deals.amount.notnull())
    >>> REGISTRY.pop("large_deal_share").label("fr")
    'Part des grosses affaires'
    """
    if bare or not (all(names) and definition_fr and unit):
        raise BadInput("kpi_without_names")

    def declare(body: Callable[..., Any]) -> Callable[..., Any]:
        meaning = (inspect.getdoc(body) or "").split("\n")[0]
        if not meaning:
            raise BadInput("kpi_without_definition", column=body.__name__)
        beware_fr, beware = more.get("pitfalls", ("", ""))
        named = {
            argument: Ago(other) if isinstance(other, str) else other
            for argument, other in (of or {}).items()
        }
        declared = Kpi(
            id=body.__name__,
            body=body,
            names=dict(zip(("fr", "en"), names, strict=True)),
            definitions={"fr": typeset(definition_fr), "en": meaning},
            unit=unit,
            better=better,
            dated=dated,
            of=named,
            version=_version(body, dated, unit, named),
            **{**more, "pitfalls": {"fr": typeset(beware_fr), "en": beware}},
        )
        for existing in REGISTRY.values():
            if existing.id.casefold() == declared.id.casefold() and not _anew(existing.body, body):
                raise BadInput("kpi_declared_twice", column=existing.id)
        REGISTRY[declared.id] = declared
        return body

    return declare


def _anew(before: Callable[..., Any], body: Callable[..., Any]) -> bool:
    """Whether a cell or module was run again; a project's own file has forgotten what it said."""
    place = body.__module__
    return before.__name__ == body.__name__ and before.__module__ == place and place in sys.modules


def _version(body: Callable[..., Any], *fields: object) -> str:
    """Eight digits that change with the definition, not with its comments or layout.

    Constants that the body reads (a threshold in a notebook's cell) are part of the definition.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(body)))
    except OSError as error:  # typed into a plain interpreter
        raise BadInput("kpi_without_source", column=body.__name__) from error
    function = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    function.decorator_list = []
    function.body = function.body[1:]
    around = {**body.__globals__, **inspect.getclosurevars(body).nonlocals}
    names = sorted({node.id for node in ast.walk(function) if isinstance(node, ast.Name)})
    constants = [(n, around[n]) for n in names if isinstance(around.get(n), _CONSTANT)]
    text = ast.unparse(function) + repr(fields) + repr(constants)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def declare_from(path: Path | str) -> list[str]:
    """Declare the KPIs of a project's own file; what it declared before is declared anew.

    Parameters
    ----------
    path
        A Python file, such as ``kpis.py`` beside a ``kpi.toml``. It is run: it is code, so that
        only the file of the project where one works may be named here, never one found in data.

    Returns
    -------
    list of str
        Ids of the KPIs that it declares.

    Raises
    ------
    BadInput
        With file, line and reason, when the file cannot be run or redeclares a KPI of the kit.

    Examples
    --------
    >>> import tempfile
    >>> own = Path(tempfile.mkdtemp()) / "kpis.py"
    >>> own.write_text("largest = 50_000")
    16
    >>> declare_from(own)
    []
    """
    path = Path(path)
    module = ModuleType(f"{path.stem} ({path.resolve()})")
    module.__file__ = str(path)
    for known in [each for each in REGISTRY.values() if each.body.__module__ == module.__name__]:
        del REGISTRY[known.id]
    before = {*REGISTRY}
    try:
        exec(compile(path.read_bytes(), path, "exec"), module.__dict__)
    except KpiError:
        raise
    except Exception as error:  # a person's own code may raise anything
        steps = traceback.extract_tb(error.__traceback__)
        inside = [step.lineno for step in steps if step.filename == str(path)]
        line = getattr(error, "lineno", None) or next(reversed(inside), None)
        reason = f"{type(error).__name__}: {error}"
        raise BadInput("bad_kpi_file", file=path.name, line=line, reason=reason) from error
    return sorted({*REGISTRY} - before)


def find(name: str) -> Kpi:
    """The KPI of that id.

    Raises
    ------
    UnknownName
        With the nearest ids.
    """
    if not isinstance(name, str) or name not in REGISTRY:
        raise unknown("kpi", name, sorted(REGISTRY))
    return REGISTRY[name]
