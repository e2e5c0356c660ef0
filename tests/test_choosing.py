"""The KPI wizard: what fits is proposed, what a person takes is judged, and saved for reports."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.controls import Control
from kpi_helpers.controls.choosing import SLOTS, choosing, chosen
from kpi_helpers.selection import CHOSEN
from kpi_helpers.sources import Dataset


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acme")
    days = pd.date_range("2025-04-01", "2026-03-31", periods=480).strftime("%Y-%m-%d")
    deals = {"deal_id": range(480), "created_at": days, "closed_at": days, "amount": 900.0}
    frame = pd.DataFrame(deals | {"status": ["won", "lost", "lost"] * 160})
    (folder / "data").mkdir()
    frame.to_csv(folder / "data" / "deals.csv", index=False)
    (folder / "kpi.toml").write_text('schema = 1 # ours\nlanguage = "fr"\n', "utf-8")
    return folder


@pytest.fixture(scope="module")
def data(home: Path) -> Dataset:
    return kh.load(home / "data")


@pytest.fixture
def control(data: Dataset) -> Control:
    return choosing(data, "2026Q1")


def taken(control: Control) -> list[str]:
    frame = control.shown.frame
    assert frame is not None
    return frame.loc[frame["verdict"] == CHOSEN, "kpi"].tolist()


def test_the_wizard_begins_with_what_fits(data: Dataset, control: Control) -> None:
    found = kh.selection(data, "2026Q1")
    fits = found.loc[found["verdict"] == CHOSEN, "kpi"].tolist()
    assert taken(control) == fits
    assert [kpi for kpi in control.values["kpis"].values() if kpi] == fits
    control.fields["objective"].value = "loyalty"
    found = kh.selection(data, "2026Q1", objective="loyalty")
    assert taken(control) == found.loc[found["verdict"] == CHOSEN, "kpi"].tolist()
    control.undo()
    control.undo()
    assert taken(control) == fits


def test_a_person_drops_and_adds(control: Control) -> None:
    first = control.values["kpis"]["1"]
    control.set(kpis={"1": "site_visits", "2": "", "3": "deals_won_count"})
    assert first not in taken(control)
    assert taken(control)[0] == "site_visits"
    frame = control.shown.frame
    assert frame is not None
    reasons = frame.set_index("kpi")["reason"]
    assert reasons[[first, "site_visits", "deals_won_count"]].tolist() == [
        "dropped",
        "vanity",
        "asked",
    ]
    assert any("ne décide de rien" in said for said in control.shown.sentences)
    assert any("voix du client" in said for said in control.shown.sentences)
    control.set(kpis=dict.fromkeys(SLOTS, "") | {"1": "bookings"})
    assert any("de 5 à 9 KPI" in said for said in control.shown.sentences)
    control.reset()
    assert not any("de 5 à 9 KPI" in said for said in control.shown.sentences)


def test_a_control_shows_what_its_plain_function_does(data: Dataset, control: Control) -> None:
    control.set(targets={"1": "25 %"}, kpis={"1": "win_rate_count"})
    plain = chosen(data, period="2026Q1", **control.values)
    assert plain.sentences == control.shown.sentences
    assert plain.figures == control.shown.figures
    assert next(iter(plain.figures.values())) == "25,0\u00a0%"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"targets": {"1": "beaucoup"}}, "« beaucoup »"),
        ({"target_period": "bientôt"}, "n’est pas une période"),
    ],
)
def test_what_is_no_target_is_said(control: Control, fields: dict[str, object], said: str) -> None:
    control.set(**fields)
    assert said in control._fault.value.replace("\u00a0", " ")


def test_what_is_adopted_is_what_the_next_report_reads(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "own")
    own = tmp_path / "own"
    control = choosing(kh.load(own / "data"), "2026Q1")
    control.set(
        objective="revenue",
        kpis={"1": "win_rate_count", "2": "bookings"},
        targets={"1": "40 %", "2": "1 200 000 €"},
    )
    control.offers["choosing.save"].click()
    assert control._fault.value == ""
    assert "adoptés" in control._side.value
    config = kh.load(own / "data").config
    assert list(config.kpis) == taken(control)
    assert config.business == {"objective": "revenue"}
    assert [(t["metric"], t["period"], t["value"]) for t in config.targets] == [
        ("win_rate_count", "2026Q2", 0.4),
        ("bookings", "2026Q2", 1_200_000.0),
    ]
    assert (own / "kpi.toml").read_text("utf-8").startswith("schema = 1 # ours\n")
    before = (own / "kpi.toml").read_bytes()
    control.offers["choosing.save"].click()
    assert (own / "kpi.toml").read_bytes() == before
