"""The stock: the only door to disk and databases, and the canonical tables behind it."""

from kpi_helpers.sources.checks.accounting import accounting
from kpi_helpers.sources.checks.quality import left_out, quality
from kpi_helpers.sources.checks.score import freshness, score
from kpi_helpers.sources.coverage import Coverage
from kpi_helpers.sources.dataset import Dataset
from kpi_helpers.sources.loading import load

__all__ = ["Coverage", "Dataset", "accounting", "freshness", "left_out", "load", "quality", "score"]
