"""How wide intervals are: constants printed by ``benchmarks/forecast_intervals.py``."""

# Rows: lo80, hi80, lo95, hi95. Columns: those of `kpi_helpers.forecasting.bands.features`.
MULTIPLIERS = (
    (0.579, -0.041, 1.511, 0.552, 0.138, 0.427, 0.078, 0.011, 0.374),
    (0.170, -0.022, 1.739, 0.748, 0.084, 0.299, 0.042, -0.081, -0.147),
    (1.018, 0.033, 1.501, 0.084, 0.157, 0.302, 0.161, -0.046, 1.204),
    (0.962, -0.038, 2.089, 0.804, 0.120, 0.513, 0.062, -0.007, 1.193),
)
