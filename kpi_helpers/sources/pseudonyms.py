"""Names replaced at the door, so that the figures can be shown outside the house.

Reps and customers get a number each; whatever else is a text nobody declared is left out. The
figures, targets and joins stay as they are: everything above works on the data set as on any other.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping

import ibis
import ibis.expr.types as ir
import pandas as pd

from kpi_helpers.language import text
from kpi_helpers.sources.config import Config, TableConfig
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.engine import frame_of, stored
from kpi_helpers.sources.filters import columns_of
from kpi_helpers.sources.tables import TABLES

PEOPLE = ("owner", "changed_by", "decided_by")
CUSTOMERS = ("customer_id", "parent_id")
# Written about someone: nothing is computed from these.
PRIVATE = ("customer_name", "deal_name", "email", "phone", "note", "comment")
# Words that settings and declarations compare with, and what only identifies a row.
WORDS = ("stage", "currency", "metric", "scope_type", "kpi_id")
SHORTEST, LONGEST, HIDDEN = 2, 15, "***"  # letters of a name; its words and what parts them
CONTACT = re.compile(r"\S+@\S+\.\S+|#[0-9a-f]{16}|(?<![\w.])(?:\+|0)\d(?:[ ./-]?\d){7,}")
WHOLE = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)

Names = Mapping[str, str]


def pseudonymised(data: Dataset) -> Dataset:
    """Replace the names of reps and customers by numbered ones.

    The numbers follow a keyed digest of all rows, so that the same data give the same numbers and
    neither their order nor a list of possible names gives anybody away.

    Parameters
    ----------
    data
        A data set of `load`.

    Returns
    -------
    Dataset
        Its ``masked`` names the dimensions by which a figure of few cases is not told. Columns that
        are neither canonical nor named in the settings are gone, and so are segments that are named
        after someone or read a name otherwise than as a whole.
    """
    people = _numbered(data, "rep", PEOPLE)
    customers = _numbered(data, "account", CUSTOMERS)
    of = {**dict.fromkeys(PEOPLE, people), **dict.fromkeys(CUSTOMERS, customers)}
    known = {**_by_name(data, customers), **customers, **people}
    telling = {name: said for name, said in known.items() if _is_telling(name)}
    elsewhere = {_folded(name): said for name, said in telling.items()} | telling
    told = functools.partial(_without, names=elsewhere)
    base, masked = {}, {"owner"}
    for name in data.base:
        rows = data.base[name].select(_shown(data, name))
        for column, new in _changes(data, name, rows, of, told).items():
            masked |= {column} if set(new.values()) & set(people.values()) else set()
            rows = _replaced(data, rows, name, column, new)
        base[name] = rows.mutate(**{c: ibis.null("string") for c in PRIVATE if c in rows.columns})
    return dataclasses.replace(
        data,
        base=base,
        config=_config(data.config, of, told),
        files={name: name for name in data.files},
        passed={told(name): why for name, why in data.passed.items()},
        masked=frozenset(masked),
        memory={},
    )


def _numbered(data: Dataset, kind: str, columns: Collection[str]) -> dict[str, str]:
    """Name → pseudonym, for all names in these columns of any table."""
    names = {
        value
        for table, rows in data.base.items()
        for column in set(columns) & set(rows.columns)
        for value in _values(data, table, column)
    }
    key = data.remember("key of pseudonyms", lambda: _key(data))
    order = sorted(names, key=lambda name: hmac.digest(key, f"{kind} {name}".encode(), "sha256"))
    lang = data.config.lang
    return {name: text(f"pseudonyms.{kind}", lang, number=n) for n, name in enumerate(order, 1)}


def _key(data: Dataset) -> bytes:
    digest = hashlib.sha256(b"names")
    for name in sorted(data.base):
        frame = frame_of(data.con, data.base[name])
        rows = pd.util.hash_pandas_object(frame, index=False).sum()
        digest.update(f"{name} {len(frame)} {rows}\n".encode())
    return digest.digest()


def _by_name(data: Dataset, customers: Names) -> dict[str, str]:
    """What customers are called, in any table, with the pseudonym of the one so called."""
    found: dict[str, str] = {}
    for rows in data.base.values():
        if {"customer_id", "customer_name"} <= set(rows.columns):
            pairs = frame_of(data.con, rows.select("customer_name", "customer_id").distinct())
            for name, key in pairs.dropna(subset="customer_name").itertuples(index=False):
                found.setdefault(name, customers.get(key, HIDDEN))
    return found


def _values(data: Dataset, table: str, column: str) -> list[str]:
    frame = frame_of(data.con, data.base[table].select(column).distinct())
    return sorted(frame[column].dropna())


def _shown(data: Dataset, name: str) -> list[str]:
    """Columns that are the kit's own, or named in the settings."""
    spec = data.config.table(name)
    named = {c for where in data.config.segments.values() for c in columns_of(where)}
    known = {*TABLES[name].names, *spec.derived, *spec.values, *named}
    return [column for column in data.base[name].columns if column in known]


