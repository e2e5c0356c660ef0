"""Tables for a reader: what stands in the cells, in both languages, and what data cannot do."""

import re
from html import unescape

import numpy as np
import pandas as pd
import pytest

from kpi_helpers import sheets, wording

HOSTILE = ["<script>alert(1)</script>", "**bold** $\\unknown$", 'O\'Brien & "Söhne" 🚀', "=1+1"]


def compared(**columns: object) -> pd.DataFrame:
    """Return the win rate of a quarter as `compare` gives it, with columns replaced or added."""
    row = {
        **{
            "kpi": "win_rate_count",
            "label": "Win rate (count)",
            "unit": "percent",
            "better": "higher",
        },
        **{"period": "2026Q3", "start": "2026-07-01", "end": "2026-10-01", "value": 0.2351},
        **{"numerator": 87.0, "denominator": 370.0, "n": 370.0, "low": 0.1949, "high": 0.2809},
        **{"method": "wilson", "status": "ok", "note": "", "reference_period": "2026Q2"},
        **{"reference": 0.2521, "change": -0.017, "change_relative": -0.0674},
        **{"change_low": -0.079, "change_high": 0.045, "p_value": 0.6, "p_adjusted": 0.8},
        **{"more_needed": 4100.0, "target": np.nan, "target_verdict": "none"},
        **{"change_verdict": "none_shown", "certainty": "not_established"},
    }
    row |= columns
    height = max(len(value) if isinstance(value, list) else 1 for value in row.values())
    whole = {n: value if isinstance(value, list) else [value] * height for n, value in row.items()}
    return pd.DataFrame(whole)


GONE = {
    **dict.fromkeys(["value", "low", "high", "n", "reference", "change"], np.nan),
    **{"status": "missing", "certainty": "missing", "change_verdict": "no_reference"},
}
AIMED = {"target": 0.25, "target_verdict": "missed", "more_needed": 264.0}


def texts(table: object) -> list[list[str]]:
    """Return the cells of a table, row by row, as a reader sees them."""
    html = re.sub(r"<style>.*?</style>", "", table.as_raw_html(), flags=re.DOTALL)
    rows = re.findall(r"<tr.*?>(.*?)</tr>", html, flags=re.DOTALL)
    cells = [re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row, flags=re.DOTALL) for row in rows]
    return [[unescape(cell) for cell in row] for row in cells]


def card(frame: pd.DataFrame, lang: str = "en", **options: object) -> list[list[str]]:
    year_ago = compared(reference_period="2025Q3", reference=0.2, change=0.035, change_relative=0.2)
    return texts(sheets.scorecard(frame, year_ago, lang, **options))


def test_the_scorecard_shows_target_and_both_earlier_periods() -> None:
    head, row = card(compared(**AIMED))
    assert head == [
        *("KPI", "Q3 2026\nplausible range\ncases", "Target", "Q2 2026", "Q3 2025"),
        "How to read it",
    ]
    assert row[:3] == ["Win rate", "23.5%\n19.5–28.1%\n370 deals", "25.0%\n94.0% of target"]
    assert row[3] == "25.2%\n−1.7 points (−6.7%)\nnot\u00a0shown"
    assert row[4].startswith("20.0%\n+3.5 points (+20.0%)")
    assert row[5].startswith("Below target, but could be chance. About 264 deals more")


def test_the_scorecard_speaks_french_in_the_words_of_the_company() -> None:
    deal = {"one": "dossier", "other": "dossiers", "gender": "m"}
    _, row = card(compared(**AIMED), "fr", terms={"deal": {"fr": deal}})
    assert row[:2] == ["Taux de gain", "23,5\u00a0%\n19,5 à 28,1\u00a0%\n370 dossiers"]
    assert row[2] == "25,0\u00a0%\n94,0\u00a0% de l’objectif"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            {"status": "indicative", "n": 17.0},
            "No change shown against Q2. "
            "Read with care: 17 deals. Over a year there would be enough.",
        ),
        ({"status": "insufficient", "n": 4.0}, "Too few cases to judge (4 deals)."),
        ({"status": "immature", "note": "Half."}, "Too early. Half."),
        (
            {"change_verdict": "worse", "certainty": "established"},
            "Deterioration confirmed against Q2.",
        ),
        (
            {"period": "2026-08", "reference_period": "2026-07"},
            "No change shown against Jul.",
        ),
        ({**AIMED, "certainty": "established"}, "Target missed, confirmed."),
    ],
)
def test_how_to_read_a_figure(columns: dict, said: str) -> None:
    assert card(compared(**columns))[1][-1] == said


