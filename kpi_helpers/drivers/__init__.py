"""Why a figure moved: its change cut into parts that add up to it exactly."""

from kpi_helpers.drivers.products import price_volume_mix

__all__ = ["price_volume_mix"]
