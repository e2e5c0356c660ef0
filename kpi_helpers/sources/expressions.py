"""A small, safe expression language for derived columns and filters, compiled to Ibis.

What may be written: column names, numbers, quoted text, ``+ - * /``, comparisons, ``in``,
``and or not``, and the functions below. It is parsed as Python syntax but never run as Python.

====================================  ==========================================================
``coalesce(a, b, …)``                 the first that is not missing
``if_else(test, a, b)``               ``a`` where the test holds, else ``b``
``missing(a)``                        true where ``a`` is missing
``lower(a)``, ``trim(a)``             text
``starts_with(a, "x")``               text
``year(a)``, ``month(a)``             of a date
``day(a, n)``                         the date ``n`` days later (negative: earlier)
``months(a, n)``                      the date ``n`` months later
``next(a, by=b)``                     the next larger ``a`` of the rows with the same ``b``
====================================  ==========================================================
"""

from __future__ import annotations

import ast
import datetime as dt
import operator
from collections.abc import Callable, Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.common.annotations import SignatureValidationError
from ibis.common.exceptions import IbisError

from kpi_helpers.errors import BadInput, unknown
from kpi_helpers.language import Phrase

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.And: operator.and_,
    ast.Or: operator.or_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _next(value: ir.Column, by: ir.Column) -> ir.Column:
    return value.lead().over(ibis.window(group_by=by, order_by=value))


def _shift(value: ir.Column, count: int, unit: str) -> ir.Column:
    return (value + ibis.interval(count, unit=unit)).cast("date")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "coalesce": ibis.coalesce,
    "if_else": ibis.ifelse,
    "missing": lambda value: value.isnull(),
    "lower": lambda value: value.lower(),
    "trim": lambda value: value.strip(),
    "starts_with": lambda value, start: value.startswith(start),
    "year": lambda value: value.year(),
    "month": lambda value: value.month(),
    "day": lambda value, count: _shift(value, count, "D"),
    "months": lambda value, count: _shift(value, count, "M"),
    "next": _next,
}


def compile_expression(text: str, table: ir.Table) -> Any:
    """Compile ``text`` on the columns of ``table``.

    Parameters
    ----------
    text
        An expression of the small language above.
    table
        Ibis table whose columns may be named.

    Returns
    -------
    ibis.expr.types.Column
        The value for each row.

    Raises
    ------
    BadInput
        When the text is not an expression of this language.
    UnknownName
        When it names a column or function that does not exist.

    Examples
    --------
    >>> lines = ibis.table({"quantity": "float64", "price": "float64"}, name="lines")
    >>> compile_expression("quantity * price", lines).type()
    Float64(nullable=True)
    """
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise _unreadable(text) from error
    try:
        return _Compiler(text, table).visit(tree)
    except (IbisError, SignatureValidationError, TypeError, AttributeError) as error:
        raise _unreadable(text) from error


def _unreadable(text: str) -> BadInput:
    return BadInput(value=text, expected='amount >= 15000 and team == "A"')


class _Compiler(ast.NodeVisitor):
    """Walks the syntax tree; every node that is not listed is refused."""

    def __init__(self, text: str, table: ir.Table) -> None:
        self.text = text
        self.table = table

    def generic_visit(self, node: ast.AST) -> Any:
        raise _unreadable(self.text)

    def visit_Constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool | int | float | str):
            return node.value
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id not in self.table.columns:
            raise unknown("column", node.id, self.table.columns)
        return self.table[node.id]

    def visit_List(self, node: ast.List) -> Any:  # the visitor's own naming
        return [self.visit(item) for item in node.elts]

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        if type(node.op) not in _BINARY:
            return self.generic_visit(node)
        return _BINARY[type(node.op)](self.visit(node.left), self.visit(node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            return ~self.visit(node.operand)
        if isinstance(node.op, ast.USub):
            return -self.visit(node.operand)
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        values = [self.visit(value) for value in node.values]
        result = values[0]
        for value in values[1:]:
            result = _BINARY[type(node.op)](result, value)
        return result

    def visit_Compare(self, node: ast.Compare) -> Any:
        if len(node.ops) != 1:
            return self.generic_visit(node)
        left, right = self.visit(node.left), self.visit(node.comparators[0])
        kind = type(node.ops[0])
        if kind is ast.In:
            return left.isin(right)
        if kind is ast.NotIn:
            return left.notin(right)
        if kind not in _BINARY:
            return self.generic_visit(node)
        return _BINARY[kind](left, right)

    def visit_Call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS:
            raise unknown("function", name or ast.unparse(node.func), list(_FUNCTIONS))
        arguments = [self.visit(argument) for argument in node.args]
        named = {str(word.arg): self.visit(word.value) for word in node.keywords}
        return _FUNCTIONS[name](*arguments, **named)


def condition(where: str | Mapping[str, Any] | None, table: ir.Table) -> ir.BooleanValue | None:
    """Turn a filter into a boolean column, or None for no filter.

    Parameters
    ----------
    where
        ``None``, an expression as text, or a mapping of a column to a value or a list of values
        (``None`` selects what is missing).
    table
        Ibis table with these columns.

    Examples
    --------
    >>> deals = ibis.table({"team": "string"}, name="deals")
    >>> condition({"team": ["A", "B"]}, deals).type()
    Boolean(nullable=True)
    """
    if where is None or where == {}:
        return None
    if isinstance(where, str):
        result = compile_expression(where, table)
        if not isinstance(result, ir.BooleanValue):
            raise _unreadable(where)
        return result
    tests = [_equals(table, name, wanted) for name, wanted in where.items()]
    result = tests[0]
    for test in tests[1:]:
        result = result & test
    return result


def _equals(table: ir.Table, name: str, wanted: Any) -> ir.BooleanValue:
    if name not in table.columns:
        raise unknown("column", name, table.columns)
    column = table[name]
    values = list(wanted) if isinstance(wanted, list | tuple | set) else [wanted]
    for value in values:
        _check_value(column, name, value)
    test = column.isin([value for value in values if value is not None])
    return test | column.isnull() if None in values else test


def _check_value(column: ir.Column, name: str, value: Any) -> None:
    if not isinstance(value, str):
        return
    if column.type().is_numeric():
        raise BadInput(column=name, value=value, expected=Phrase("expected.number"))
    if column.type().is_temporal():
        try:
            dt.date.fromisoformat(value)
        except ValueError as error:
            raise BadInput(column=name, value=value, expected=Phrase("expected.date")) from error


def columns_of(where: str | Mapping[str, Any] | None) -> tuple[str, ...]:
    """Names of the columns that a filter reads.

    Examples
    --------
    >>> columns_of("amount >= 100 and team == 'A'")
    ('amount', 'team')
    """
    if not where:
        return ()
    if not isinstance(where, str):
        return tuple(where)
    try:
        tree = ast.parse(where, mode="eval")
    except SyntaxError as error:
        raise _unreadable(where) from error
    functions = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n not in functions]
    return tuple(dict.fromkeys(names))
