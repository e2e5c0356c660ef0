"""One customer under one id: across tables, by id first, then by the name as one would say it.

A CRM calls a customer "Acme", the accounts "ACME SARL" and the web shop "acme s.a.r.l.". Values
that are ids of the table of customers stay as they are; the others are compared without case,
accents, punctuation and legal form, and what was joined is told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kpi_helpers.sources.engine import frame_of, number_of, stored

KEY, NAME, ENTITY = "customer_id", "customer_name", "customers"
WRITTEN = "_kpi_customer"
JOINED = ("table", "written", "customer_id", "rows", "by")
# As the last words of a name.
LEGAL_FORMS = (
    "sa sas sasu sarl eurl sci snc scop gie ltd limited llc llp plc inc incorporated corp"
    " corporation co gmbh mbh ag kg ohg ug bv nv spa srl sl slu lda oy ab as aps sro doo pty"
)
_LEGAL = rf"(?: (?:{'|'.join(LEGAL_FORMS.split())}))+$"


def normalised(names: pd.Series[Any]) -> pd.Series[Any]:
    """Names as one would say them: no case, accents, punctuation or legal form.

    Examples
    --------
    >>> normalised(pd.Series(["ACME S.A.R.L.", "Acmé", "Fer & Co", "SA", "东方"])).tolist()
    ['acme', 'acme', 'fer', 'sa', '东方']
    """
    plain = names.str.casefold().str.normalize("NFKD")
    words = plain.str.replace(r"[\u0300-\u036f.'’]", "", regex=True)
    words = words.str.replace(r"[\W_]+", " ", regex=True).str.strip()
    short = words.str.replace(_LEGAL, "", regex=True)
    return short.where(short != "", names)


def join_customers(
    con: Any, base: Mapping[str, ir.Table], filled: Mapping[str, Collection[str]]
) -> tuple[dict[str, ir.Table], pd.DataFrame]:
    """Give the customers of every table the id that they have in the others.

    Parameters
    ----------
    con
        Connection of the tables.
    base
        Canonical tables.
    filled
        For each of them the columns that the source really has.

    Returns
    -------
    dict
        The tables; those in which an id was replaced or found are new. A row without an id is
        looked up by its name, and stays without where no customer bears it.
    DataFrame
        ``table, written, customer_id, rows, by``: a row a table and customer as written that is
        not an id of the customers; of an embedded engine perhaps without those whom nobody is
        called like. ``by`` is ``name`` where ``customer_id`` took its place,
        ``ambiguous`` where several customers bear the name and it stays as written, ``alone``
        where nobody else is called alike.
    """
    named = {name: _named(rows) for name, rows in base.items() if {KEY, NAME} & {*filled[name]}}
    if len(named) < 2:
        return dict(base), pd.DataFrame(columns=[*JOINED])
    alike = _alike(con, named)
    if alike is not None and number_of(con, alike.count()) == 0:
        return dict(base), pd.DataFrame(columns=[*JOINED])
    known = _known(con, named.pop(ENTITY, None))
    frames = [_spelt(con, name, rows, alike) for name, rows in named.items()]
    spelt = pd.concat(frames, ignore_index=True)
    spelt["said"] = normalised(spelt["written"].astype("string"))
    own = spelt["written"].isin(known["id"])
    found = spelt.merge(_one_each(spelt[spelt["given"] & ~own], known), on="said", how="left")
    found["id"] = found["id"].mask(own, found["written"])
    tables = {name: _replaced(con, rows, name, found) for name, rows in named.items()}
    return {**base, **tables}, _told(found[~own])


def _named(rows: ir.Table) -> ir.Table:
    written = ibis.coalesce(rows[KEY], rows[NAME]) if NAME in rows.columns else rows[KEY]
    return rows.mutate(**{WRITTEN: written})


def _alike(con: Any, named: Mapping[str, ir.Table]) -> ir.Table | None:
    """What several customers, or one with and without its id, are called: few need be fetched.

    None where it cannot be told there: in a database, or of names in other letters than these.
    """
    if con.name != "duckdb":
        return None
    each = []
    for name, rows in named.items():
        title = rows[NAME].coalesce(rows[KEY]) if name == ENTITY else rows[WRITTEN]
        each.append(rows.select(title=title, means=rows[KEY].fill_null("")).distinct())
    names = ibis.union(*each, distinct=True)
    names = names.filter(names.title.notnull())
    if number_of(con, names.title.re_search("[^ -~]").sum()):
        return None
    said = names.group_by(said=_said(names.title)).agg(n=names.means.nunique())
    return stored(con, "kpi_alike", frame_of(con, said.filter(said.n > 1).select("said")))


def _said(name: ir.StringValue) -> ir.StringValue:
    """What `normalised` makes of a name in plain letters, by the engine."""
    words = name.lower().re_replace("[.']", "").re_replace("[^a-z0-9]+", " ").strip()
    return words.re_replace(_LEGAL, "").nullif("").coalesce(name)


def _spelt(con: Any, name: str, rows: ir.Table, alike: ir.Table | None) -> pd.DataFrame:
    """Each customer as a table writes it, with its rows, and whether any gives it as the id."""
    named = rows.filter(rows[WRITTEN].notnull()).group_by(written=WRITTEN)
    counted = named.agg(rows=ibis._.count(), given=ibis._[KEY].notnull().any())
    if alike is not None:
        counted = counted.semi_join(alike, _said(counted.written) == alike.said)
    return frame_of(con, counted).assign(table=name)


def _known(con: Any, customers: ir.Table | None) -> pd.DataFrame:
    """The customers' own ids, and what they are called: by their name, else by the id itself."""
    if customers is None:
        return pd.DataFrame({"id": [], "said": []}, dtype="string")
    own = frame_of(con, customers.select(KEY, NAME).distinct())
    said = normalised(own[NAME].fillna(own[KEY]).astype("string"))
    return pd.DataFrame({"id": own[KEY], "said": said})


