"""In how many sample companies each truth is seen: ``python benchmarks/truths.py [--seeds N]``.

A truth is seen when the naive tests of ``tests/test_sample_truths.py`` hold, which ask for its size
as well as for its significance; what must stay silent is seen when it does. The shipped seed is
the first with which all of them hold.
"""

import argparse
import importlib.util
import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from kpi_helpers.samples import SEED, company

TESTS = Path(__file__).parents[1] / "tests" / "test_sample_truths.py"


def naive_tests() -> ModuleType:
    spec = importlib.util.spec_from_file_location(TESTS.stem, TESTS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def truths(module: ModuleType) -> Iterator[tuple[str, Callable[..., None]]]:
    for name, test in list(vars(module).items()):
        if name.startswith("test_") and inspect.signature(test).parameters:
            yield name.removeprefix("test_").replace("_", " "), test


def holds(test: Callable[..., None], given: dict[str, Any]) -> bool:
    try:
        test(**{name: given[name] for name in inspect.signature(test).parameters})
    except AssertionError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    number = parser.parse_args().seeds
    module, seen = naive_tests(), Counter()
    for seed in range(SEED, SEED + number):
        sample = company(seed)
        given = {"sample": sample, "decided": module.decided_in(sample)}
        seen.update(name for name, test in truths(module) if holds(test, given))
    for name, _ in truths(module):
        print(f"{name:<62}{seen[name]:>4} of {number}")


if __name__ == "__main__":
    main()
