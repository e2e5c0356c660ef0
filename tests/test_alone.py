"""A group is measured as if there were no other: what is ranked, drawn or added stays within it."""

import numpy as np
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.sources import Dataset

# One for each way in which the rows of a group see each other.
KPIS = {
    "weighted_pipeline": "team",
    "rfm_segment_share": "segment",
    "revenue_concentration": "segment",
    "sales_cycle_duration": "team",
    "repurchase_rate": "segment",
}


@pytest.mark.parametrize(("kpi", "by"), KPIS.items())
def test_a_group_is_measured_as_if_it_were_alone(sample: Dataset, kpi: str, by: str) -> None:
    numbers = ["value", "numerator", "denominator", "n", "low", "high"]
    found = kh.measure(sample, kpi, "2026Q2", by=by)
    found = found[found[by].notna()].set_index(by)
    assert len(found) > 1
    for group, row in found[numbers].head(2).iterrows():
        alone = kh.measure(sample, kpi, "2026Q2", where={by: group})[numbers].iloc[0]
        pd.testing.assert_series_equal(row.astype(float), alone.astype(float), check_names=False)
    assert np.isfinite(found["value"]).any()