@pytest.mark.parametrize("was", [{}, GONE | {"value": 0.2351, "status": "ok", "n": 370.0}])
def test_what_is_shown_against_the_year_before_is_read_first(was: dict) -> None:
    fell = {"reference_period": "2025Q3", "change_verdict": "worse", "certainty": "established"}
    now = compared(**was | {"certainty": "not_established"} if was else {})
    row = texts(sheets.scorecard(now, compared(**fell), "en"))[1]
    assert row[-2].endswith("worse, confirmed")
    assert row[-1] == "Deterioration confirmed against Q3 2025."


def test_what_is_too_early_stands_beside_the_last_that_can_be_read() -> None:
    frame = compared(status="immature", readable_period="2026Q1", readable=0.093)
    assert "Last quarter that can be read: Q1 2026 (9.3%)." in card(frame)[1][-1]


def test_a_change_through_zero_has_no_relative_one() -> None:
    assert card(compared(value=-0.02, change=-0.2721))[1][2].split("\n")[1] == "−27.2 points"


def test_a_kpi_without_any_value_is_named_under_the_table_with_the_reason() -> None:
    gone = compared(**GONE, kpi="own", label="<b>CAC</b>", note="This source lacks spend: cac.")
    rows = card(pd.concat([gone, compared()]))
    assert rows[1][0] == "Win rate"
    assert "This source lacks spend: <b>CAC</b>." in rows[2][0]


def test_a_period_without_any_figure_says_so() -> None:
    rows = card(compared(**GONE, note="No deals."))
    assert rows[1] == ["Nothing to report"]
    assert "No deals: Win rate." in rows[2][0]


def test_money_is_written_in_its_currency() -> None:
    frame = compared(unit="money", value=2_982_255.0, low=np.nan, high=np.nan, n=np.nan)
    assert card(frame, currency="USD")[1][1] == "$2,982,255"


# --- changes ------------------------------------------------------------------------------------


def test_changes_say_what_is_confirmed_and_how_many_cases_the_rest_would_take() -> None:
    sure = {"change_verdict": ["none_shown", "worse", "better"], "certainty": "established"}
    frame = compared(**sure, p_value=[0.6, 0.001, np.nan], kpi=["win_rate_count", "aov", "revenue"])
    head, *rows = texts(sheets.changes(frame, "en"))
    assert head[1:3] == ["Q2 2026", "Q3 2026"]
    assert rows[0][1:5] == ["25.2%", "23.5%", "−1.7 points (−6.7%)", "−7.9 to +4.5 points"]
    assert [row[5] for row in rows] == ["not\u00a0shown", "worse, confirmed", "actual"]
    assert [row[6] for row in rows] == ["4,100", "", ""]


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_range_that_leaves_0_out_but_is_not_shown_says_why(lang: str) -> None:
    frame = compared(change_high=-0.004)
    said = texts(sheets.changes(frame, lang))[1][5].replace("\u00a0", " ")
    why = {"en": "among so many figures", "fr": "tant de chiffres"}[lang]
    assert why in said
    assert why in wording.verdict(frame.iloc[0], lang)
    assert why not in wording.verdict(compared().iloc[0], lang)


def test_a_kpi_without_reference_is_no_change_but_a_group_keeps_its_row() -> None:
    alone = {"reference": np.nan, "change": np.nan, "change_low": np.nan, "change_high": np.nan}
    frame = compared(**alone, change_verdict="no_reference", owner=["Ana", None])
    assert texts(sheets.changes(frame, "en"))[1] == ["Nothing to report"]
    head, group, *rows = texts(sheets.changes(frame, "en", by=["owner"], name="breakdown"))
    assert (head, group) == (["KPI", "Q3 2026", "Plausible range", "Cases"], ["Win rate"])
    assert [row[0] for row in rows] == ["Ana", "(blank)"]


def test_others_are_named_as_the_reference_of_groups() -> None:
    frame = compared(owner="Ana", reference_period="2026Q3")
    assert texts(sheets.changes(frame, "en", by=["owner"]))[0][1] == "The others"


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_data_stays_text(text: str) -> None:
    frame = compared(kpi="own", label=text, note=text, owner=text)
    for table in (sheets.scorecard(frame, frame, "en"), sheets.changes(frame, "en", by=["owner"])):
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


