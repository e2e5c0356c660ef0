"""Texts of periods: those that are refused, what was perhaps meant, and labels for readers."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_helpers.errors import BadConfig, BadPeriod, UnknownName
from kpi_helpers.language import LANGUAGES
from kpi_helpers.periods import FORMS, Calendar, Period, label

AS_OF, FIRST = date(2026, 9, 14), date(2024, 3, 9)
CALENDAR = Calendar()


# --- What is refused


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026T3", "2026Q3"),
        ("T3 2026", "2026Q3"),
        ("2026Q5", "2026Q4"),
        ("2026-9", "2026-09"),
        ("2026-13", "2026-12"),
        ("09/2026", "2026-09"),
        ("2026-W31", "2026W31"),
        ("2025W53", "2025W52"),
        ("2025-02-29", None),
        ("14/09/2026", "2026-09-14"),
        ("03/04/2026", "2026-03-04, 2026-04-03"),  # never guessed
        ("FY 2026", "FY2026"),
        ("FY2026-03", "2026-03"),
        ("lst", "last"),
        ("2025T1:2026T3", "2025Q1:2026Q3"),
        ("2025Q1:", None),
        ("2025Q1:2025Q2:2025Q3", "2025Q1:2025Q3"),
        ("nonsense", None),
        ("", None),
        ("1826Q1", None),
    ],
)
def test_what_is_not_a_period_is_refused_with_what_was_meant(text, meant):
    with pytest.raises(BadPeriod) as caught:
        CALENDAR.periods(text)
    said = str(caught.value)
    assert said.startswith(f"'{text}' is not a period.")
    assert ("Did you mean" in said) == (meant is not None)
    assert meant is None or f"Did you mean {meant}?" in said
    assert said.endswith(f"Allowed: {', '.join(FORMS)}.")


def read(text):
    try:
        return CALENDAR.parse(text)
    except BadPeriod as error:
        return error


@given(st.text(alphabet="0123456789QTWFYS-:/ ", max_size=16))
def test_any_text_is_read_or_refused_with_forms_that_can_be_read(text):
    found = read(text)
    if isinstance(found, Period):
        assert found.start < found.end
    else:
        assert all(found.render(lang) for lang in LANGUAGES)
        assert all(CALENDAR.parse(form, AS_OF, FIRST) for form in found.values["nearest"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026Q3:2025Q1", "'2026Q3:2025Q1' ends before it starts. Did you mean 2025Q1:2026Q3?"),
        ("2025Q1:2026-09", "mixes two kinds of periods.*Did you mean 2025-01-01:2026-09-30?"),
        ("2025:2025-03", "mixes two kinds of periods.*Did you mean 2025-01-01:2025-12-31?"),
        ("FY2025:2026", "mixes two kinds of periods"),
    ],
)
def test_ranges_that_are_refused(text, said):
    with pytest.raises(BadPeriod, match=said.replace("?", r"\?")):
        Calendar(7).periods(text)


@pytest.mark.parametrize("text", ["all:last", "2025Q1:last", "ytd:ytd", "last:2026Q3"])
def test_what_was_given_is_not_what_was_meant(text):
    with pytest.raises(BadPeriod) as refused:
        CALENDAR.parse(text, AS_OF, FIRST)
    assert refused.value.values["nearest"] == []
    assert "Did you mean" not in str(refused.value)


@pytest.mark.parametrize("grain", ["semester", "span", "Quarter"])
def test_unknown_grain(grain):
    with pytest.raises(UnknownName, match=f"Unknown grain: '{grain}'"):
        CALENDAR.periods("2026", grain)


@pytest.mark.parametrize("fiscal_start", [0, 13])
def test_a_fiscal_year_starts_in_a_month(fiscal_start):
    with pytest.raises(BadConfig, match=f"fiscal_start = '{fiscal_start}'.*1 to 12"):
        Calendar(fiscal_start)


# --- Labels


@pytest.mark.parametrize(
    ("text", "english", "french"),
    [
        ("2026Q3", "Q3 2026", "T3 2026"),
        ("2026-09", "Sep 2026", "sept. 2026"),
        ("2026-09-14", "14 Sep 2026", "14 sept. 2026"),
        ("2026", "2026", "2026"),
        ("2026W31", "W31 2026", "S31 2026"),
        ("FY2026", "FY2026", "Exercice 2026"),
        ("FY2026Q1", "Q1 FY2026", "T1 exercice 2026"),
        ("2025Q1:2026Q3", "Q1 2025 – Q3 2026", "T1 2025 – T3 2026"),
        ("ytd", "1 Jul 2026 – 14 Sep 2026", "1er juil. 2026 – 14 sept. 2026"),
        ("all", "9 Mar 2024 – 14 Sep 2026", "9 mars 2024 – 14 sept. 2026"),
    ],
)
def test_labels(text, english, french):
    period = Calendar(7).parse(text, AS_OF, FIRST)
    assert [label(period, "en"), label(period, "fr")] == [english, french]
