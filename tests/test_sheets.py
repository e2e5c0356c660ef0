"""Tables for a reader: what stands in the cells, in both languages, and what data cannot do."""

import re
from html import unescape

import numpy as np
import pandas as pd
import pytest

from kpi_helpers import sheets

HOSTILE = ["<script>alert(1)</script>", "**bold** $\\unknown$", 'O\'Brien & "Söhne" 🚀', "=1+1"]


def tidy(**columns: list) -> pd.DataFrame:
    """Return a tidy frame of two quarters of the win rate, with columns replaced or added."""
    rows = {
        "kpi": ["win_rate_count"] * 2,
        "label": ["Win rate"] * 2,
        "unit": ["percent"] * 2,
        "better": ["higher"] * 2,
        "period": ["2026Q2", "2026Q3"],
        "start": pd.to_datetime(["2026-04-01", "2026-07-01"]),
        "end": pd.to_datetime(["2026-07-01", "2026-10-01"]),
        "value": [0.2521, 0.2351],
        "numerator": [91.0, 87.0],
        "denominator": [361.0, 370.0],
        "n": [361, 370],
        "low": [0.2100, 0.1949],
        "high": [0.2994, 0.2809],
        "method": ["wilson"] * 2,
        "status": ["ok"] * 2,
        "note": [""] * 2,
    }
    return pd.DataFrame({**rows, **columns})


def texts(table: object) -> list[list[str]]:
    """Return the cells of a table, row by row, as a reader sees them."""
    html = re.sub(r"<style>.*?</style>", "", table.as_raw_html(), flags=re.DOTALL)
    rows = re.findall(r"<tr.*?>(.*?)</tr>", html, flags=re.DOTALL)
    cells = [re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row, flags=re.DOTALL) for row in rows]
    return [[unescape(cell) for cell in row] for row in cells]


def test_scorecard_shows_the_period_beside_the_one_before() -> None:
    head, row = texts(sheets.scorecard(tidy(), "en"))
    assert head == ["KPI", "Q3 2026", "Plausible range", "Cases", "Q2 2026"]
    assert row == ["Win rate", "23.5%", "19.5–28.1%", "370", "25.2%"]


def test_how_to_read_it_is_a_column_as_soon_as_one_figure_needs_it() -> None:
    both = pd.concat([tidy(), tidy(kpi="cac", note=["", "Half a quarter."])])
    head, first, second = texts(sheets.scorecard(both, "en"))
    assert [row[-1] for row in (head, first, second)] == ["How to read it", "", "Half a quarter"]


def test_scorecard_speaks_french() -> None:
    head, row = texts(sheets.scorecard(tidy(label=["Taux de gain"] * 2), "fr"))
    assert head[:3] == ["KPI", "T3 2026", "Fourchette plausible"]
    assert row[:5] == ["Taux de gain", "23,5\u00a0%", "19,5 à 28,1\u00a0%", "370", "25,2\u00a0%"]


def test_the_order_of_the_rows_does_not_decide_which_period_is_shown() -> None:
    frame = tidy()
    assert texts(sheets.scorecard(frame.iloc[::-1], "en")) == texts(sheets.scorecard(frame, "en"))


def test_one_period_has_no_column_before() -> None:
    head, row = texts(sheets.scorecard(tidy().tail(1), "en"))
    assert head == ["KPI", "Q3 2026", "Plausible range", "Cases"]
    assert len(row) == len(head)


@pytest.mark.parametrize(
    ("status", "n", "said"),
    [
        ("indicative", 17, "Read with care: 17 cases"),
        ("insufficient", 4, "Too few cases to judge (4)"),
        ("immature", 40, "Too early"),
        ("missing", 0, "Not available"),
    ],
)
def test_small_numbers_and_gaps_are_said(status: str, n: int, said: str) -> None:
    _, row = texts(sheets.scorecard(tidy(status=["ok", status], n=[361, n]), "en"))
    assert row[-1] == said


def test_the_reason_stands_in_for_the_status() -> None:
    frame = tidy(status=["ok", "missing"], value=[0.25, np.nan], note=["", "No deal decided."])
    _, row = texts(sheets.scorecard(frame.assign(low=np.nan, high=np.nan), "en"))
    assert row == ["Win rate", "–", "–", "370", "25.0%", "No deal decided"]


@pytest.mark.parametrize(
    ("n", "said"), [(100, "Half a quarter"), (17, "Read with care: 17 cases. Half a quarter")]
)
def test_a_reason_does_not_hide_that_the_cases_are_few(n: int, said: str) -> None:
    frame = tidy(status=["ok", "indicative"], n=[361, n], note=["", "Half a quarter."])
    assert texts(sheets.scorecard(frame, "en"))[1][-1] == said


def test_a_kpi_without_any_value_is_named_under_the_table_with_the_reason() -> None:
    gone = tidy(kpi=["cac"] * 2, label=["<b>CAC</b>"] * 2, status=["missing"] * 2)
    gone["note"] = "This source lacks spend: cac cannot be computed."
    rows = texts(sheets.scorecard(pd.concat([gone, tidy()]), "en"))
    assert [row[0] for row in rows[1:]] == ["Win rate", rows[2][0]]
    assert "This source lacks spend: <b>CAC</b>." in rows[2][0]
    assert "<b>" not in sheets.scorecard(pd.concat([gone, tidy()]), "en").as_raw_html()


