"""How often channels that are alike are told apart: ``python benchmarks/channels.py [--runs N]``.

Six channels with the same budget and deals from one log-normal law; one of them may be called
better or worse in 10 % of worlds. *own*: each judged by its own amounts alone, as it was first.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from kpi_helpers.funnel.channels import judged, usual_size

CHANNELS, BUDGET = 6, 1e5


def named(runs: int, sales: float, spread: float, seed: int = 73) -> dict[str, float]:
    """Share of worlds in which some channel is called better or worse, by how it is judged."""
    rng, found = np.random.default_rng(seed), {"kit": 0, "own": 0}
    for _ in range(runs):
        each = [rng.lognormal(9, spread, rng.poisson(sales)) for _ in range(CHANNELS)]
        x, xx = (pd.Series([(one**power).sum() for one in each]) for power in (1, 2))
        rows = pd.DataFrame({"channel": range(CHANNELS), "margin": x, "spend": BUDGET})
        for way, size in (("kit", usual_size(x, xx)), ("own", (xx / x).fillna((xx / x).mean()))):
            told = judged(rows.assign(size=size, returned=x / BUDGET))
            found[way] += bool((told["verdict"] != "").any())
    return {way: count / runs for way, count in found.items()}


def main() -> None:
    """Print a row a number of sales and a spread of amounts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    runs = parser.parse_args().runs
    print(f"{'sales':>6}{'spread':>8}{'kit':>8}{'own':>8}{'goal':>8}")
    for sales in (8, 30, 60):
        for spread in (0.8, 1.0):
            told = named(runs, sales, spread)
            print(f"{sales:>6}{spread:>8}{told['kit']:>8.3f}{told['own']:>8.3f}{0.1:>8}")


if __name__ == "__main__":
    main()
