"""How wide intervals are: constants printed by ``benchmarks/forecast_intervals.py``."""

# Rows: lo80, hi80, lo95, hi95. Columns: those of `kpi_helpers.forecasting.bands.features`.
MULTIPLIERS = (
    (0.707, -0.070, -0.359, 1.251, 0.102, 0.411, 0.094),
    (0.450, -0.058, 2.177, 0.549, 0.071, 0.326, 0.095),
    (1.258, -0.040, 0.195, 0.947, 0.108, 0.157, 0.149),
    (0.782, -0.009, 2.951, 0.327, 0.056, 0.295, 0.076),
)
