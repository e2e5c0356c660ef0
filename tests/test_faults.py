"""The faults that are put into rooms: each kind once, and none into hints, texts or docstrings."""

import ast
import importlib
from pathlib import Path
from types import ModuleType

import pytest

HOME = Path(__file__).parents[1] / "benchmarks"
CODE = '''"""A text of 3 words."""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import json


def f(x: int | None, y: float = 2.0) -> int | None:
    """Another of 4."""
    for each in range(x):
        if not each:
            break
        g(each, key=True)
        y += min(x, each) if x < 1 else y / x
    if y:
        raise ValueError(f"{x} is not {y + 1}")
    return y
'''
FAULTS = {
    "2.0  →  3.0", "2.0  →  1.0", "2.0  →  0",
    "not each  →  each", "break  →  continue", "g(each, key=True)  →  pass",
    "g(each, key=True)  →  g(each)", "True  →  False",
    "y += min(x, each) if x < 1 else y / x  →  y -= min(x, each) if x < 1 else y / x",
    "min(x, each)  →  max(x, each)", "x < 1  →  x <= 1", "x < 1  →  x > 1",
    "1  →  2", "1  →  0", "y / x  →  y * x", "if y:  →  if not y:",
    "raise ValueError(f'{x} is not {y + 1}')  →  pass", "return y  →  return None",
}  # fmt: skip


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(HOME))
    return importlib.import_module("faults")


def test_each_kind_of_fault_is_made_once_and_in_its_place(
    faults: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "code.py"
    path.write_text(CODE, "utf-8")
    found = faults.mutants(str(path))
    assert {mutant.reads for mutant in found} == FAULTS
    assert len(found) == len(FAULTS)
    sound = ast.unparse(ast.parse(CODE))
    after = {ast.unparse(faults.mutated(mutant)) for mutant in found}
    assert len(after - {sound}) == len(FAULTS)
