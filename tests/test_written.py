"""What is said and written of what was understood, and that it can be loaded again."""

import dataclasses
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from exports import put
from hypothesis import given
from hypothesis import strategies as st
from vendors import DIALECTS, export

import kpi_helpers as kh
from kpi_helpers.cli import main
from kpi_helpers.errors import BadConfig, KpiError
from kpi_helpers.reports import opened
from kpi_helpers.sources.config import Config, TableConfig
from kpi_helpers.sources.recognition.understood import understood, understood_lines
from kpi_helpers.sources.stages import stage_order
from kpi_helpers.sources.written import settings_text, write_settings

NBSP = "\u00a0"
HOSTILE = [
    'a"]\n[tables.leads]\nfile = "x',
    "'''",
    "\\",
    "#",
    "a\tb",
    "\x7f\x01",
    "=1+1",
    "{custom}",
    "[x]",
    "é’ \u2028",
]


def frames() -> dict[str, pd.DataFrame]:
    deals = pd.DataFrame({"deal_id": ["1"], "created_at": ["2026-01-05"], "status": ["open"]})
    moves = [
        ("1", "C", 9),
        ("1", "A", 1),
        ("1", "B", 5),
        ("2", "A", 2),
        ("2", "C", 4),
        ("3", "B", 3),
    ]
    history = pd.DataFrame(
        [{"deal_id": d, "stage": s, "entered_at": f"2026-01-{day:02}"} for d, s, day in moves]
    )
    return {"deals": deals, "stage_history": history}


LOADED = kh.load(frames()["deals"])


def test_check_says_vendor_columns_words_evidence_and_dimensions(tmp_path: Path) -> None:
    source = export(tmp_path, "Salesforce", "fr", DIALECTS[1])
    lines = list(understood_lines(kh.load(source, {"language": "en"})))
    assert lines[0] == "Salesforce (fr), deals: 12 of 13 columns known (export.csv)"
    assert "  created_at ← Date de création (seen in 15 of 24 rows: dd/mm)" in lines
    assert "    Fermé gagné → won" in lines
    assert "  amount ← Montant (seen in 23 of 23 rows: decimal comma)" in lines
    assert "  Kept as dimensions: budget_valide" in lines
    french = list(understood_lines(kh.load(source, {"language": "fr"})))
    assert f"(vu dans 15 des 24 lignes{NBSP}: jj/mm)" in "".join(french)
    own = list(understood_lines(kh.load(frames()["deals"], {"language": "en"})))
    assert own[-1] == "Amounts in EUR"
    assert own[-2].startswith("  Found under the kit’s own names: deal_id, ")
    assert "deal_id ←" not in "".join(own)
    (said,) = understood(kh.load(source))
    assert (said["vendor"], said["known"], said["total"]) == ("Salesforce", 12, 13)
    assert said["read"]["created_at"] == {"as": "dmy", "by": "rows", "rows": 15, "of": 24}


def test_the_command_writes_once_and_replaces_only_when_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = export(tmp_path, "HubSpot", "fr", DIALECTS[0])
    assert main(["check", source.name, "--write", "kpi.toml", "--lang", "fr"]) == 0
    first = (tmp_path / "kpi.toml").read_bytes()
    assert tomllib.loads(first.decode())["tables"]["deals"]["file"] == "export.csv"
    assert main(["check", source.name, "--write", "kpi.toml", "--lang", "en"]) == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "kpi.toml").read_bytes() == first
    assert main(["check", source.name, "--write", "kpi.toml", "--force", "--lang", "fr"]) == 0
    again = (tmp_path / "kpi.toml").read_bytes()
    assert tomllib.loads(again.decode()) == tomllib.loads(first.decode())
    assert {each.name for each in tmp_path.iterdir()} == {"export.csv", "kpi.toml"}


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KpiError, match=r"absent.kpi.toml could not be written"):
        write_settings(kh.load(frames()), tmp_path / "absent" / "kpi.toml")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KpiError, match=r"^\. is there already"):
        write_settings(kh.load(frames()), Path())


@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=8), min_size=4, max_size=4))
def test_no_name_or_word_can_end_its_text(texts: list[str]) -> None:
    name, stage, key, word = (text.encode("utf-8", "ignore").decode() for text in texts)
    spec = TableConfig(values={"status": {key: word}}, columns={"deal_id": word})
    config = Config(name=name, stages=(stage,), segments={key: word}, tables={"deals": spec})
    again = tomllib.loads(settings_text(dataclasses.replace(LOADED, config=config)))
    assert (again["name"], again["stages"], again["segments"]) == (name, [stage], {key: word})
    deals = again["tables"]["deals"]
    assert (deals["values"], deals["columns"]) == ({"status": {key: word}}, {"deal_id": word})


def test_hostile_headers_are_written_and_read_again(tmp_path: Path) -> None:
    header = 'Record ID,Deal Name,Deal Stage,"Create Date","Date entered ""x""] # \\ """"y",Amount'
    rows = "\n1,A,Closed Won,2026-01-15,2026-01-20,5\n"
    source = put(tmp_path, header + rows, "export.csv")
    data = kh.load(source)
    assert data["stage_history"]["stage"].tolist() == ['x"] # \\ ""y']
    again = kh.load(source, tomllib.loads(settings_text(data)))
    for table in data.tables:
        pd.testing.assert_frame_equal(again[table], data[table])


