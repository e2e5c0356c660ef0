"""How wide intervals are: constants printed by ``benchmarks/forecast_intervals.py``."""

# Rows: lo80, hi80, lo95, hi95. Columns: those of `kpi_helpers.forecasting.bands.features`.
MULTIPLIERS = (
    (0.538, -0.072, 0.136, 1.488, 0.122, 0.434, 0.059, -0.027, 0.447),
    (0.259, -0.007, 2.499, 0.116, 0.077, 0.348, 0.070, -0.035, -0.249),
    (1.049, -0.051, 0.346, 1.317, 0.108, 0.199, 0.110, -0.027, 1.042),
    (0.723, -0.002, 3.011, 0.258, 0.072, 0.306, 0.073, -0.013, 0.779),
)
