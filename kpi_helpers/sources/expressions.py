"""A small, safe expression language for derived columns and filters, compiled to Ibis.

What may be written: column names, numbers, quoted text, ``+ - * /``, comparisons, ``in``,
``and or not``, and the functions below. It is parsed as Python syntax but never run as Python.

====================================  ==========================================================
``coalesce(a, b, …)``                 the first that is not missing
``if_else(test, a, b)``               ``a`` where the test holds, else ``b``
``when(test, a)``                     ``a`` where the test holds, else missing
``yes(a)``                            whether ``a`` says yes: true, oui, 1, x…; missing where
                                      it says neither yes nor no
``missing(a)``                        true where ``a`` is missing
``lower(a)``, ``trim(a)``             text
``starts_with(a, "x")``               text
``year(a)``, ``month(a)``             of a date
``day(a, n)``                         the date ``n`` days later (negative: earlier)
``months(a, n)``                      the date ``n`` months later
``date("2026-09-30")``                that day
``next(a, by=b)``                     the ``a`` that follows it among the rows of the same ``b``
====================================  ==========================================================
"""

from __future__ import annotations

import ast
import datetime as dt
import math
import operator
from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.common.annotations import ValidationError
from ibis.common.exceptions import IbisError

from kpi_helpers.errors import BadInput, unknown
from kpi_helpers.language import Phrase
from kpi_helpers.sources import parsing

DEEPEST, LONGEST = 100, 500
FARTHEST = 100_000

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    # What is divided by nothing is missing, never infinite.
    ast.Div: lambda left, right: left / right.nullif(0),
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


def _shift(value: ir.Value, count: int, unit: str) -> ir.Value:
    # Of a date Ibis expects a date, but engines give a moment.
    return (value.cast("timestamp") + ibis.interval(count, unit=unit)).cast("date")


# Each function with the kinds of its arguments; "more" stands for any number of them.
_FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "coalesce": (ibis.coalesce, ("any", "any", "more")),
    "if_else": (ibis.ifelse, ("test", "any", "any")),
    "when": (
        lambda test, value: ibis.ifelse(test, value, ibis.null(value.type())),
        ("test", "any"),
    ),
    "yes": (lambda value: parsing.as_flag(parsing.trimmed(value.cast("string"))), ("any",)),
    "missing": (lambda value: value.isnull(), ("any",)),
    "lower": (lambda value: value.lower(), ("text",)),
    "trim": (parsing.trimmed, ("text",)),
    "starts_with": (lambda value, start: value.startswith(start), ("text", "text")),
    "year": (lambda value: value.year(), ("date",)),
    "month": (lambda value: value.month(), ("date",)),
    "day": (lambda value, count: _shift(value, count, "D"), ("date", "count")),
    "months": (lambda value, count: _shift(value, count, "M"), ("date", "count")),
    "date": (lambda text: ibis.date(dt.date.fromisoformat(text)), ("constant",)),
    "next": (_next, ("column", "column")),
}
_KINDS: dict[str, Callable[[Any], bool]] = {
    "any": lambda value: isinstance(value, ir.Value),
    "column": lambda value: isinstance(value, ir.Column),
    "test": lambda value: isinstance(value, ir.BooleanValue),
    "text": lambda value: isinstance(value, ir.StringValue),
    "date": lambda value: isinstance(value, ir.DateValue | ir.TimestampValue),
    "constant": lambda value: isinstance(value, str),
    "count": lambda value: type(value) is int and abs(value) <= FARTHEST,
}
_RESULTS = (ir.BooleanValue, ir.NumericValue, ir.StringValue, ir.DateValue, ir.TimestampValue)

# What Python's parser and Ibis raise for a text that is wrong.
_FAULTS = (
    *(ArithmeticError, AttributeError, IbisError, MemoryError, RecursionError, SyntaxError),
    *(TypeError, ValidationError, ValueError),
)


def compile_expression(text: str, table: ir.Table, place: str | None = None) -> ir.Value:
    """Compile ``text`` on the columns of ``table``.

    Parameters
    ----------
    text
        An expression of the small language above.
    table
        Ibis table whose columns may be named.
    place
        Where the expression stands, such as ``tables.deals.derived.amount``, for the error.

    Returns
    -------
    ibis.expr.types.Value
        The value for each row.

    Raises
    ------
    BadInput
        When the text is not an expression of this language, or its types do not go together.
    UnknownName
        When it names a column or function that does not exist.

    Examples
    --------
    >>> lines = ibis.table({"quantity": "float64", "price": "float64"}, name="lines")
    >>> compile_expression("quantity * price", lines).type()
    Float64(nullable=True)
    """
    try:
        value = _Compiler(table, place).visit(_tree(text))
    except _FAULTS as error:
        raise unreadable(text, place) from error
    if not isinstance(value, _RESULTS):
        raise unreadable(text, place)
    return value


def names_in(text: str) -> tuple[str, ...]:
    """Names of the columns that an expression reads, in their order.

    Examples
    --------
    >>> names_in("amount >= 100 and team == 'A'")
    ('amount', 'team')
    """
    try:
        tree = _tree(text)
    except _FAULTS as error:
        raise unreadable(text) from error
    functions = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n not in functions]
    return tuple(dict.fromkeys(names))


