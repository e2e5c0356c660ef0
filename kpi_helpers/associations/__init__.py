"""What goes together: KPIs by segment side by side, and volumes with what they should bring."""

from kpi_helpers.associations.lagged import OUTCOMES, lagged, volumes
from kpi_helpers.associations.segments import crossed

__all__ = ["OUTCOMES", "crossed", "lagged", "volumes"]
