"""E-mail addresses, telephone numbers and free text: kept out at the door, with what they measure.

An address, number or free text becomes ``#`` and sixteen hexadecimal digits: the same for the same
person, however it is written, so that joins and copies are still found. Who has a list of addresses
cannot look the digits up without the key. This is the environment's ``KPI_KEY``, and then digits
stay the same from one load to the next; else it is made of the data themselves and changes with
them, which keeps out whoever has not got the data.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from collections.abc import Iterable
from typing import Any

import ibis
import ibis.expr.types as ir

from kpi_helpers.sources.engine import frame_of
from kpi_helpers.sources.files.headers import ASIDE, FILE
from kpi_helpers.sources.mapping import TEXT_PREFIX, Mapped
from kpi_helpers.sources.parsing import trimmed
from kpi_helpers.sources.recognition.names import fold
from kpi_helpers.sources.registers import REGISTERS
from kpi_helpers.sources.server import embedded

KEY_VARIABLE = "KPI_KEY"
HIDDEN = "#"
DIGITS = 16
_EMAIL = r"[^\s@<>,;:]+@[^\s@<>,;:]+\.[A-Za-z]{2,}"
_PHONE = (
    r"(?:^|[^0-9])(?:\+[1-9][0-9 ().-]{7,17}[0-9]|0[1-9](?:[ .-][0-9]{2}){4}"
    r"|\(?[2-9][0-9]{2}\)?[ .-][0-9]{3}[.-][0-9]{4})(?:[^0-9]|$)"
)
_PHONES = r"^[+(]?[0-9][0-9 ().+/-]{5,20}$"
_PHONE_NAME = r"(^|_)(phones?|tel|telephones?|mobile|portable|fax|gsm|cell)(_|$)"
_TEXT_NAME = (
    r"(^|_)(comments?|commentaires?|notes?|descriptions?|remarques?|remarks?|messages?|verbatims?"
    r"|feedback|body|next_step)(_|$)"
)
_SENTENCE = 3  # words on average, from which a column of that name holds text and not marks
REPEATED = 0.5  # share of different values, up to which they are labels, as those of products
SHORTEST = 10  # characters of a telephone number with its spaces


def sealed(tables: dict[str, Mapped], con: Any) -> dict[str, Mapped]:
    """The tables without an address, a telephone number or free text, with the words counted.

    A column of text is asked for values that are written like an address or a number; those named
    as telephones, comments or notes are also recognised by their name. Beside a free text stands
    its number of words, as ``<column>_words``. A live database is not asked: columns of its own
    with such names come without values.

    Parameters
    ----------
    tables
        Canonical name → mapped table; the registers, which the company writes itself, stay.
    con
        Connection of the tables.
    """
    live = con.name != "duckdb"
    asked = {name: each for name, each in tables.items() if name not in REGISTERS}
    found = {name: _by_name(each) if live else _found(con, each) for name, each in asked.items()}
    hidden = {name: columns for name, columns in found.items() if columns}
    if not hidden:
        return tables
    key = "" if live else os.environ.get(KEY_VARIABLE) or _made_of(con, tables, hidden)
    return tables | {name: _sealed(tables[name], kinds, key) for name, kinds in hidden.items()}


def _texts(mapped: Mapped) -> list[str]:
    kinds = mapped.expr.schema()
    return [n for n in mapped.expr.columns if kinds[n].is_string() and n not in (ASIDE, FILE)]


def _by_name(mapped: Mapped) -> dict[str, str]:
    """Column → ``phone``, ``text`` or ``email``, by their names."""
    wanted = {"phone": _PHONE_NAME, "text": _TEXT_NAME, "email": r"(^|_)(e_?mail|courriel)(_|$)"}
    open_to_all = {*mapped.dimensions, "email", "phone", "note", "comment"}
    return {
        name: kind
        for name in _texts(mapped)
        for kind, pattern in wanted.items()
        if name in open_to_all and re.search(pattern, fold(name))
    }


def _found(con: Any, mapped: Mapped) -> dict[str, str]:
    """Column → what it holds, by its name and values: ``email`` for any column that holds some."""
    named = _by_name(mapped)
    asked = {f"c{place}": name for place, name in enumerate(_texts(mapped))}
    tests: dict[str, ir.Value] = {}
    for place, name in asked.items():
        value = mapped.expr[name]
        tests[place] = _is_personal(value, "phone" if named.get(name) == "phone" else "").sum()
        if named.get(name) == "text":
            tests[f"w{place}"] = words(value).mean()
            tests[f"u{place}"] = value.nunique() / value.count().nullif(0)
    if not tests:
        return {}
    row = frame_of(con, mapped.expr.aggregate(**tests)).fillna(0).iloc[0]
    kinds = {}
    for place, name in asked.items():
        text = named.get(name) == "text"
        if text and row[f"w{place}"] >= _SENTENCE and row[f"u{place}"] > REPEATED:
            kinds[name] = "text"
        elif row[place]:
            kinds[name] = "phone" if named.get(name) == "phone" else "email"
    return kinds


def _is_personal(value: ir.StringValue, kind: str) -> ir.BooleanValue:
    """Values that hold an address or a telephone number; by its name a column says more."""
    if kind == "text":
        return value.notnull()
    if kind == "phone":
        return value.re_search(_PHONES) | value.re_search(_PHONE) | value.re_search(_EMAIL)
    # Cases in this order look at few values closely.
    return ibis.cases(
        (value.contains("@"), value.re_search(_EMAIL) | value.re_search(_PHONE)),
        (value.length() >= SHORTEST, value.re_search(_PHONE)),
        else_=False,
    )


def words(text: ir.StringValue) -> ir.IntegerValue:
    """How many words a text has, missing where there is none."""
    plain = trimmed(text.re_replace(r"\s+", " ")).nullif("")
    return plain.length() - plain.replace(" ", "").length() + 1


def same_phone(value: ir.StringValue) -> ir.StringValue:
    """A telephone number as its last nine digits: without prefix of the country or of the network.

    What is hidden already stays as it is.
    """
    digits = value.re_replace("[^0-9]", "").right(9)
    return ibis.ifelse(value.startswith(HIDDEN), value, digits.nullif(""))


def _made_of(con: Any, tables: dict[str, Mapped], hidden: Iterable[str]) -> str:
    """A key that only the data tell."""
    said = []
    for name in hidden:
        rows = con.compile(tables[name].expr.select(_texts(tables[name])))
        total = f"SELECT sum(hash(t)::HUGEINT)::VARCHAR FROM ({rows}) AS t"
        said.append(str(embedded(con, con.con.sql(total).fetchone)))
    return hashlib.sha256(" ".join(said).encode()).hexdigest()


def _sealed(mapped: Mapped, kinds: dict[str, str], key: str) -> Mapped:
    """A mapped table with these columns hidden, and the words of its texts counted."""
    expr = mapped.expr
    hidden = {name: _hidden(expr[name], kind, key) for name, kind in kinds.items()}
    counted = {
        f"{name}_words": words(expr[name]).cast("float64")
        for name, kind in kinds.items()
        if kind == "text" and not name.startswith(TEXT_PREFIX)
    }
    new = {name: value for name, value in counted.items() if name not in expr.columns}
    own = {name: name for name in new if mapped.table.column(name)}
    return dataclasses.replace(
        mapped,
        expr=expr.mutate(**hidden, **new),
        columns={**mapped.columns, **own},
        dimensions=(*mapped.dimensions, *(name for name in new if name not in own)),
    )


def _hidden(value: ir.StringValue, kind: str, key: str) -> ir.StringValue:
    if not key:
        return ibis.null("string")
    plain = trimmed(value.lower())
    if kind != "text":
        numbers = ~plain.contains("@")
        plain = ibis.ifelse(numbers, same_phone(plain), plain)
    inner = (ibis.literal(f"{key}:") + plain).hexdigest("sha256")
    outer = (ibis.literal(f"{key}:") + inner).hexdigest("sha256")
    return ibis.ifelse(_is_personal(value, kind), HIDDEN + outer.left(DIGITS), value)
