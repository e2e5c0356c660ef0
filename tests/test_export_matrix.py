"""Eighty exports of one company, by vendor, language and dialect: the same tables, cell by cell."""

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from vendors import CUSTOM_AS, DIALECTS, LABELS, LANGUAGES, Dialect, expected, export, matrix

import kpi_helpers as kh
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.recognition import recognising
from kpi_helpers.sources.tables import DEALS
from kpi_helpers.sources.written import settings_text

pytestmark = pytest.mark.thorough

MATRIX = list(matrix())


def cells(data: Dataset, lang: str) -> pd.DataFrame:
    frame = data["deals"][[*DEALS.names, CUSTOM_AS[lang]]]
    return frame.sort_values("deal_id", ignore_index=True)


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    assert list(found) == list(wanted)
    for name in wanted:
        pairs = zip(found[name], wanted[name], strict=True)
        differ = [(a, b) for a, b in pairs if not (a == b or (pd.isna(a) and pd.isna(b)))]
        assert differ == [], name


def test_there_are_at_least_sixty() -> None:
    assert len(MATRIX) >= 60


@pytest.mark.parametrize(
    ("vendor", "lang", "how"), MATRIX, ids=[f"{v}-{lang}-{d.name}" for v, lang, d in MATRIX]
)
def test_every_export_reads_to_the_same_deals(
    vendor: str, lang: str, how: Dialect, tmp_path: Path
) -> None:
    data = kh.load(export(tmp_path, vendor, lang, how))
    match = data.mapped["deals"].match
    assert match is not None
    assert (match.profile.vendor, match.language) == (vendor, lang)
    same(cells(data, lang), expected(vendor, lang))


@pytest.mark.parametrize("how", [how for how in DIALECTS if how.framed], ids=lambda how: how.name)
def test_what_stands_around_a_report_is_listed(how: Dialect, tmp_path: Path) -> None:
    listed = kh.left_out(kh.load(export(tmp_path, "Salesforce", "fr", how)))
    excluded = listed.loc[listed["action"] == "excluded", ["line", "reason"]]
    assert excluded.sort_values("line").to_numpy().tolist() == [
        [1, "title_line"],
        [2, "title_line"],
        [28, "total_row"],
        [29, "footer_line"],
        [30, "footer_line"],
    ]
    assert "unreadable" not in {*listed["reason"]}


@pytest.mark.parametrize("vendor", LABELS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_settings_written_give_the_same_tables(
    vendor: str, lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the profile, which they win over, and by themselves."""
    how = DIALECTS[len(vendor) % len(DIALECTS)]
    source = export(tmp_path, vendor, lang, how)
    data = kh.load(source, {"language": lang})
    settings = tomllib.loads(settings_text(data))
    for known in (True, False):
        again = kh.load(source, settings)
        pd.testing.assert_frame_equal(again["deals"], data["deals"])
        assert again.as_of == data.as_of
        assert (again.mapped["deals"].match is not None) is known
        monkeypatch.setattr(recognising, "_match", lambda *_: None)
