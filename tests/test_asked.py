"""What a call asks for by name is refused where it is no name, or names several for one."""

from typing import Any

import pytest

from kpi_helpers import associations, benchmarking, drivers, funnel, measure
from kpi_helpers.errors import BadInput, KpiError
from kpi_helpers.sources import Dataset

LISTS: list[Any] = [["owner"], {"owner": 1}]
ASKED: dict[str, Any] = {
    "crossed": lambda data, by: associations.crossed(data, "2026Q3", by),
    "peers of a KPI": lambda data, kpi: benchmarking.peers(data, kpi),
    "peers in a group": lambda data, group: benchmarking.peers(
        data, "win_rate_count", "2026Q3", "owner", group
    ),
    "rate_bridge": lambda data, by: drivers.rate_bridge(data, "2026Q3", by=by),
    "funnel.trend": lambda data, by: funnel.trend(data, "2026Q3", by=by),
    "funnel.by_group": lambda data, by: funnel.by_group(data, "2026Q3", by=by),
}


@pytest.mark.parametrize("given", LISTS, ids=str)
@pytest.mark.parametrize("name", ASKED)
def test_a_list_is_not_one_name(sample: Dataset, name: str, given: Any) -> None:
    with pytest.raises(KpiError, match="owner"):
        ASKED[name](sample, given)


@pytest.mark.parametrize("given", [None, 5, [1]])
@pytest.mark.parametrize("word", ["drivers", "outcomes"])
def test_links_are_sought_between_names(sample: Dataset, word: str, given: Any) -> None:
    asked: dict[str, Any] = {"drivers": ["site_visits"], "outcomes": ["revenue"], word: given}
    with pytest.raises(KpiError, match=f"column {word}"):
        associations.lagged(sample, **asked, period="2026Q3")


DAYS = ("{} <= closed_at", "closed_at > {}", "closed_at == {}", "closed_at in ['2026-02-10', {}]")


@pytest.mark.parametrize("day", ["10/02/2026", "2026-13-01", "20260210", "2026-W05", "hello"])
def test_a_day_is_written_year_first(sample: Dataset, day: str) -> None:
    """Ibis takes some of these for days, and engines fail on them."""
    for text in DAYS:
        with pytest.raises(BadInput) as refused:
            measure(sample, "bookings", "2026Q1", where=text.format(repr(day)))
        assert str(refused.value) == f"Input: '{day}' is not a day such as 2026-09-30."
        measure(sample, "bookings", "2026Q1", where=text.format("'2026-02-10'"))
    with pytest.raises(BadInput, match=f"closed_at: '{day}' is not a day such as 2026-09-30"):
        measure(sample, "bookings", "2026Q1", where={"closed_at": day})


def test_a_number_is_one_that_engines_hold(sample: Dataset) -> None:
    for number in (1 << 63, 10**400):
        with pytest.raises(BadInput, match="column amount"):
            measure(sample, "bookings", "2026Q1", where={"amount": number})
