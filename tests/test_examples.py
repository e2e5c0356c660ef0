"""Every declaration holds what it says: its example, its texts, its version."""

import dataclasses
import importlib.util
import itertools
from pathlib import Path

import pytest

import kpi_helpers as kh
from kpi_helpers import units
from kpi_helpers.catalogue import HIGHER, LOWER, NEUTRAL, REGISTRY, Kpi
from kpi_helpers.errors import BadInput
from kpi_helpers.kpis import catalogue
from kpi_helpers.language import LANGUAGES

KPIS = [REGISTRY[name] for name in catalogue()["id"]]
UNITS = {
    *(units.PERCENT, units.POINTS, units.MONEY, units.COUNT, units.DAYS, units.MONTHS),
    *(units.HOURS, units.TIMES, units.SCORE),
}
each_kpi = pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.id)
numbers = itertools.count()


@each_kpi
def test_the_example_gives_its_value(kpi: Kpi) -> None:
    assert kpi.example is not None
    data = kh.load(kpi.example.frames(), kpi.example.config)
    (row,) = kh.measure(data, kpi.id, kpi.example.period).itertuples()
    assert row.value == pytest.approx(kpi.example.gives, rel=1e-9), row.note
    assert row.status != "missing"


@each_kpi
def test_the_texts_are_there_in_every_language(kpi: Kpi) -> None:
    for lang in LANGUAGES:
        assert kpi.label(lang).strip()
        assert kpi.definition(lang).strip().endswith(".")
        assert kpi.pitfall(lang).strip() or kpi.tier != "P1"
    assert len(set(kpi.names.values())) == 2
    assert len(set(kpi.definitions.values())) == 2


@each_kpi
def test_the_fields_hold_what_is_allowed(kpi: Kpi) -> None:
    assert kpi.unit in UNITS
    assert kpi.better in (HIGHER, LOWER, NEUTRAL)
    assert kpi.tier in ("P1", "P2", "P3")
    assert kpi.category
    assert kpi.seeds.strip()
    assert kpi.derived != bool(kpi.dated)
    assert all(other.kpi in REGISTRY for other in kpi.of.values())


def test_no_name_stands_twice() -> None:
    for lang in LANGUAGES:
        labels = [kpi.label(lang) for kpi in KPIS]
        assert len(labels) == len(set(labels))
    assert len({kpi.version for kpi in KPIS}) == len(KPIS)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_catalogue_says_what_the_declarations_say(lang: str) -> None:
    frame = kh.catalogue(lang).set_index("id")
    for kpi in KPIS:
        row = frame.loc[kpi.id]
        assert (row["name"], row["definition"]) == (kpi.label(lang), kpi.definition(lang))
        assert row["pitfall"] == kpi.pitfall(lang)
        assert row["kind"] == "derived" if kpi.derived else row["table"] in str(row["needs"])
    assert frame.loc["cac", "needs"] == "acquisition_spend, new_customers"


SOURCE = """
from kpi_helpers.catalogue import kpi
from kpi_helpers.kpis.parts import count
from kpi_helpers.units import COUNT

LEAST = 50_000

@kpi(names=("Grosses affaires", "Large deals"), definition_fr="Affaires d’au moins 50 000.",
     unit=COUNT, dated="created_at")
def {name}(deals):
    "Deals of at least 50,000."
    return count(deals.amount >= LEAST)
"""


def declared(folder: Path, source: str = SOURCE, name: str = "trial_of_large_deals") -> Kpi:
    """Declare the KPI of a source in a module of its own, and take it out of the register."""
    path = folder / f"declared_{next(numbers)}.py"
    path.write_text(source.replace("{name}", name), "utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    finally:
        found = REGISTRY.pop(name, None) if name.startswith("trial") else None
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return", "    # Large is what the sales director calls large.\n    return"),
        ("deals.amount >= LEAST", "(\n        deals.amount\n        >= LEAST\n    )"),
        ('"Deals of at least 50,000."', '"Deals that are large."'),
        ("Grosses affaires", "Affaires importantes"),
    ],
)
def test_the_version_stays_with_the_definition(tmp_path: Path, old: str, new: str) -> None:
    assert old in SOURCE
    assert declared(tmp_path, SOURCE.replace(old, new)).version == declared(tmp_path).version


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("deals.amount >= LEAST", "deals.amount > LEAST"),
        ("deals.amount >= LEAST", "deals.list_amount >= LEAST"),
        ("50_000", "40_000"),
        ("created_at", "closed_at"),
        ("COUNT, ", "'days', "),
    ],
)
def test_the_version_changes_with_the_definition(tmp_path: Path, old: str, new: str) -> None:
    assert old in SOURCE
    assert declared(tmp_path, SOURCE.replace(old, new)).version != declared(tmp_path).version


def test_a_declaration_without_a_definition_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="trial_of_large_deals has no definition"):
        declared(tmp_path, SOURCE.replace('    "Deals of at least 50,000."\n', ""))


def test_a_kpi_of_the_kit_is_not_replaced_by_mistake(tmp_path: Path) -> None:
    kept = REGISTRY["revenue"]
    with pytest.raises(BadInput, match="revenue is already declared"):
        declared(tmp_path, name="revenue")
    assert REGISTRY["revenue"] is kept


def test_a_kpi_declared_anew_answers_anew(tmp_path: Path) -> None:
    """An analyst changes the threshold in the cell above and declares again, on the same data."""
    frames = {"deals": {"status": ["won"] * 3, "amount": [20_000.0, 45_000.0, 90_000.0]}}
    example = dataclasses.replace(REGISTRY["bookings"]).example
    data = kh.load(type(example)(gives=0, **frames).frames())
    found = []
    for source in (SOURCE, SOURCE.replace("50_000", "40_000")):
        kpi = declared(tmp_path, source)
        REGISTRY[kpi.id] = kpi
        try:
            found.append(kh.measure(data, kpi.id, "all")["value"].item())
        finally:
            del REGISTRY[kpi.id]
    assert found == [1, 2]
