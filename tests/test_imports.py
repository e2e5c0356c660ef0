"""What is not needed is not loaded: importing the package, or asking for help, stays cheap."""

import resource
import subprocess
import sys

import pytest

import kpi_helpers as kh

HEAVY = ("matplotlib", "seaborn", "statsmodels", "scipy", "ipywidgets", "papermill")


def loaded(code: str, names: tuple[str, ...]) -> set[str]:
    """Run code in a fresh interpreter and return which of the libraries it has loaded."""
    ask = f"{code}\nimport sys\nprint(*[n for n in {names!r} if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


def cpu_seconds(*command: str) -> float:
    """Return the least CPU time of three runs, which a busy machine disturbs the least."""
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def test_the_package_loads_nothing_heavy() -> None:
    assert loaded("import kpi_helpers", (*HEAVY, "pandas", "ibis", "duckdb", "numpy")) == set()


def test_loading_and_measuring_need_no_pictures_and_no_statistics() -> None:
    code = "import kpi_helpers as kh\nkh.load, kh.measure, kh.quality, kh.catalogue"
    assert loaded(code, HEAVY) == set()


def test_help_loads_neither_pandas_nor_ibis() -> None:
    code = (
        "from kpi_helpers.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    )
    assert loaded(code, (*HEAVY, "pandas", "ibis", "duckdb", "numpy", "babel")) == set()


def test_help_costs_little_more_than_python() -> None:
    help_cost = cpu_seconds(sys.executable, "-m", "kpi_helpers", "--help")
    assert help_cost - cpu_seconds(sys.executable, "-c", "pass") <= 0.3


@pytest.mark.parametrize("name", kh.__all__)
def test_the_facade_gives_functions(name: str) -> None:
    assert callable(getattr(kh, name))
    assert name in dir(kh)


@pytest.mark.parametrize("first", ["kpi_helpers.measure", "kpi_helpers.catalogue"])
def test_a_room_never_takes_the_place_of_its_function(first: str) -> None:
    code = f"import {first}, kpi_helpers as kh\nprint(callable(kh.measure), callable(kh.catalogue))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "True"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    wrong = "mesure"
    with pytest.raises(AttributeError, match="no attribute 'mesure'"):
        getattr(kh, wrong)