def test_the_heat_table_has_a_check_a_row_and_a_table_a_column() -> None:
    both = checks(table=["deals", "orders"])
    head, first, second, note = texts(sheets.heat(both, "en"))
    assert head == ["What was found", "Deals", "Orders"]
    assert first == ["Closed before it was created", "0.0% · Blocking", ""]
    assert second == ["Open although its expected close has passed", "", "13.4% · Warning"]
    assert "Blocked by “Closed before it was created”: Sales cycle length." in note[0]
    html = sheets.heat(both, "en").as_raw_html()
    assert len(set(re.findall(r"<td[^>]*background-color: (#\w+)", html))) == 2


def test_files_that_are_no_tables_share_a_line_and_are_in_no_heat_table() -> None:
    both = pd.concat([checks(table=["<b>.md", name]).head(1) for name in "wxyz"])
    head, row = texts(sheets.quality_table(both.assign(column=""), "en"))
    assert row[head.index("Where")] == "<b>.md, <b>.md, <b>.md and 1 more"
    assert texts(sheets.heat(both, "en"))[1] == ["Nothing to report"]


def test_no_finding_is_said_to_weaken_nothing() -> None:
    note = texts(sheets.heat(checks().head(0), "fr"))[-1][0]
    assert "Aucun KPI n’est bloqué ni fragilisé." in note


def test_every_row_is_accounted_for_with_its_money_and_the_score() -> None:
    counts = {"rows": [1205], "used": [1200], "excluded": [5], "flagged": [7]}
    money = {"money": [4500.0], "money_used": [4000.0], "money_excluded": [500.0]}
    frame = pd.DataFrame({"table": ["deals"], "file": ["deals.csv"], **counts, **money})
    table = sheets.accounts(frame, 87, "fr")
    amounts = ["4\u202f500\u00a0€", "500\u00a0€"]
    assert texts(table)[1] == [
        "Affaires",
        "deals.csv",
        "1\u202f205",
        "1\u202f200",
        "5",
        "7",
        *amounts,
    ]
    assert "87 sur 100" in table.as_raw_html()
    assert "deals.csv" not in sheets.accounts(frame.drop(columns="file"), 87, "fr").as_raw_html()


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
    frame, copy = compared(owner=["Ana", "Bo"]), compared(owner=["Ana", "Bo"])
    one, two = (sheets.changes(frame, "en", by=["owner"]).as_raw_html() for _ in range(2))
    assert one == two
    pd.testing.assert_frame_equal(frame, copy)


def test_headers_are_headers() -> None:
    html = sheets.scorecard(compared(), compared(), "en").as_raw_html()
    assert html.count('scope="col"') == 5
    assert html.count('scope="row"') == 1


def test_the_numbers_of_a_column_have_the_same_decimals() -> None:
    cycle = {"kpi": "sales_cycle", "label": "Sales cycle", "unit": "days", "owner": ["Ann", "Bob"]}
    cycle |= {"value": [8.5, 37.25], "low": [7.0, 31.0], "high": [9.5, 44.0]}
    cycle |= {"reference": [8.0, 45.0], "change": [0.5, -7.75]}
    frame = compared(**cycle, change_low=[-2.0, -24.0], change_high=[3.0, 10.0])
    _, _, ann, bob = texts(sheets.changes(frame, "en", by=["owner"]))
    assert ann[1:4] == ["8 days", "8.5 days", "7.0–9.5 days"]
    assert bob[1:4] == ["45 days", "37.3 days", "31.0–44.0 days"]
    assert [row[5].partition(" (")[0] for row in (ann, bob)] == ["+0.5 days", "−7.8 days"]
    assert [row[6] for row in (ann, bob)] == ["−2 to +3 days", "−24 to +10 days"]
    tidy = frame[[*wording.told.TIDY, "owner"]]
    shown = [row[2:4] for row in texts(sheets.measured(tidy, "fr"))[-2:]]
    assert shown == [
        ["8,5 jours", "7,0 à 9,5 jours"],
        ["37,3 jours", "31,0 à 44,0 jours"],
    ]


def test_a_declared_table_has_the_same_decimals_down_a_column() -> None:
    spent = {
        "channel": ["a", "b"],
        "leads": [3, 40],
        "spend": [86.49, 40.0],
        "net": [86.49, 4647.0],
    }
    rows = texts(sheets.selling(pd.DataFrame(spent), "channels", "en"))[1:3]
    assert [row[2:4] for row in rows] == [["€86.49", "€86"], ["€40.00", "€4,647"]]
