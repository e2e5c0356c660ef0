"""The words that a filter compares columns with, so that one that nobody has can be refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any


def words_of(where: str | Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """Each column that a filter compares with a value or a list of them, and the value.

    Parameters
    ----------
    where
        A filter that can be read, as `expressions.condition` takes it.

    Examples
    --------
    >>> words_of("team == 'A' and owner in ['Ann', 'Bo'] and amount >= 100")
    [('team', 'A'), ('owner', ['Ann', 'Bo'])]
    """
    if isinstance(where, Mapping):
        return list(where.items())
    return [] if where is None else list(_compared(where))


def _compared(text: str) -> Iterator[tuple[str, Any]]:
    for node in ast.walk(ast.parse(text.strip(), mode="eval")):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name):
            equal = isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn)
            if equal and isinstance(node.comparators[0], ast.Constant | ast.List):
                yield node.left.id, ast.literal_eval(node.comparators[0])
