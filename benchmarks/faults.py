"""Small faults that may be put into a file, one by one: what `mutants.py` tries the tests with."""

import ast
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

HOME = Path(__file__).parents[1]
SWAPPED: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Mod: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.And: ast.Or, ast.Or: ast.And, ast.Break: ast.Continue, ast.Continue: ast.Break,
}  # fmt: skip
TURNED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
PAIRS = "min max|any all|first last|head tail|floor ceil|ffill bfill|minimum maximum"
NAMES = {a: b for pair in PAIRS.split("|") for a, b in (pair.split(), pair.split()[::-1])}


class Mutant(NamedTuple):
    """A fault: the `way`-th change of the `node`-th node of a file; its lines and how it reads."""

    path: str
    node: int
    way: int
    lines: range
    reads: str


def mutants(path: str) -> list[Mutant]:
    """List the mutants of a file."""
    found = []
    for number, (_, _, _, node) in enumerate(_nodes(_parsed(path))):
        for way, other in enumerate(_changed(node)):
            before, after = (ast.unparse(n).split("\n")[0] for n in (node, other))
            last = node.test.end_lineno if isinstance(node, ast.If) else node.end_lineno
            reads = f"{before}  →  {after}"
            found.append(Mutant(path, number, way, range(node.lineno, last + 1), reads))
    return found


def mutated(mutant: Mutant) -> ast.AST:
    """Parse the file of a mutant, with its fault."""
    tree = _parsed(mutant.path)
    parent, field, at, node = list(_nodes(tree))[mutant.node]
    other = list(_changed(node))[mutant.way]
    if at is None:
        setattr(parent, field, other)
    else:
        getattr(parent, field)[at] = other
    return tree


def _parsed(path: str) -> ast.AST:
    return ast.parse((HOME / path).read_text("utf-8"))


def _nodes(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, Any]]:
    """Every node with its place in its parent, but for type hints and what an error tells."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns") or isinstance(tree, ast.Raise):
            continue
        for at, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _only_for_types(child):
                yield tree, field, at, child
                yield from _nodes(child)


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _changed(node: Any) -> Iterator[Any]:
    """Give what may stand in the place of a node, one fault each."""
    for other in CHANGES.get(type(node), lambda _: ())(node):
        yield ast.fix_missing_locations(ast.copy_location(other, node))


def _compared(node: Any) -> Iterator[Any]:
    for table in (SWAPPED, TURNED):
        if len(node.ops) == 1 and type(node.ops[0]) in table:
            yield _with(node, ops=[table[type(node.ops[0])]()])


def _reckoned(node: Any) -> Iterator[Any]:
    if type(node.op) in SWAPPED:
        yield _with(node, op=SWAPPED[type(node.op)]())


def _unsigned(node: Any) -> Iterator[Any]:
    yield node.operand


def _numbered(node: Any) -> Iterator[Any]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield from (ast.Constant(v) for v in {value + 1: 0, value - 1: 0, 0: 0} if v != value)


def _called(node: Any) -> Iterator[Any]:
    for keyword in node.keywords:
        if keyword.arg:
            yield _with(node, keywords=[k for k in node.keywords if k is not keyword])
    field = "attr" if isinstance(node.func, ast.Attribute) else "id"
    if (name := getattr(node.func, field, None)) in NAMES:
        yield _with(node, func=_with(node.func, **{field: NAMES[name]}))


def _returned(node: Any) -> Iterator[Any]:
    if node.value and ast.unparse(node.value) != "None":
        yield ast.Return(ast.Constant(None))


def _gone(node: Any) -> Iterator[Any]:
    kept = {ast.Expr: ast.Call, ast.Assign: ast.Subscript | ast.Attribute, ast.Raise: ast.Raise}
    part = {ast.Expr: "value", ast.Assign: "targets"}.get(type(node))
    found = getattr(node, part) if part else node
    if isinstance(found[0] if isinstance(found, list) else found, kept[type(node)]):
        yield ast.Pass()


def _tested(node: Any) -> Iterator[Any]:
    if isinstance(node.test, ast.Name | ast.Call | ast.Attribute):
        yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))


def _left(node: Any) -> Iterator[Any]:
    yield SWAPPED[type(node)]()


def _with(node: Any, **fields: object) -> Any:
    twin = copy.copy(node)
    vars(twin).update(fields)
    return twin


CHANGES = {
    ast.Compare: _compared, ast.BinOp: _reckoned, ast.BoolOp: _reckoned, ast.AugAssign: _reckoned,
    ast.UnaryOp: _unsigned, ast.Constant: _numbered, ast.Call: _called, ast.Return: _returned,
    ast.Expr: _gone, ast.Assign: _gone, ast.Raise: _gone, ast.If: _tested, ast.IfExp: _tested,
    ast.Break: _left, ast.Continue: _left,
}  # fmt: skip
