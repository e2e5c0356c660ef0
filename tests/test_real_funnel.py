"""The way from lead to order on published data: a stage log, leads by channel, no history."""

import datetime as dt
import tomllib

import numpy as np
import pandas as pd
import pytest
from packs import HERE, REAL, opened
from statsmodels.duration.survfunc import CumIncidenceRight

import kpi_helpers as kh
from kpi_helpers import funnel
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.engine import frame_of

pytestmark = pytest.mark.thorough

HANDLED = {
    **dict.fromkeys(["Resolve ticket", "Resolve SW anomaly", "RESOLVED"], "Resolve"),
    **{"Closed": "Closed", "*": "Open"},
}


def walked(data: Dataset) -> pd.DataFrame:
    return frame_of(data.con, funnel.journeys(data))


@pytest.fixture(scope="module")
def helpdesk() -> Dataset:
    """The log of the help desk, with its activities sorted into three stages."""
    opened("helpdesk")  # skips where it is not there
    settings = tomllib.loads((HERE / "real" / "helpdesk.toml").read_text("utf-8"))
    settings["stages"] = ["Open", "Resolve", "Closed"]
    settings["tables"]["stage_history"]["values"] = {"stage": HANDLED}
    return kh.load(REAL / "helpdesk", settings)


def test_helpdesk_is_a_stage_log_from_the_first_event_to_the_first_resolve(
    helpdesk: Dataset,
) -> None:
    log = helpdesk["stage_history"]
    first = log.groupby("deal_id")["entered_at"].min()
    resolved = log[log["stage"] == "Resolve"].groupby("deal_id")["entered_at"].min()
    assert (resolved - first).median() / pd.Timedelta(days=1) == pytest.approx(5.98, abs=0.005)
    rows = walked(helpdesk)
    assert rows["step"].value_counts().to_dict() == {"Open": 4580, "Resolve": 4570, "won": 4559}
    entered = rows.pivot(index="case_id", columns="step", values="entered_at")
    assert (entered["Open"] == first.dt.normalize()).all()
    assert (entered["Resolve"].dropna() == resolved.dt.normalize()).all()
    days = (entered["Resolve"] - entered["Open"]).dt.days
    assert days.median() == 6


def test_helpdesk_closing_by_itself_is_told_apart_from_the_work(helpdesk: Dataset) -> None:
    """A resolved ticket is closed 15 to 60 days later: to its closing it would take five weeks."""
    rows = walked(helpdesk)
    days = (rows["advanced_at"] - rows["entered_at"]).dt.days.groupby(rows["step"])
    assert days.median()[["Open", "Resolve"]].tolist() == [6, 30]
    waits = rows[rows["step"] == "Resolve"].dropna(subset="advanced_at")
    shut = (waits["advanced_at"] - waits["entered_at"]).dt.days.between(15, 60)
    assert shut.mean() > 0.98
    found = funnel.integrity(helpdesk).set_index("check")
    assert found.loc["reopened", "deals"] == 3


def test_olist_leads_become_deals_by_channel_with_who_found_and_who_closed_them() -> None:
    data = opened("olist")
    leads = pd.read_csv(REAL / "olist" / "olist_marketing_qualified_leads_dataset.csv")
    deals = pd.read_csv(REAL / "olist" / "olist_closed_deals_dataset.csv")
    rows = walked(data)
    assert funnel.way(data) == ("lead", "deal", "won")
    cases = rows.pivot(index="case_id", columns="step", values="source").reset_index()
    both = leads.merge(deals, on="mql_id", how="left")
    expected = both.groupby("origin", dropna=False)["won_date"].agg(["size", "count"])
    found = rows.groupby(["source", "step"], dropna=False)["case_id"].nunique().unstack()
    assert found[["lead", "won"]].to_numpy().tolist() == expected.to_numpy().tolist()
    assert found.loc["unknown", "lead"] == 1099
    assert len(cases) == 8000
    # Who qualified and who closed is only known of deals, and stays beside the lead's channel.
    won = rows[rows["step"] == "won"].groupby(["sdr_id", "owner"])["case_id"].nunique()
    pairs = deals.groupby(["sdr_id", "sr_id"])["mql_id"].nunique()
    assert won.to_dict() == pairs.to_dict()
    assert rows[rows["step"] == "lead"]["sdr_id"].notna().sum() == deals["sdr_id"].notna().sum()


@pytest.mark.parametrize(
    ("day", "backlog"),
    [
        *[("2016-12-31", 358), ("2017-03-31", 1330), ("2017-06-30", 1686)],
        *[("2017-09-30", 2409), ("2017-12-31", 1589)],
    ],
)
def test_maven_backlog_at_the_end_of_each_quarter(day: str, backlog: int) -> None:
    """Without a history the days of engagement and closing say who was open."""
    rows = walked(opened("maven_crm").at(dt.date.fromisoformat(day)))
    begun = rows[rows["step"] == "deal"]
    assert (begun["outcome"] == "open").sum() == backlog


def test_maven_won_and_lost_compete_from_the_engagement_on() -> None:
    data = opened("maven_crm")
    chances = funnel.cycle_chances(data, "2017Q4").set_index("age")
    deals = data["deals"].query("created_at >= '2017-01-01'")
    ends = np.select([deals["is_won"], deals["is_lost"]], [1, 2], 0)
    oracle = CumIncidenceRight(deals["age_days"].astype(float), ends)
    for age in (10, 30, 90, 120):
        at = np.searchsorted(oracle.times, age, side="right") - 1
        expected = [oracle.cinc[0][at], oracle.cinc[1][at]]
        assert chances.loc[age, ["won", "lost"]].tolist() == pytest.approx(expected)
