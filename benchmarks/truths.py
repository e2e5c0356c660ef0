"""In how many sample companies each truth is seen: ``python benchmarks/truths.py [--seeds N]``.

Seen means by a naive test at p < .005, and at p < .05 for the training and the recommendation; what
must stay silent is seen when it does, at p > .05. ``tests/test_sample_truths.py`` asks for sizes
too; the shipped seed is the first with which all of it holds.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from kpi_helpers.samples import SEED, company

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import naive as t


def seen(sample: dict[str, Any]) -> dict[str, bool]:
    decided, leads = t.decided_in(sample), sample["leads"]
    spring, autumn = (t.quarter_of(leads, name)["qualified"] for name in ("2025Q2", "2025Q4"))
    (a, var_a), (b, var_b) = (t.lift(sample, team) for team in ("Équipe A", "Équipe B"))
    social, search = (t.cac(sample, t.TRUTHS["bad_channel"][key]) for key in ("channel", "beside"))
    quarters = [t.slipped(sample, name) for name in ("2026Q3", "2025Q3")]
    rival, others = t.against(decided)
    return {
        "bottleneck in 2025Q4": t.z_of(spring, autumn) > t.FOUND,
        "cure in 2026Q3": (a - b) / (var_a + var_b) ** 0.5 > t.SILENT,
        "bad channel": social > t.TRUTHS["bad_channel"]["margin_per_customer"] > search,
        "exactly the two reps": t.striking_reps(decided) == set(t.TRUTHS["reps"]),
        "slippage, 2026Q3 and 2025Q3": t.z_of(*quarters) > t.FOUND,
        "public-sector cycle": t.slower(decided) > t.FOUND,
        "competitor B": t.z_of(others, rival) > t.FOUND,
        "renewal": t.z_of(*t.renewals(sample)) > t.FOUND,
        "recommendation": t.recommendation(sample)[1] > t.SILENT,
        "missed calls": t.z_of(*t.missed_calls(sample)) > t.FOUND,
        "win rate silent": abs(t.z_of(t.won_before(sample), decided["won"])) < t.SILENT,
        "landing page silent": abs(t.z_of(*t.landed(sample))) < t.SILENT,
        "weak by mix silent": abs(t.weakness(decided)) < t.SILENT,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    number = parser.parse_args().seeds
    total: Counter[str] = Counter()
    for seed in range(SEED, SEED + number):
        found = seen(company(seed))
        total.update({name: int(yes) for name, yes in found.items()})
    for name, count in total.items():
        print(f"{name:<30}{count:>4} of {number}")


if __name__ == "__main__":
    main()