def test_a_period_without_any_figure_says_so() -> None:
    rows = texts(sheets.scorecard(tidy(status=["missing"] * 2, note="No deals.").tail(1), "en"))
    assert rows[1] == ["Nothing to report"]
    assert "No deals: Win rate." in rows[2][0]


def test_a_caveat_of_the_earlier_figure_is_said_too() -> None:
    frame = tidy(status=["immature", "ok"], note=["Made by the start of the data", ""])
    _, row = texts(sheets.scorecard(frame, "en"))
    assert row[-1] == "Q2 2026 – Made by the start of the data"


def test_money_is_written_in_its_currency() -> None:
    frame = tidy(unit=["money"] * 2, value=[2e6, 2_982_255.0])
    _, row = texts(sheets.scorecard(frame, "en", "USD"))
    assert row[1] == "$2,982,255"


def test_two_tables_of_a_page_have_their_own_ids() -> None:
    both = [sheets.scorecard(frame, "en").as_raw_html() for frame in (tidy(), tidy(owner="Ana"))]
    assert [html.split('"')[1] for html in both] == ["scorecard", "scorecard-owner"]


def test_groups_keep_their_kpi_together_and_show_who_has_left() -> None:
    both = pd.concat([tidy(owner=["Ana", "Ana"]), tidy(owner=["Bo", "Bo"]).head(1)])
    rows = texts(sheets.scorecard(both.assign(owner=both["owner"].replace("Bo", None)), "en"))
    assert rows[1] == ["Win rate"]
    assert [row[:2] for row in rows[2:]] == [["Ana", "23.5%"], ["(blank)", "–"]]
    assert rows[3][4] == "25.2%"


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_data_stays_text(text: str) -> None:
    table = sheets.scorecard(tidy(label=[text] * 2, note=["", text], owner=[text] * 2), "en")
    html = table.as_raw_html()
    assert "<script" not in html
    assert "<strong>" not in html
    assert any(text in cell for row in texts(table) for cell in row)


def checks(**columns: list) -> pd.DataFrame:
    rows = {
        "check": ["closed_before_created", "past_expected_close"],
        "table": ["deals", "deals"],
        "column": ["closed_at", "expected_close"],
        "rows": [3, 1205],
        "share": [0.0003, 0.1339],
        "money": [4500.0, np.nan],
        "severity": ["block", "warn"],
        "kpis": ["sales_cycle_duration", ""],
        "consequence": [
            "Closed before it was created: not in the cycle length.",
            "Open although its expected close has passed\u00a0: the pipeline is inflated.",
        ],
        "fix": ["Correct one of the dates.", "Close it."],
    }
    return pd.DataFrame({**rows, **columns})


def test_quality_lists_the_checks_with_their_money() -> None:
    table = sheets.quality_table(checks(), "fr")
    first = texts(table)[1]
    assert first[:3] == ["Closed before it was created", "Bloquant", "deals.closed_at"]
    assert first[5:7] == ["4\u202f500\u00a0€", "Not in the cycle length."]
    assert first[7] == "Correct one of the dates."
    assert texts(table)[2][3] == "1\u202f205"
    assert texts(table)[2][6] == "The pipeline is inflated."


def test_nothing_found_is_said() -> None:
    assert ["Nothing to report"] in texts(sheets.quality_table(checks().head(0), "en"))


def listed(rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "table": "deals",
            "file": "deals.csv",
            "line": range(2, rows + 2),
            "column": "amount",
            "value": [str(-i) for i in range(rows)],
            "reason": "refund_not_typed",
            "action": ["excluded", "flagged"] * (rows // 2),
            "money": [-float(i) for i in range(rows)],
        }
    )


def test_rows_left_out_come_first_with_the_most_money_and_their_number() -> None:
    rows = texts(sheets.rows_left_out(listed(1300), "en", limit=2))
    assert [row[0] for row in rows[1:3]] == ["deals.csv, line 1300", "deals.csv, line 1298"]
    assert rows[1][3:] == ["Negative amount without a type", "Left out", "−€1,298"]
    assert "at most 2 rows for each reason" in rows[-1][0]
    assert "1,300" in rows[-1][0]
    assert [row[4] for row in rows[1:-1]] == ["Left out"] * 2 + ["Used, flagged"] * 2


def test_rows_without_a_line_that_look_alike_share_one() -> None:
    frame = listed(1000).assign(line=np.nan, value=None, action="flagged")
    head, row = texts(sheets.rows_left_out(frame, "en"))
    assert (row[0], row[5]) == ("deals.csv, 1,000 rows", "−€499,500")
    assert len(head) == len(row)


def test_money_that_nobody_knows_is_no_zero() -> None:
    frame = listed(2).assign(money=np.nan)
    assert texts(sheets.rows_left_out(frame, "en"))[1][5] == "–"


def test_all_rows_need_no_note() -> None:
    assert len(texts(sheets.rows_left_out(listed(4), "en"))) == 1 + 4  # the header and the rows


def test_the_same_frame_gives_the_same_table_and_is_left_alone() -> None:
    frame, copy = tidy(owner=["Ana", "Bo"]), tidy(owner=["Ana", "Bo"])
    assert (
        sheets.scorecard(frame, "en").as_raw_html() == sheets.scorecard(frame, "en").as_raw_html()
    )
    pd.testing.assert_frame_equal(frame, copy)


def test_headers_are_headers() -> None:
    html = sheets.scorecard(tidy(), "en").as_raw_html()
    assert html.count('scope="col"') == 5
    assert html.count('scope="row"') == 1
