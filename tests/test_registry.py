"""The catalogue holds every KPI of the design, with its tier, a pitfall and where it comes from."""

import csv
from pathlib import Path

import pytest

from kpi_helpers.catalogue import REGISTRY, Kpi
from kpi_helpers.kpis import catalogue

KPIS = [REGISTRY[name] for name in catalogue()["id"]]
with (Path(__file__).parent / "data" / "kpis.csv").open(encoding="utf-8") as file:
    DESIGN = {row["id"]: row for row in csv.DictReader(file)}

# Still to be declared. The list may only shrink.
STILL_MISSING: set[str] = set()


def test_every_kpi_of_the_design_is_declared_but_those_listed() -> None:
    assert set(DESIGN) - set(REGISTRY) <= STILL_MISSING
    assert set(DESIGN) >= STILL_MISSING


@pytest.mark.parametrize("name", sorted(set(DESIGN) & set(REGISTRY)))
def test_a_declared_kpi_has_its_tier_and_is_called_vanity_where_it_is(name: str) -> None:
    kpi, row = REGISTRY[name], DESIGN[name]
    assert kpi.tier == row["tier"]
    assert ("vanity" in kpi.category) == (row["vanity"] == "yes")
    if row["vanity"] == "yes":
        assert kpi.better == "neutral"


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.id)
def test_every_kpi_says_what_to_beware_of_and_where_it_comes_from(kpi: Kpi) -> None:
    assert all(pitfall.strip() for pitfall in kpi.pitfalls.values())
    assert len(set(kpi.pitfalls.values())) == len(kpi.pitfalls) == 2
    assert kpi.seeds.strip()
