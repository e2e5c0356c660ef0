"""What a meeting agreed is written whole or not at all, and read again by the next report."""

import dataclasses
import os
import tempfile
import tomllib
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers.errors import BadConfig, BadInput, KpiError
from kpi_helpers.reports import kept, save
from kpi_helpers.reports.agreed import KEYS
from kpi_helpers.reports.places import sample
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.edited import edited

TOML = """\
# ours
schema = 1  # keep
language = "en"

[[targets]]  # of the board
metric = "revenue"
period = "2026Q3"
value = 100  # tentative

[windows]
win_rate_count = 30
"""
DEALS = (
    "deal_id,created_at,status,closed_at,amount\n"
    "1,2026-07-01,won,2026-08-01,900\n2,2026-07-05,open,,400\n"
)
ACTION = {
    **{"action_id": "A1", "kpi_id": "win_rate_count", "root_cause": "skills", "action": "Train"},
    **{"owner": "Zoé", "start_date": "2026-09-01", "due_date": "2026-10-01"},
    **{"expected_effect": "3", "expected_unit": "points", "status": "open"},
}
EVENT = {"date": "2026-08-01", "label": "Price list", "type": "price"}
LOGGED = {
    **{"date": "2026-08-01", "kpi_id": "win_rate_count", "reason": "too short"},
    **{"old_definition": "windows.win_rate_count = 30"},
    **{"new_definition": "windows.win_rate_count = 90"},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "deals.csv").write_text(DEALS)
    (tmp_path / "kpi.toml").write_text(TOML)
    return tmp_path


def loaded(project: Path) -> Dataset:
    return kh.load(project / "data")


BEFORE = kh.load(pd.read_csv(StringIO(DEALS)))


def opened(project: Path) -> Dataset:
    """As `loaded`, but without the time that takes."""
    paths = {name: project / "data" / f"{name}.csv" for name in KEYS}
    config = dataclasses.replace(BEFORE.config, file=str(project / "kpi.toml"))
    return dataclasses.replace(BEFORE, paths=paths, config=config)


def frames(**tables: dict[str, str]) -> dict[str, pd.DataFrame]:
    return {name: pd.DataFrame([row]) for name, row in tables.items()}


def files(project: Path) -> dict[str, bytes]:
    found = (path for path in project.rglob("*") if path.is_file())
    return {
        str(path.relative_to(project)): path.read_bytes()
        for path in found
        if not path.name.endswith(".lock")
    }


AGREED = {
    "kpis": ["win_rate_count", "revenue"],
    "windows": {"win_rate_count": 90},
    "targets": [{"metric": "win_rate_count", "period": "2026Q4", "value": 0.3}],
    "scenarios": [{"name": "More leads", "volume": 1.2, "rates": {"Offer": 1.1}}],
    "workshop": {"levers": {"volume": 1.2, "rates": {"Offer": 1.1}}},
}


def test_all_that_was_agreed_is_read_again(project: Path) -> None:
    rows = frames(actions=ACTION, events=EVENT, kpi_log=LOGGED)
    foreseen = save(loaded(project), AGREED, rows, dry=True)
    assert files(project).keys() == {"kpi.toml", "data/deals.csv"}
    diff = save(loaded(project), AGREED, rows)
    assert diff == foreseen
    for line in (
        *("+++ kpi.toml", "-win_rate_count = 30", "+win_rate_count = 90", "+++ actions.csv"),
        *("+rates = {Offer = 1.1}", "+2026-08-01,Price list,price", "+++ kpi_log.csv"),
    ):
        assert line in diff.splitlines()
    data = loaded(project)
    assert data.config.kpis == ("win_rate_count", "revenue")
    assert dict(data.config.windows) == {"win_rate_count": 90}
    assert [each["value"] for each in data.config.targets] == [100, 0.3]
    assert [dict(each) for each in data.config.scenarios] == AGREED["scenarios"]
    assert data.config.workshop == AGREED["workshop"]
    for name, row in (("actions", ACTION), ("events", EVENT), ("kpi_log", LOGGED)):
        assert row.items() <= kept(data, name).iloc[0].to_dict().items()
        assert len(data[name]) == 1
    assert save(data, AGREED, rows) == ""


