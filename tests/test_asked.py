"""What a call asks for by name is refused where it is no name, or names several for one."""

from typing import Any

import pytest

from kpi_helpers import associations, benchmarking, drivers, funnel
from kpi_helpers.errors import KpiError
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
