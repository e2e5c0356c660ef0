"""Why a figure moved: its change cut into parts that add up to it exactly."""

from kpi_helpers.drivers.accounts import customer_bridge
from kpi_helpers.drivers.chains import bookings_chain, revenue_chain
from kpi_helpers.drivers.factors import lmdi, shapley
from kpi_helpers.drivers.mix import rate_mix
from kpi_helpers.drivers.products import price_volume_mix, product_mix
from kpi_helpers.drivers.rates import rate_bridge
from kpi_helpers.drivers.velocity import velocity_chain

__all__ = [
    "bookings_chain",
    "customer_bridge",
    "lmdi",
    "price_volume_mix",
    "product_mix",
    "rate_bridge",
    "rate_mix",
    "revenue_chain",
    "shapley",
    "velocity_chain",
]