def test_what_people_wrote_stays(project: Path) -> None:
    diff = save(opened(project), AGREED)
    assert [line for line in diff.splitlines() if line.startswith("-")] == [
        *("--- kpi.toml", "-win_rate_count = 30")
    ]
    save(opened(project), {"targets": [{"metric": "revenue", "period": "2026Q3", "value": 120}]})
    text = (project / "kpi.toml").read_text()
    assert "[[targets]]  # of the board" in text
    assert text.splitlines()[:2] == TOML.splitlines()[:2]
    save(opened(project), {"scenarios": [{"name": "More leads"}], "windows": {"cac": None}})
    assert "scenarios" not in (project / "kpi.toml").read_text()


def test_targets_go_into_their_register_where_there_is_one(project: Path) -> None:
    (project / "kpi.toml").unlink()
    register = project / "data" / "targets.csv"
    register.write_text(
        "metric,period_start,period_end,scope_type,scope_value,value\n"
        "revenue,2026-07-01,2026-09-30,company,,100\n"
    )
    target = {"metric": "revenue", "period": "2026Q4", "value": 120}
    save(loaded(project), {"targets": [target]})
    assert loaded(project)["targets"]["value"].tolist() == [100, 120]
    assert not (project / "kpi.toml").exists()
    with pytest.raises(BadInput, match="somebody has written '100' here meanwhile"):
        save(loaded(project), {"targets": [{**target, "period": "2026Q3"}]})


def test_a_register_with_headers_of_its_own_keeps_them(project: Path) -> None:
    (project / "kpi.toml").write_text(
        TOML + '\n[tables.events.columns]\ndate = "Jour"\nlabel = "Fait"\n'
    )
    register = project / "data" / "events.csv"
    register.write_bytes("Jour;Fait\r\n25/07/2026;Salon d’été\r\n".encode("cp1252"))
    data = loaded(project)
    save(data, rows=frames(events=EVENT))
    assert register.read_bytes().decode("cp1252").splitlines()[0] == "Jour;Fait;type"
    assert loaded(project)["events"]["label"].tolist() == ["Salon d’été", "Price list"]
    seen = kept(data, "events")
    save(data, rows={"events": seen.replace("price", "process")}, seen={"events": seen})
    assert register.read_bytes().endswith(b"2026-08-01;Price list;process\r\n")


@pytest.mark.parametrize(
    ("settings", "rows", "said"),
    [
        ({"kpis": ["win_rate"]}, {}, "expected win_rate_count, win_rate_value"),
        ({"windows": {"win_rate_count": -1}}, {}, "windows.win_rate_count = '-1'"),
        ({"scenarios": [{"name": "a", "volum": 2}]}, {}, r"scenarios\[0\].volum .* volume"),
        ({"scenarios": [{"name": "a", "cycle": 0.1}]}, {}, r"cycle = '0.1'.*0\.25 or more"),
        ({"scenarios": [{"name": " ", "cycle": 1}]}, {}, "no other scenario"),
        ({"scenarios": [{"name": "a", "rates": {"b": -1}}]}, {}, r"rates\.b = '-1'"),
        ({"scenarios": [{"name": "a", "volume": True}]}, {}, "volume = 'True'"),
        ({"workshop": {"levers": 3}}, {}, "workshop.levers = '3'"),
        ({}, {"actions": {**ACTION, "owner": ""}}, "column owner is empty"),
        ({}, {"actions": {**ACTION, "kpi_id": "win_rate"}}, "win_rate_count"),
        ({}, {"events": {**EVENT, "date": "1 August"}}, "'1 August' is not a day"),
        ({}, {"events": {**EVENT, "label": ""}}, "label is empty"),
        ({}, {"events": {**EVENT, "type": "prices"}}, "is not campaign, .*price"),
        ({}, {"kpi_log": {**LOGGED, "kpi_id": "win_rate"}}, "win_rate_count"),
    ],
)
def test_what_cannot_be_used_is_not_written(
    project: Path, settings: dict[str, object], rows: dict[str, dict[str, str]], said: str
) -> None:
    before = files(project)
    good = frames(events=EVENT, actions=ACTION)
    with pytest.raises((BadConfig, BadInput), match=said):
        save(opened(project), {**AGREED, **settings}, {**good, **frames(**rows)})
    assert files(project) == before


