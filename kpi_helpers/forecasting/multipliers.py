"""How wide intervals are: constants printed by ``benchmarks/forecast_intervals.py``."""

# Rows: lo80, hi80, lo95, hi95. Columns: those of `kpi_helpers.forecasting.bands.features`.
MULTIPLIERS = (
    (0.516, -0.070, 0.138, 1.434, 0.116, 0.422, 0.056, -0.028, 0.433),
    (0.271, -0.006, 2.406, 0.117, 0.079, 0.341, 0.071, -0.036, -0.272),
    (1.009, -0.046, 0.418, 1.251, 0.104, 0.203, 0.103, -0.031, 1.061),
    (0.717, 0.004, 3.018, 0.199, 0.075, 0.309, 0.074, -0.013, 0.781),
)
