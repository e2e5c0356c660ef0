"""Snapshots: only what changed is kept, and the history is rebuilt from it."""

import datetime as dt
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers import samples
from kpi_helpers.cli import main
from kpi_helpers.errors import BadInput, KpiError
from kpi_helpers.sources import snapshots

JANUARY, FEBRUARY = "2026-01-31", "2026-02-28"
COLUMNS = ("deal_id", "created_at", "status", "stage", "amount", "closed_at", "expected_close")
THEN = [
    ("1", "2026-01-05", "open", "Offer", 10.0, None, "2026-03-31"),
    ("2", "2026-01-09", "open", "Contact", 20.0, None, "2026-02-28"),
    ("3", "2026-01-10", "won", "Signed", 30.0, "2026-01-20", None),
    ("5", "2026-01-11", "open", "Contact", 40.0, None, "2026-02-15"),
]
NOW = [
    ("1", "2026-01-05", "won", "Signed", 12.0, "2026-02-14", "2026-03-31"),
    ("3", "2026-01-10", "won", "Signed", 30.0, "2026-01-20", None),
    ("4", "2026-02-10", "open", "Contact", 5.0, None, None),
    ("5", "2026-01-11", "open", "Contact", 40.0, None, "2026-04-15"),
]


def taken(folder: Path, rows: list[tuple], day: str) -> Path:
    return snapshots.take(kh.load(pd.DataFrame(rows, columns=[*COLUMNS]), as_of=day), folder)


def test_a_second_snapshot_holds_only_what_changed(tmp_path: Path) -> None:
    assert len(pd.read_parquet(taken(tmp_path, THEN, JANUARY))) == 4
    second = pd.read_parquet(taken(tmp_path, NOW, FEBRUARY)).set_index("deal_id")
    assert [*second.index] == ["1", "2", "4", "5"]
    assert [*second.index[second["gone"]]] == ["2"]


def test_each_change_is_told_with_its_day_and_both_values(tmp_path: Path) -> None:
    taken(tmp_path, THEN, JANUARY)
    taken(tmp_path, NOW, FEBRUARY)
    found = snapshots.changes(tmp_path)
    assert set(found["seen_at"]) == {pd.Timestamp(FEBRUARY)}
    told = found.drop(columns="seen_at").astype(object).where(found.notna(), None)
    assert [*told.itertuples(index=False, name=None)] == [
        ("1", "amount", "10.0", "12.0"),
        ("1", "closed_at", None, "2026-02-14"),
        ("1", "stage", "Offer", "Signed"),
        ("1", "status", "open", "won"),
        ("2", "deal", "2", None),
        ("4", "deal", None, "4"),
        ("5", "expected_close", "2026-02-15", "2026-04-15"),
    ]


def test_histories_are_dated_when_first_seen_and_on_the_closing_day(tmp_path: Path) -> None:
    taken(tmp_path, THEN, JANUARY)
    taken(tmp_path, NOW, FEBRUARY)
    told = snapshots.rebuilt(tmp_path)
    stages = told["stage_history"].astype({"entered_at": "string"})
    assert {*stages.itertuples(index=False, name=None)} == {
        ("1", "Offer", JANUARY, 10.0),
        ("2", "Contact", JANUARY, 20.0),
        ("3", "Signed", "2026-01-20", 30.0),
        ("5", "Contact", JANUARY, 40.0),
        ("1", "Signed", "2026-02-14", 12.0),
        ("4", "Contact", FEBRUARY, 5.0),
    }
    dates = told["close_date_history"].astype("string")
    assert [*dates.loc[dates["deal_id"] == "5", "expected_close"]] == ["2026-02-15", "2026-04-15"]


def test_a_deal_that_comes_back_is_seen_again(tmp_path: Path) -> None:
    taken(tmp_path, THEN, JANUARY)
    taken(tmp_path, NOW, FEBRUARY)
    taken(tmp_path, [*NOW, THEN[1]], "2026-03-31")
    found = snapshots.changes(tmp_path)
    march = found[found["seen_at"] == pd.Timestamp("2026-03-31")]
    assert [*march[["deal_id", "column", "after"]].itertuples(index=False, name=None)] == [
        ("2", "deal", "2")
    ]


def test_the_same_day_again_is_the_same_file_and_an_earlier_day_is_refused(tmp_path: Path) -> None:
    taken(tmp_path, THEN, JANUARY)
    first = taken(tmp_path, NOW, FEBRUARY).read_bytes()
    assert taken(tmp_path, NOW, FEBRUARY).read_bytes() == first
    with pytest.raises(KpiError, match="2026-02-28 exists"):
        taken(tmp_path, THEN, JANUARY)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{JANUARY}.parquet",
        f"{FEBRUARY}.parquet",
    }