def test_unknown_words_stand_in_the_file_to_be_said_what_they_are(tmp_path: Path) -> None:
    rows = "N° affaire;Date de création;Statut\n1;15/01/2026;en cours\n2;15/01/2026;zut\n"
    written = settings_text(kh.load(put(tmp_path, rows, "suivi.csv"), {"language": "en"}))
    assert '# "zut" = ""' in written
    mended = written.replace('# "zut" = ""', '"zut" = "lost"')
    data = kh.load(tmp_path / "suivi.csv", tomllib.loads(mended))
    assert data["deals"].sort_values("deal_id")["status"].tolist() == ["open", "lost"]


def test_every_setting_of_a_project_survives(tmp_path: Path) -> None:
    settings = {
        "schema": 1,
        "name": "Acmé",
        "language": "en",
        "country": "GB",
        "currency": "GBP",
        "fiscal_start": 4,
        "stages": ["A", "B"],
        "stages_from": {"2026-07-01": ["A", "C"]},
        "windows": {"lead_to_customer_rate": "none"},
        "lags": {"cac": 2},
        "rates": {"USD": 0.8},
        "segments": {"large": "amount >= 15000"},
        "targets": [{"metric": "revenue", "period": "2026", "value": 5.5}],
        "terms": {"lead": {"en": {"one": "enquiry", "other": "enquiries"}}},
        "kpis": ["revenue"],
        "tables": {"deals": {"table": "deals", "deduplicate": ["deal_id"]}},
    }
    written = tomllib.loads(settings_text(kh.load({"deals": frames()["deals"]}, settings)))
    assert written == settings


def test_the_order_of_the_stages_comes_from_the_settings_of_the_day() -> None:
    dated = {"stages": ["A", "B"], "stages_from": {"2026-07-01": ["B", "C"]}}
    data = kh.load(frames(), dated)
    days = [pd.Timestamp(day).date() for day in ("2026-06-30", "2026-07-01")]
    assert [stage_order(data, day).names for day in days] == [("A", "B"), ("B", "C")]
    assert stage_order(data).by == "settings"


@pytest.mark.parametrize("dated", [{"soon": ["A"]}, {"2026-07-01": "A"}])
def test_an_order_of_stages_needs_a_day_and_names(dated: dict[str, object]) -> None:
    with pytest.raises(BadConfig, match=f"stages_from.{next(iter(dated))}"):
        kh.load(frames(), {"stages_from": dated})


def test_else_from_what_most_deals_went_through_first_and_is_said() -> None:
    data = kh.load(frames(), {"language": "en"})
    assert stage_order(data) == (("A", "B", "C"), "history")
    assert "  Order of the stages, as most deals went through them: A → B → C" in [
        *understood_lines(data)
    ]
    assert '# stages = ["A", "B", "C"]' in settings_text(data)
    assert stage_order(kh.load(frames()["deals"])) == ((), "nothing")


def wins(*statuses: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "deal_id": [str(n) for n in range(len(statuses))],
            "created_at": "2026-01-05",
            "closed_at": ["2026-02-01" if s != "open" else None for s in statuses],
            "status": statuses,
        }
    )


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["won"] * 5, True),
        (["won"] * 4, False),
        (["won"] * 5 + ["lost"], False),
        (["won"] * 5 + ["open"], False),
    ],
)
def test_an_export_of_successes_has_no_win_rate(statuses: list[str], said: bool) -> None:
    assert ("only_won" in {*kh.quality(kh.load(wins(*statuses)))["check"]}) is said


def test_a_habit_that_the_file_contradicts_decides_nothing(tmp_path: Path) -> None:
    header = "N° affaire;Date de création;Statut;Montant HT;Date signature\n"
    rows = header + "1;05/01/2026;Signé;10;01/15/2026\n"
    with pytest.raises(KpiError, match="2026-01-05 / 2026-05-01"):
        kh.load(put(tmp_path, rows, "suivi.csv"))


def test_a_file_that_is_no_table_is_said_to_be_like_one(tmp_path: Path) -> None:
    put(
        tmp_path,
        "N° affaire;Date de création;Statut;Montant HT\n1;15/01/2026;en cours;1\n",
        "a.csv",
    )
    put(tmp_path, "Color;Shape;Amount\nred;round;1\n", "b.csv")
    data = kh.load(tmp_path, {"language": "en"})
    assert data.tables == ("deals",)
    assert "1 of 3 columns" in " ".join(kh.quality(data)["consequence"])


def test_what_is_missing_is_said_beside_the_vendor_that_is_nearest(tmp_path: Path) -> None:
    rows = "Record ID;Deal Name;Deal Stage;Amount\n1;A;Closed Won;5\n"
    with pytest.raises(
        KpiError, match=r"export.csv: HubSpot \(en\) 4/4\) needs the column 'created_at'"
    ):
        kh.load(put(tmp_path, rows, "export.csv"))


def test_settings_that_lie_elsewhere_say_where_the_data_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exports").mkdir()
    deals = "deal_id,created_at,status,amount\n1,2026-01-05,open,9\n"
    (tmp_path / "exports" / "deals.csv").write_text(deals)
    assert main(["check", "exports/deals.csv", "--write", "kpi.toml", "--lang", "en"]) == 0
    assert 'source = "exports/deals.csv"' in (tmp_path / "kpi.toml").read_text()
    assert len(opened()["deals"]) == 1
    (tmp_path / "constraints.txt").write_text("pandas==3.0\n")
    assert len(opened()["deals"]) == 1
    assert main(["check", "exports/deals.csv", "--write", "exports/kpi.toml"]) == 0
    assert "source" not in (tmp_path / "exports" / "kpi.toml").read_text()
