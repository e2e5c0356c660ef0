"""The tables that every random company has alike: reps, targets, forecasts, actions, mailings."""

import datetime as dt

import pandas as pd

FIRST, AS_OF = dt.date(2024, 7, 1), dt.date(2026, 6, 30)
DAY = "datetime64[us]"


def reps() -> pd.DataFrame:
    """Three reps, of whom one came and one left in the middle of a month."""
    came, left = pd.Timestamp("2025-11-17"), pd.Timestamp("2026-01-20")
    return pd.DataFrame(
        {
            "owner": ["Ann", "Bob", "Cyd"],
            "team": ["North", "South", "South"],
            "start": [None, came, None],
            "end": [None, None, left],
            "fte": [1.0, None, 0.5],
        }
    ).astype({"start": DAY, "end": DAY})


def targets() -> pd.DataFrame:
    """Quarterly targets of the company and of two reps, for orders and deals."""
    rows = [
        (metric, start, start + pd.offsets.QuarterEnd(), scope, who, 100.0 * (place + 1) + extra)
        for place, start in enumerate(pd.date_range("2024-07-01", "2026-04-01", freq="QS"))
        for metric in ("revenue", "bookings")
        for scope, who, extra in (("company", None, 900), ("rep", "Ann", 50), ("rep", "Bob", 0))
    ]
    names = ["metric", "period_start", "period_end", "scope_type", "scope_value", "value"]
    return pd.DataFrame(rows, columns=names)


def mailings() -> pd.DataFrame:
    """A mailing a month, and one a year that nobody opened."""
    days = pd.date_range(FIRST, AS_OF, freq="MS")
    opens = [float(place % 12) for place in range(len(days))]
    return pd.DataFrame({"date": days, "campaign": "news", "delivered": 20.0, "opens": opens})


def forecasts() -> pd.DataFrame:
    """Of each quarter one forecast in time, and one made when it was over."""
    starts = pd.date_range("2024-07-01", "2026-04-01", freq="QS")
    spans = {"period_start": starts, "period_end": starts + pd.offsets.QuarterEnd()}
    first = pd.DataFrame({"metric": "revenue", "value": 500.0, **spans, "made_at": starts})
    late = first.assign(made_at=first["period_end"] + pd.Timedelta(1, "D"), value=1.0)
    every = pd.concat([first, late], ignore_index=True)
    return every[every["made_at"] <= pd.Timestamp(AS_OF)]


def actions() -> pd.DataFrame:
    """An action due on the last day of each month, every third of them late or never done."""
    due = pd.date_range(FIRST, AS_OF, freq="ME")
    late = pd.Series(range(len(due))) % 3
    done = pd.Series(due + pd.Timedelta(1, "D")).where(late != 0, due[0]).where(late != 1)
    given = dict.fromkeys(["kpi_id", "root_cause", "action"], "x")
    given |= {"owner": "Ann", "expected_effect": 0.1, "created_at": FIRST, "start_date": FIRST}
    ids = [str(number) for number in range(len(due))]
    return pd.DataFrame({"action_id": ids, **given, "due_date": due, "done_date": done})