def _changes(
    data: Dataset, name: str, rows: ir.Table, of: Mapping[str, Names], told: Callable[[str], str]
) -> dict[str, dict[str, str]]:
    """Column → {value: what is told instead}; of other columns only what is told otherwise."""
    changes = {}
    for column in rows.columns:
        spec = TABLES[name].column(column)
        closed = column in (*PRIVATE, *WORDS) or (spec is not None and spec.values)
        row_id = column.endswith("_id") and column not in of
        if closed or row_id or not rows[column].type().is_string():
            continue
        values = _values(data, name, column)
        scopes = of["owner"] if column == "scope_value" else {}
        new = of.get(column) or {v: scopes.get(v) or told(v) for v in values}
        changes[column] = {v: new[v] for v in values if column in of or new[v] != v}
    return {column: new for column, new in changes.items() if new}


def _replaced(
    data: Dataset, rows: ir.Table, name: str, column: str, new: Mapping[str, str]
) -> ir.Table:
    """The rows with the values of a column replaced; of a column of names nothing else is left."""
    frame = pd.DataFrame({"kpi_old": list(new), "kpi_new": list(new.values())}, dtype="string")
    right = stored(data.con, f"kpi_names_{name}_{column}", frame)
    joined = rows.left_join(right, rows[column] == right["kpi_old"])
    own = [] if column in (*PEOPLE, *CUSTOMERS) else [rows[column]]
    told = ibis.coalesce(right["kpi_new"], *own)
    others = {each: rows[each] for each in rows.columns}
    return joined.select(**{**others, column: told})


def _config(config: Config, of: Mapping[str, Names], told: Callable[[str], str]) -> Config:
    translated = {n: _translated(where, of, told) for n, where in config.segments.items()}
    segments = {n: where for n, where in translated.items() if where and told(n) == n}
    targets = [
        {
            key: of["owner"].get(v) or told(v) if key == "scope_value" else v
            for key, v in each.items()
        }
        for each in config.targets
    ]
    return dataclasses.replace(
        config,
        targets=tuple(targets),
        segments=segments,
        tables={n: TableConfig(deduplicate=each.deduplicate) for n, each in config.tables.items()},
        owner=told(config.owner),
        owners={kpi: told(name) for kpi, name in config.owners.items()},
        audience=told(config.audience),
        participants=tuple(map(told, config.participants)),
        scenarios=tuple({**each, "name": told(each["name"])} for each in config.scenarios),
        workshop={},
    )


def _translated(where: str, of: Mapping[str, Names], told: Callable[[str], str]) -> str:
    """A filter on what is told instead of names; nothing where it reads a name but as a whole.

    Examples
    --------
    >>> of = dict.fromkeys((*PEOPLE, *CUSTOMERS), {"Ana": "Rep 3"})
    >>> _translated("owner in ['Ana', 'Bo'] or amount > 3", of, str)
    "owner in ['Rep 3', '***'] or amount > 3"
    >>> _translated("starts_with(owner, 'A')", of, str)
    ''
    """
    tree = ast.parse(where.strip(), mode="eval").body
    named = {id(node) for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in of}
    new: dict[int, str] = {}
    for test in ast.walk(tree):
        if isinstance(test, ast.Compare) and all(isinstance(op, WHOLE) for op in test.ops):
            for side in (test.left, *test.comparators):
                if id(side) in named and isinstance(side, ast.Name):
                    named.remove(id(side))
                    new |= {id(c): of[side.id].get(str(c.value), HIDDEN) for c in _texts(test)}
    for constant in _texts(tree):
        constant.value = new.get(id(constant)) or told(str(constant.value))
    private = any(column in PRIVATE for column in columns_of(where))
    return "" if named or private else ast.unparse(tree)


def _texts(tree: ast.AST) -> list[ast.Constant]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def _is_telling(name: str) -> bool:
    """Whether a name is one, and not a number that may mean anything elsewhere."""
    return len(name) >= SHORTEST and any(letter.isalpha() for letter in name)


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFC", name).casefold()
    return re.sub(r"^\W+|\W+$", "", plain)


def _without(said: str, names: Names) -> str:
    """A text with the names in it replaced, and addresses, their digests and telephones hidden.

    Examples
    --------
    >>> _without("Salon, ANA DIAZ: ana@x.fr", {"ana diaz": "Rep 3"})
    'Salon, Rep 3: ***'
    """
    pieces = re.findall(r"\w+|\W+", CONTACT.sub(HIDDEN, said))
    written, start = [], 0
    while start < len(pieces):
        longest_first = range(min(len(pieces), start + LONGEST), start, -1)
        is_word = pieces[start][0].isalnum()
        ends = [end for end in longest_first if is_word and pieces[end - 1][0].isalnum()]
        chunks = ((end, "".join(pieces[start:end])) for end in ends)
        found = ((end, names.get(chunk) or names.get(_folded(chunk))) for end, chunk in chunks)
        end, name = next(((e, n) for e, n in found if n), (start + 1, pieces[start]))
        written.append(name)
        start = end
    return "".join(written)
