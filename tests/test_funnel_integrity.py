"""What is odd about a history of stages: each oddity is counted, listed and left as it is."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers import funnel, sheets, wording
from kpi_helpers.errors import Unavailable, UnknownName
from kpi_helpers.kpis.stages import DEALS
from kpi_helpers.sources import Dataset, snapshots
from kpi_helpers.sources.checks.moves import CHECKS

HERE = Path(__file__).parent
W16: dict[str, Any] = json.loads((HERE / "data" / "worked_examples.json").read_text("utf-8"))["W16"]
HISTORY = pd.DataFrame(W16["history"], columns=["deal_id", "stage", "entered_at"])
ORDER = ["Qualif", "RDV", "Propo", "Gagné"]


def loaded(history: pd.DataFrame, deals: Any = DEALS, **config: Any) -> Dataset:
    own = {"stages": ORDER, "as_of": W16["as_of"], "language": "en"} | config
    frames = {"stage_history": history} | ({} if deals is None else {"deals": pd.DataFrame(deals)})
    return kh.load(frames, own)


def more(*moves: tuple[str, str, str], **columns: Any) -> pd.DataFrame:
    """The history of the worked example with some moves more."""
    rows = pd.DataFrame(moves, columns=["deal_id", "stage", "entered_at"]).assign(**columns)
    return pd.concat([HISTORY, rows], ignore_index=True)


def counts(data: Dataset, period: str | None = None) -> dict[str, int]:
    found = funnel.integrity(data, period)
    return dict(zip(found["check"], found["rows"], strict=True))


WORKED = {"skipped": 1, "moved_back": W16["regressions"]}


def test_w16_one_deal_skips_a_stage_and_one_goes_back() -> None:
    data = loaded(HISTORY)
    assert counts(data) == WORKED
    found = funnel.integrity(data).set_index("check")
    assert found.loc["moved_back", ["deals", "of", "share", "money", "examples"]].tolist() == [
        *(1, 5, 0.2, 400.0, "D4"),
    ]
    skip = funnel.odd_rows(data, "skipped").iloc[0]
    assert skip[["deal_id", "stage_before", "stage", "line", "column", "value"]].tolist() == [
        *("D3", "Qualif", "Propo", 9, "stage", "Propo"),
    ]


BAD = {
    "stage_not_in_map": more(("D5", "Lunch", "2026-02-10")),
    "no_deal": more(("D9", "Qualif", "2026-02-10")),
    "no_history": HISTORY[HISTORY["deal_id"] != "D5"],
    "before_creation": more(("D5", "RDV", "2025-12-31")),
    "after_as_of": more(("D5", "RDV", "2026-04-01")),
    "same_second": more(
        ("D5", "RDV", "2026-02-10 10:00:01"), ("D5", "Propo", "2026-02-10 10:00:01")
    ),
    "moved_after_end": more(("D1", "Propo", "2026-03-01")),
    "reopened": more(("D4", "Gagné", "2026-03-05"), ("D4", "Propo", "2026-03-09")),
    "sign_change": more(("D5", "RDV", "2026-02-10"), amount_at_entry=-500.0),
    "bulk_move": more(*((f"N{n:02}", "Qualif", "2026-02-10 09:30:00") for n in range(21))),
}


@pytest.mark.thorough
@pytest.mark.parametrize("check", BAD)
def test_what_is_odd_is_counted_and_listed(check: str) -> None:
    data = loaded(BAD[check])
    found = counts(data)
    assert found[check] == len(funnel.odd_rows(data, check)) > 0
    # Nothing else is said, but for what a deal of the burst or a stage out of order brings along.
    beside = {"bulk_move": {"no_deal"}, "no_history": set()}.get(check, set())
    assert {*found} - {*WORKED} - beside == {check}


@pytest.mark.thorough
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_it_is_told_in_words_with_the_file_line_column_and_value(lang: str) -> None:
    history = pd.concat(BAD.values()).drop_duplicates()
    deals = pd.DataFrame(DEALS)
    data = loaded(history, pd.concat([deals, deals.tail(1).assign(deal_id="D6")]), language=lang)
    found = funnel.integrity(data)
    assert {*found["check"]} == {*CHECKS}
    shown = sheets.quality_table(found, lang).as_raw_html()
    for row in found.to_dict("records"):
        what, _, follows = row["consequence"].partition(":")
        assert what.strip() in shown
        assert row["examples"] in shown
        assert follows
        assert row["fix"]
        rows = funnel.odd_rows(data, row["check"])
        assert rows[["file", "line", "column", "value"]].notna().all(axis=None)


def test_every_check_is_tried() -> None:
    assert {*BAD, *WORKED} == {*CHECKS}


def test_nothing_is_mended() -> None:
    history = BAD["same_second"].copy()
    data = loaded(history)
    funnel.integrity(data)
    pd.testing.assert_frame_equal(history, BAD["same_second"])
    assert len(data["stage_history"]) == len(history)


def test_an_order_is_broken_by_a_slip_only_after_a_day() -> None:
    slip = more(("D5", "RDV", "2026-02-10 09:00"), ("D5", "Qualif", "2026-02-10 09:05"))
    assert counts(loaded(slip)) == WORKED


def test_a_period_looks_at_its_own_moves() -> None:
    data = loaded(HISTORY)
    assert counts(data, "2026-01") == {"skipped": 1}
    assert counts(data, "2026-02") == {"moved_back": 1}
    assert counts(data, "2026-03") == {}


def test_without_deals_only_the_moves_are_looked_at() -> None:
    found = funnel.integrity(loaded(HISTORY[HISTORY["stage"] != "Perdu"], None))
    assert {*found["check"]} == {"skipped", "moved_back"}
    assert found["money"].isna().all()


def test_without_a_history_it_says_so() -> None:
    with pytest.raises(Unavailable, match="stage_history"):
        funnel.integrity(kh.load({"deals": pd.DataFrame(DEALS)}))
    with pytest.raises(UnknownName, match="skipped"):
        funnel.odd_rows(loaded(HISTORY), "skiped")


def test_the_bulk_and_the_unknown_stages_are_those_of_the_quality_checks() -> None:
    for check in ("bulk_move", "stage_not_in_map"):
        data = loaded(BAD[check])
        known = kh.quality(data).query("table == 'stage_history'").set_index("check")["rows"]
        assert counts(data)[check] == known[check]


def test_skips_and_ways_back_are_those_of_a_plain_loop() -> None:
    rng = np.random.default_rng(73)
    days = pd.Timestamp("2025-11-01") + pd.to_timedelta(rng.integers(0, 150, 600), unit="D")
    ids = [f"D{n}" for n in rng.integers(0, 90, 600)]
    history = pd.DataFrame({"deal_id": ids, "stage": rng.choice([*ORDER, "Perdu"], 600)})
    history = history.assign(entered_at=days.astype(str)).drop_duplicates()
    place = {name: n for n, name in enumerate([*ORDER, "Perdu"])}
    ordered = history.assign(place=history["stage"].map(place)).sort_values(["entered_at", "place"])
    expected = {"skipped": 0, "moved_back": 0, "reopened": 0}
    for _, rows in ordered.groupby("deal_id"):
        furthest, last = -1, -1
        for now in rows["place"]:
            expected["skipped"] += 4 > now > furthest + 1
            expected["moved_back"] += now < last < 3
            expected["reopened"] += now < 3 <= last
            furthest, last = max(furthest, now if now < 4 else -1), now
    # Sixty deals that end as they enter Gagné or Perdu say that these are ends.
    ends = pd.DataFrame({"deal_id": [f"E{n}" for n in range(60)], "created_at": "2025-11-01"})
    ends = ends.assign(status=["won", "lost"] * 30, closed_at="2025-11-02")
    open_ = pd.DataFrame({"deal_id": sorted({*ids})}).assign(status="open", created_at="2025-11-01")
    closing = ends.assign(stage=["Gagné", "Perdu"] * 30, entered_at="2025-11-02")
    closing = closing[["deal_id", "stage", "entered_at"]]
    data = loaded(pd.concat([history, closing]), pd.concat([open_, ends]))
    expected["skipped"] += 30  # won at once
    assert {name: counts(data)[name] for name in expected} == expected


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_director_is_told_when_it_matters_and_of_nothing_else(lang: str, sample: Dataset) -> None:
    assert wording.history_findings(funnel.integrity(sample), lang).empty
    loud = loaded(
        more(*((f"N{n:02}", "Qualif", "2026-02-10 09:30:00") for n in range(21))), language=lang
    )
    told = wording.history_findings(funnel.integrity(loud), lang)
    assert len(told) == 2  # moved in one minute, and without a deal
    assert all({"fr": "80,8", "en": "80.8"}[lang] in said for said in told["sentence"])
    assert wording.banned(" ".join(told["sentence"]), lang) == []


def test_an_amount_that_turns_between_two_snapshots_is_seen(tmp_path: Path) -> None:
    for day, amount in (("2026-01-31", 900.0), ("2026-02-28", -900.0)):
        deals = pd.DataFrame({"deal_id": ["1"], "created_at": "2026-01-05", "status": "open"})
        deals = deals.assign(stage="Offer", amount=amount)
        snapshots.take(kh.load(deals, as_of=day), tmp_path)
    data = kh.load(deals, {"snapshots": str(tmp_path), "as_of": "2026-02-28"})
    assert counts(data) == {"sign_change": 1}


def test_where_names_are_hidden_no_id_is_an_example() -> None:
    data = loaded(HISTORY)
    hidden = dataclasses.replace(data, masked=frozenset({"owner"}), memory={})
    assert set(funnel.integrity(hidden)["examples"]) == {""}
    assert funnel.odd_rows(hidden, "skipped")["value"].isna().all()
