"""In continuous integration (``KPI_CI``) a skipped test is a failure: nothing is left untried.

Elsewhere tests that take long, marked ``thorough``, are skipped unless ``--thorough`` is given.
Where there is an end to its time (``KPI_UNTIL``, in seconds since 1970), they come last, and those
that would begin after it are named as left out.

The real data sets cannot be shipped. Where their folder is absent, a test that names
``KPI_REAL_DATA`` in its reason may be skipped all the same.
"""

import gc
import os
import signal
import time
from collections.abc import Generator

import pytest
from hypothesis import settings

pytest_plugins = ("browser", "fuzzing", "packs")

LATE = "no time was left"


def pytest_configure(config: pytest.Config) -> None:
    """Draw the same examples in every run: a failure is one of the code, not of the draw.

    What tests start can be interrupted, also where the run itself, begun in the background of a
    script, cannot.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    many = config.getoption("thorough") or os.environ.get("KPI_CI")
    examples = 50 if many else 20
    settings.register_profile("seeded", derandomize=True, deadline=None, max_examples=examples)
    settings.load_profile("seeded")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="also run the tests that take long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what takes long, unless it is asked for, or tests are named one by one."""
    if "KPI_UNTIL" in os.environ:
        items.sort(key=_is_thorough)
    named = any("::" in word for word in config.invocation_params.args)
    if config.getoption("thorough") or named or os.environ.get("KPI_CI"):
        return
    skipped = pytest.mark.skip(reason="takes long: pytest --thorough runs it")
    for item in items:
        if _is_thorough(item):
            item.add_marker(skipped)


def _is_thorough(item: pytest.Item) -> bool:
    return item.get_closest_marker("thorough") is not None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what would begin too late: a run that is cut off tells nothing at all."""
    if _is_thorough(item) and time.time() > float(os.environ.get("KPI_UNTIL", "inf")):
        pytest.skip(f"{LATE}: {item.nodeid}")


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not among the thousands of tests that were collected."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("KPI_CI") and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr)
        real = "KPI_REAL_DATA" in reason and "KPI_REAL_DATA" not in os.environ
        if not real and LATE not in reason:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped in continuous integration: {reason}"
    return report
