"""How often noise is called a trend: ``python benchmarks/trends.py [--runs N] [--seed S]``.

Series of noise, of which each value repeats a part of the one before (``echo``), go through the
kit's own decomposition. At most 6 % of them may be called a trend, or have a break, where the echo
is at most 0.3. The rows below show what a trend of 2.5 standard deviations from the first to the
last value, and a level that moves by 4, are found in.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from kpi_helpers import forecasting

LENGTHS, ECHOES = (12, 24, 36, 48, 60), (0.0, 0.3, 0.6)
SEASON = np.sin(np.arange(12) * np.pi / 6) * 2


def noise(n: int, echo: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise of variance 1 that echoes."""
    x = rng.standard_normal(n + 60)
    for at in range(1, n + 60):
        x[at] = echo * x[at - 1] + np.sqrt(1 - echo**2) * x[at]
    return x[60:]


def series(values: np.ndarray) -> pd.DataFrame:
    """Return one series of months as a tidy frame."""
    starts = pd.date_range("2020-01-01", periods=len(values), freq="MS")
    facts = {"kpi": "one", "label": "one", "unit": "score", "better": "higher", "method": "exact"}
    times = {"period": starts.strftime("%Y-%m"), "start": starts}
    frame = pd.DataFrame({**times, "end": starts + pd.offsets.MonthBegin(), "value": values})
    return forecasting.with_adjusted(frame.assign(**facts, status="ok"), 12)


def found(n: int, echo: float, runs: int, seed: int, kind: str = "noise") -> tuple[float, float]:
    """Return the shares of runs with a trend and with a break."""
    rng, at = np.random.default_rng(seed), np.arange(n)
    more = {
        "noise": 0 * at,
        "season": np.resize(SEASON, n),
        "trend": 2.5 * at / n,
        "break": 4.0 * (at >= 2 * n // 3),
    }[kind]
    told = [
        forecasting.trends(forecasting.decomposed(series(noise(n, echo, rng) + more))).iloc[0]
        for _ in range(runs)
    ]
    trends = [row["verdict"] != "none_shown" for row in told]
    return float(np.mean(trends)), float(np.mean([row["broke"] for row in told]))


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=400)
    asked.add_argument("--seed", type=int, default=73)
    given = asked.parse_args()
    print(f"{'':8}{'months':>8}{'echo':>6}{'trend':>8}{'break':>8}")
    for kind in ("noise", "season", "trend", "break"):
        for n in LENGTHS:
            for echo in ECHOES:
                trend, broke = found(n, echo, given.runs, given.seed, kind)
                print(f"{kind:8}{n:>8}{echo:>6}{trend:>8.1%}{broke:>8.1%}", flush=True)


if __name__ == "__main__":
    main()