def test_a_cell_that_somebody_changed_meanwhile_stops_all(project: Path) -> None:
    save(opened(project), rows=frames(actions=ACTION))
    data, seen = opened(project), kept(opened(project), "actions")
    save(data, rows={"actions": seen.assign(owner="Farid")}, seen={"actions": seen})
    before = files(project)
    with pytest.raises(BadInput, match="somebody has written 'Farid' here meanwhile"):
        save(data, AGREED, {"actions": seen.assign(owner="Ann")}, {"actions": seen})
    assert files(project) == before


# --- all or nothing -----------------------------------------------------------------------------


def failing(at: int, error: BaseException, call: Callable[..., None]) -> Callable[..., None]:
    """A call that goes wrong the so-manieth time, and only then."""
    calls = []

    def tried(*args: object) -> None:
        calls.append(args)
        if len(calls) == at:
            raise error
        call(*args)

    return tried


@pytest.mark.parametrize("call", ["replace", "fsync"])
@pytest.mark.parametrize("at", [1, 3, 4])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_error_in_the_middle_leaves_all_files_as_they_were(
    project: Path, monkeypatch: pytest.MonkeyPatch, call: str, at: int, error: BaseException
) -> None:
    save(opened(project), rows=frames(actions=ACTION))
    data, seen, before = opened(project), kept(opened(project), "actions"), files(project)
    rows = {**frames(events=EVENT, kpi_log=LOGGED), "actions": seen.assign(owner="Farid")}
    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing(at, error, getattr(os, call)))
        with pytest.raises((KpiError, KeyboardInterrupt)) as caught:
            save(data, AGREED, rows, {"actions": seen})
    if caught.type is not KeyboardInterrupt:
        assert "could not be written: No space left" in str(caught.value)
    assert files(project) == before


def test_where_the_system_refuses_a_file_none_is_written(project: Path) -> None:
    (project / "data" / "kpi_log.csv").mkdir()
    before = files(project)
    with pytest.raises(KpiError, match=r"kpi_log\.csv could not be written: Is a directory"):
        save(opened(project), AGREED, frames(events=EVENT, kpi_log=LOGGED))
    assert files(project) == before


def test_the_sample_and_what_is_no_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KpiError, match="sample company stays"):
        save(opened(sample()), AGREED)
    memory = dataclasses.replace(BEFORE, paths={})
    for name in ("actions", "events"):
        with pytest.raises(KpiError, match="kpi init"):
            save(memory, rows=frames(**{name: EVENT}))


# --- settings -----------------------------------------------------------------------------------

State = dict[str, object]
NAMES = st.text("abé .#[]\"'\\\n=", min_size=1, max_size=8)
VALUES = st.one_of(st.booleans(), st.integers(-9, 9), st.floats(-9, 9), NAMES)
STATES = st.dictionaries(
    NAMES,
    st.dictionaries(NAMES, st.one_of(VALUES, st.lists(VALUES), st.dictionaries(NAMES, VALUES))),
)


@given(STATES, STATES)
@settings(max_examples=40)
def test_any_state_comes_back_as_it_was_saved(first: State, then: State) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kpi.toml"
        file.write_text(TOML)
        edited(file, {"workshop": first})
        edited(file, {"workshop": then, "scenarios": [{"name": "x", "volume": 1.5}]})
        held = tomllib.loads(file.read_text())
        assert held.pop("workshop", {}) == first | then
        assert held.pop("scenarios") == [{"name": "x", "volume": 1.5}]
        assert held == tomllib.loads(TOML)
