"""The definition panel: what another definition changes is seen before it is adopted."""

from pathlib import Path

import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers.actions import adapted
from kpi_helpers.controls.defining import defining, redefined
from kpi_helpers.sources import Dataset

RATE = "lead_to_customer_rate"


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    """A hundred leads, of which twenty convert after 10 days and twenty after 50."""
    (tmp_path / "data").mkdir()
    made = pd.Series(pd.date_range("2025-10-01", periods=100, freq="h"))
    days = pd.Series([10] * 20 + [50] * 20 + [None] * 60, dtype="Float64")
    won = made + pd.to_timedelta(days, "D")
    leads = {"lead_id": range(100), "created_at": made, "converted_at": won, "source": "web"}
    leads |= {"mql_at": made, "sql_at": made.where(made.index < 30)}
    pd.DataFrame(leads).to_csv(tmp_path / "data" / "leads.csv", index=False)
    deals = pd.DataFrame({"deal_id": range(50), "created_at": made[:50]})
    deals = deals.assign(closed_at="2025-11-30", status="won", amount=1200.0)
    deals.to_csv(tmp_path / "data" / "deals.csv", index=False)
    (tmp_path / "kpi.toml").write_text(
        'schema = 1 # ours\nlanguage = "en"\nas_of = 2026-03-31\n'
        f'kpis = ["{RATE}", "bookings"]\n[windows]\n{RATE} = 90\n',
        "utf-8",
    )
    return kh.load(tmp_path / "data")


def figures(data: Dataset, **said: object) -> dict[str, tuple[float, float]]:
    frame = redefined(data, "2025Q4", **said).frame
    assert frame is not None
    return {row["kpi"]: (row["before"], row["after"]) for row in frame.to_dict("records")}


def test_nothing_typed_changes_nothing(data: Dataset) -> None:
    assert figures(data) == {}
    assert figures(data, windows={RATE: "90"}, lag="", tax="0") == {}


def test_a_shorter_window_counts_fewer(data: Dataset) -> None:
    assert figures(data, windows={RATE: "30"})[RATE] == (0.4, 0.2)
    assert figures(data, windows={RATE: "none"}) == {}


def test_who_counts_as_qualified(data: Dataset) -> None:
    found = figures(data, qualified="marketing_qualified_leads")
    assert found["qualified_leads"] == (30, 100)


def test_a_tax_is_taken_out_of_the_amounts(data: Dataset) -> None:
    before, after = figures(data, tax="20")["bookings"]
    assert (before, after) == (60_000, pytest.approx(50_000))


@pytest.mark.parametrize(
    "said", [{"lag": "soon"}, {"windows": {RATE: "-3"}}, {"terms": {"lead": "<b>"}}]
)
def test_what_is_no_definition_is_said(data: Dataset, said: dict[str, object]) -> None:
    control = defining(data)
    control.set(**said)
    assert 'role="alert"' in control._fault.value
    assert "<b>" not in control._fault.value


def test_what_is_adopted_holds_and_stands_in_the_log(data: Dataset) -> None:
    control = defining(data, "2025Q4")
    control.offers["defining.save"].click()
    assert "Nothing has been filled in" in control._fault.value
    hostile = "<img src=x onerror=alert(1)>"
    control.set(windows={RATE: "30"}, tax="20", terms={"lead": f"{hostile}, requests"})
    assert control.shown.sentences == redefined(data, "2025Q4", **control.values).sentences
    assert "<img" not in control._said.value
    why, who = control.left.children[-3:-1]
    why.value, who.value = hostile, "Zoë"
    control.offers["defining.save"].click()
    assert control._fault.value == ""
    assert "<img" not in control._side.value

    new = kh.load(Path(data.config.file).parent / "data")
    assert new.config.windows == {RATE: 30}
    assert new.config.terms["lead"]["en"] == {"one": hostile, "other": "requests"}
    assert new["deals"]["amount"].unique().tolist() == [1000.0]
    log = new["kpi_log"].set_index("kpi_id")
    assert log.loc[RATE, "old_definition"] == f"windows.{RATE} = 90"
    assert [*log.loc[RATE, ["reason", "decided_by"]]] == [hostile, "Zoë"]
    assert (Path(data.config.file)).read_text("utf-8").startswith("schema = 1 # ours\n")
    # The next report measures each quarter under both.
    both = adapted(new).query("kpi == @RATE").set_index("period")
    assert [*both.loc["2025Q4", ["by_old", "by_new"]]] == [0.4, 0.2]