@pytest.mark.parametrize("name", ["deals.parquet", "2026-13-01.parquet"])
def test_a_file_that_is_no_snapshot_is_named(tmp_path: Path, name: str) -> None:
    taken(tmp_path, THEN, JANUARY).rename(tmp_path / name)
    with pytest.raises(BadInput, match=name):
        snapshots.changes(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PAR1 nothing", b"deal_id\n1\n"])
def test_a_damaged_snapshot_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / f"{JANUARY}.parquet").write_bytes(content)
    with pytest.raises(BadInput, match=JANUARY):
        snapshots.rebuilt(tmp_path)


def test_settings_bring_the_histories_into_the_data(tmp_path: Path) -> None:
    taken(tmp_path / "kept", THEN, JANUARY)
    taken(tmp_path / "kept", NOW, FEBRUARY)
    pd.DataFrame(NOW, columns=[*COLUMNS]).to_csv(tmp_path / "deals.csv", index=False)
    (tmp_path / "kpi.toml").write_text('schema = 1\nsnapshots = "kept"\n')
    data = kh.load(tmp_path / "deals.csv", as_of=FEBRUARY)
    assert len(data["stage_history"]) == 6
    assert len(data["close_date_history"]) == 4
    assert kh.quality(data).query("table == 'stage_history' and severity == 'block'").empty


ROW = st.tuples(
    st.sampled_from("ABC"), st.sampled_from([None, 1.0, 2.0]), st.sampled_from([None, "2026-05-01"])
)

DEALS = st.dictionaries(st.sampled_from("12345"), ROW, min_size=1)


@pytest.mark.thorough
@settings(max_examples=25)
@given(
    days=st.lists(
        st.dictionaries(st.sampled_from("12345"), ROW, min_size=1), min_size=2, max_size=4
    )
)
def test_the_deals_of_every_day_can_be_rebuilt(
    days: list[dict], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("snapshots")
    told: dict[str, tuple] = {}
    for number, deals in enumerate(days, 1):
        rows = [
            (deal, "2026-01-01", "open", stage, amount, None, close)
            for deal, (stage, amount, close) in deals.items()
        ]
        day = f"2026-02-0{number}"
        for row in pd.read_parquet(taken(folder, rows, day)).itertuples():
            close = None if pd.isna(row.expected_close) else str(row.expected_close.date())
            amount = None if pd.isna(row.amount) else row.amount
            told[row.deal_id] = None if row.gone else (row.stage, amount, close)
        assert {deal: row for deal, row in told.items() if row} == deals


def test_monthly_copies_of_the_sample_company_tell_its_moves_by_month(tmp_path: Path) -> None:
    tables = samples.company()
    moves = tables["stage_history"].sort_values("entered_at", kind="stable")
    deals, ends = tables["deals"], pd.date_range("2026-03-31", "2026-06-30", freq="ME")
    seen = {}
    for end in ends:
        known = deals[deals["created_at"] <= end].copy()
        before = moves[moves["entered_at"] < end + pd.Timedelta(days=1)]
        stage = before.drop_duplicates("deal_id", keep="last").set_index("deal_id")["stage"]
        known["stage"] = known["deal_id"].map(stage)
        known["status"] = known["status"].where(~(known["closed_at"] > end), "open")
        known["closed_at"] = known["closed_at"].where(known["closed_at"] <= end)
        seen[end] = known.set_index("deal_id")["stage"]
        snapshots.take(kh.load(known, as_of=end.date()), tmp_path)
    told = snapshots.rebuilt(tmp_path)["stage_history"]
    for start, end in pairwise(ends):
        now, was = seen[end].dropna(), seen[start].reindex(seen[end].dropna().index)
        planted = {*now[now != was].items()}
        month = told[(told["entered_at"] > start) & (told["entered_at"] <= end)]
        assert {*month[["deal_id", "stage"]].itertuples(index=False, name=None)} == planted
        assert len(planted) > 100
    assert told["entered_at"].max() <= pd.Timestamp(dt.date(2026, 6, 30))


def test_the_command_says_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for rows, day in ((THEN, JANUARY), (NOW, FEBRUARY)):
        (tmp_path / "kpi.toml").write_text(f'schema = 1\nas_of = "{day}"\n')
        pd.DataFrame(rows, columns=[*COLUMNS]).to_csv(tmp_path / "deals.csv", index=False)
        assert main(["snapshot", "deals.csv", "--lang", "en"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "  The first one: the next will say what has changed."
    assert [line.strip() for line in said[4:-1]] == [
        "amount: 1 deal changed",
        "closed_at: 1 deal changed",
        "1 deal is new",
        "1 deal is gone",
        "expected_close: 1 deal changed",
        "stage: 1 deal changed",
        "status: 1 deal changed",
    ]
    assert said[-1].endswith('set snapshots = "snapshots" in kpi.toml.')