def unreadable(text: str, place: str | None = None) -> BadInput:
    """The error for a text that is no expression of this language."""
    functions = ", ".join(_FUNCTIONS)
    return BadInput("bad_expression", column=place, value=text, functions=functions)


def _tree(text: str) -> ast.expr:
    """The syntax of an expression; one so deep or long that no person wrote it is refused."""
    tree = ast.parse(text.strip(), mode="eval").body
    if any(len(node.values) > LONGEST for node in ast.walk(tree) if isinstance(node, ast.BoolOp)):
        raise ValueError(text)
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise ValueError(text)
    return tree


class _Compiler(ast.NodeVisitor):
    """Walks the syntax tree; every node that is not listed is refused."""

    def __init__(self, table: ir.Table, place: str | None) -> None:
        self.table, self.place = table, place

    def generic_visit(self, node: ast.AST) -> Any:
        raise ValueError(ast.dump(node))

    def visit_Constant(self, node: ast.Constant) -> Any:
        return ibis.literal(_constant(node))

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id not in self.table.columns:
            raise unknown("column", node.id, self.table.columns)
        return self.table[node.id]

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        left, right = self.visit(node.left), self.visit(node.right)
        texts = isinstance(left, ir.StringValue) and isinstance(right, ir.StringValue)
        if isinstance(node.op, ast.Add) and texts:
            return left + right
        if type(node.op) not in _BINARY:
            return self.generic_visit(node)
        return _BINARY[type(node.op)](_number(left), _number(right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not) and isinstance(operand, ir.BooleanValue):
            return ~operand
        if isinstance(node.op, ast.USub):
            return -_number(operand)
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        result = _joined(_BINARY[type(node.op)], [self.visit(value) for value in node.values])
        return result if isinstance(result, ir.BooleanValue) else self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        if len(node.ops) != 1:
            return self.generic_visit(node)
        left, right, kind = self.visit(node.left), node.comparators[0], type(node.ops[0])
        self._check_days(left, [*right.elts] if isinstance(right, ast.List) else [right])
        if kind in (ast.In, ast.NotIn):
            test = left.isin(_constants(left, right))
            return ~test if kind is ast.NotIn else test
        if kind not in _BINARY:
            return self.generic_visit(node)
        compared = self.visit(right)
        self._check_days(compared, [node.left])
        return _BINARY[kind](left, compared)

    def _check_days(self, value: Any, nodes: list[ast.expr]) -> None:
        """Ibis takes a day in any order for one; of an engine only this one is sure."""
        dated = isinstance(value, ir.DateValue | ir.TimestampValue)
        for text in [_constant(n) for n in nodes if dated and isinstance(n, ast.Constant)]:
            if isinstance(text, str) and not parsing.is_day(text):
                expected = Phrase("expected.iso_day")
                raise BadInput(column=self.place, value=text, expected=expected)

    def visit_Call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Name):
            return self.generic_visit(node)
        name = node.func.id
        if name not in _FUNCTIONS:
            raise unknown("function", name, list(_FUNCTIONS))
        call, kinds = _FUNCTIONS[name]
        words = [word.value for word in node.keywords if name == "next" and word.arg == "by"]
        given = [*node.args, *words]
        if kinds[-1] == "more":
            kinds = (*kinds[:-1], *["any"] * (len(given) - len(kinds) + 1))
        if len(given) != len(kinds) or len(words) != len(node.keywords):
            return self.generic_visit(node)
        return call(*(self._argument(*pair) for pair in zip(given, kinds, strict=True)))

    def _argument(self, node: ast.expr, kind: str) -> Any:
        value = _constant(node) if kind in ("constant", "count") else self.visit(node)
        inner = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
        nested = any(isinstance(name, ast.Name) and name.id == "next" for name in inner)
        if not _KINDS[kind](value) or (kind == "column" and nested):
            return self.generic_visit(node)
        return value


def _joined(join: Callable[[Any, Any], Any], values: list[Any]) -> Any:
    """All values by halves: one after the other would be nested as deep as they are many."""
    if len(values) == 1:
        return values[0]
    half = len(values) // 2
    return join(_joined(join, values[:half]), _joined(join, values[half:]))


def _number(value: ir.Value) -> ir.NumericValue:
    """A number with room for the result: engines compute small types in small types."""
    if not isinstance(value, ir.NumericValue) or isinstance(value, ir.BooleanValue):
        raise TypeError(str(value.type()))
    return value.cast("int64") if value.type().is_integer() else value.cast("float64")


def _constant(node: ast.expr) -> bool | int | float | str:
    """The number or text that stands in the expression; nothing that an engine cannot hold."""
    value = ast.literal_eval(node)
    finite = isinstance(value, int | float) and math.isfinite(value)
    if not finite and not (isinstance(value, str) and "\x00" not in value):
        raise ValueError(value)
    constant: bool | int | float | str = value
    return constant


def _constants(left: ir.Value, node: ast.expr) -> list[bool | int | float | str]:
    """The items of a list, each of a type that can be compared with what stands before ``in``."""
    if not isinstance(node, ast.List):
        raise TypeError(ast.dump(node))
    items = [_constant(item) for item in node.elts]
    return [item for item in items if isinstance(left == ibis.literal(item), ir.Value)]
