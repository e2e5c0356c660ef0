"""How wide intervals are: constants printed by ``benchmarks/forecast_intervals.py``."""

# Rows: lo80, hi80, lo95, hi95. Columns: those of `kpi_helpers.forecasting.bands.features`.
MULTIPLIERS = (
    (0.515, -0.071, 0.156, 1.433, 0.114, 0.432, 0.055, -0.027, 0.445),
    (0.273, -0.007, 2.391, 0.115, 0.078, 0.347, 0.070, -0.036, -0.278),
    (1.010, -0.047, 0.402, 1.254, 0.104, 0.201, 0.103, -0.032, 1.056),
    (0.731, -0.000, 2.978, 0.211, 0.075, 0.310, 0.074, -0.013, 0.776),
)