def _one_each(given: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """For each name said: the id that stands for it, none where several customers bear it.

    That of the table of customers, else what is written most often.
    """
    most = given.groupby(["said", "written"])[["rows"]].sum().reset_index()
    most = most.assign(fewer=-most["rows"]).sort_values(["fewer", "written"])
    one = most.drop_duplicates("said").set_index("said")["written"]
    ids = known.groupby("said")["id"].agg(["first", "nunique"])
    said = ids.index.union(one.index)
    ambiguous = ids["nunique"].reindex(said).gt(1)
    chosen = ids["first"].reindex(said).fillna(one.reindex(said)).where(~ambiguous)
    return pd.DataFrame({"id": chosen, "ambiguous": ambiguous}).rename_axis("said").reset_index()


def _told(found: pd.DataFrame) -> pd.DataFrame:
    """What was made of the customers that are no id, without names that are nobody's."""
    found = found[found["given"] | found["id"].notna() | found["ambiguous"].eq(True)]
    differs = found["id"].notna() & (found["id"] != found["written"])
    by = np.select([found["ambiguous"].eq(True), differs], ["ambiguous", "name"], "alone")
    told = found.assign(by=by, **{KEY: found["id"].fillna(found["written"])})
    return told[[*JOINED]].sort_values(["by", "table", "written"], ignore_index=True)


def _replaced(con: Any, rows: ir.Table, name: str, found: pd.DataFrame) -> ir.Table:
    """The table with the ids found, as it was where there are none."""
    ours = found[found["table"].eq(name) & found["id"].notna()]
    columns = [column for column in rows.columns if column != WRITTEN]
    if ours["given"].all() and (ours["id"] == ours["written"]).all():
        return rows.select(*columns)
    if con.name != "duckdb":  # a database is only read: the names stand in the query itself
        changed = ours[(ours["id"] != ours["written"]) | ~ours["given"]]
        cases = [
            (rows[WRITTEN] == old, new)
            for old, new in zip(changed["written"], changed["id"], strict=True)
        ]
        customer = ibis.cases(*cases, else_=rows[KEY])
        return rows.select(*(customer.name(KEY) if c == KEY else rows[c] for c in columns))
    pairs = pd.DataFrame({"written": ours["written"], "customer": ours["id"]}, dtype="string")
    right = stored(con, f"kpi_customers_of_{name}", pairs)
    joined = rows.left_join(right, rows[WRITTEN] == right["written"])
    customer = right["customer"].fill_null(rows[KEY])
    return joined.select(*(customer.name(KEY) if c == KEY else rows[c] for c in columns))
