"""What stands at the top of a page, worked by hand on a few rows."""

import pandas as pd

from kpi_helpers import left_out, load
from kpi_helpers.reports.facts import facts

DEALS = pd.DataFrame(
    {
        "deal_id": ["1", "2", "3", "3", "4"],
        "created_at": ["2026-01-05", "2026-02-05", "2026-03-05", "2026-03-05", "2026-03-06"],
        "status": ["won", "lost", "won", "won", "won"],
        "closed_at": ["2026-02-01", "2026-03-01", "2026-03-09", "2026-03-09", "2026-03-10"],
        "amount": [100.0, 200.0, 300.0, 300.0, 400.0],
    }
)


def top(**settings: object) -> dict[str, str]:
    tables = {"deals": {"deduplicate": ["deal_id"]}}
    config = {"schema": 1, "language": "en", "name": "Acme", "tables": tables, **settings}
    data = load(DEALS, config)
    return facts(data, data.config.calendar.parse("2026Q1", data.as_of, data.first))


def test_rows_left_out_are_counted_with_their_money() -> None:
    assert top()["Rows left out"] == "1 · €300"


def test_rows_that_are_used_though_flagged_are_counted_apart() -> None:
    late = DEALS.assign(created_at=["2026-02-05", *DEALS["created_at"][1:]])
    data = load(late, {"schema": 1, "language": "en", "tables": {}})
    said = facts(data, data.config.calendar.parse("2026Q1", data.as_of, data.first))
    listed = left_out(data)
    assert set(listed["action"]) == {"flagged"}
    n = len(listed.drop_duplicates(["table", "line"]))
    assert said["Rows left out"] == f"0 · {n} flagged, used"


def test_the_age_of_the_newest_row_is_said() -> None:
    assert top()["Newest row"] == "10 March 2026"
    assert top(as_of="2026-03-31")["Newest row"] == "10 March 2026, 21 days before"


def test_the_score_and_the_checks_are_said() -> None:
    assert top()["Data quality"].split(" · ")[0].endswith(" / 100")


def test_owner_and_audience_are_said_where_the_settings_name_them() -> None:
    said = top(owner="Ana <b>", audience="Board")
    assert (said["Owner"], said["Audience"]) == ("Ana <b>", "Board")
    assert not {"Owner", "Audience"} & set(top())
