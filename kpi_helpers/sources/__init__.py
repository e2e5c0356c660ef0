"""The stock: the only door to disk and databases, and the canonical tables behind it."""

from kpi_helpers.sources.accounting import accounting
from kpi_helpers.sources.coverage import Coverage
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.loading import load
from kpi_helpers.sources.quality import left_out, quality
from kpi_helpers.sources.score import freshness, score

__all__ = ["Coverage", "Dataset", "accounting", "freshness", "left_out", "load", "quality", "score"]
