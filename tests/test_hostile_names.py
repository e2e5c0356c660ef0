"""Names that would run, steer, break out or reorder: inert and readable wherever they come out."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import PHONE, SCREEN, Seen, executable
from handed import cells_of, outside, parts, sheets, slides, title_of
from paper import active, words

import kpi_helpers as kh
from kpi_helpers import charts
from kpi_helpers.cli import main
from kpi_helpers.sources.saving import read_table
from kpi_helpers.wording.told import plain

pytestmark = pytest.mark.thorough

HOSTILE = [
    *("<script>alert(1)</script>", "<img src=x onerror=alert(2)>", "javascript:alert(3)"),
    *("[x](javascript:alert(4)) **b** `c`", "&lt;b&gt; &amp;", "\"quotes'", "</td></table>"),
    *("=cmd|'/C calc'!A0", "@SUM(A1)", "+33 6", "-2+3", "'=1+1", "＝1+1", "\n=1+1"),
    *(r"$\unknown$", "{{ jinja }} {lead}", "%s %n {0}", "../../x", "C:\\x", "'; DROP TABLE deals"),
    *("🚀 👩\u200d🚀", "abc \u202egnihton", "שלום 12", "x" * 500, "e\u0301" * 40),
    *("new\nline\ttab\rreturn", "\x1b[31mred\x1b]0;title\x07", "\x9b2Jgone"),
]
STEERING = {chr(code) for code in (*range(32), 127, *range(128, 160), 0x202E)}
EACH = 40
# The page shows the largest groups, each table of the pack shows all.
SHOWN = 12
# No engine keeps a name with a null character, but a cell may hold one.
CELLS = ["nul\x00byte", *HOSTILE[::-1]]


def deals() -> pd.DataFrame:
    """Return deals of two quarters, some won, of owners, accounts, products and stages so named."""
    number = 2 * EACH * len(HOSTILE)
    draw = np.random.default_rng(20261121)
    created = pd.Timestamp("2026-01-01") + pd.to_timedelta(draw.integers(0, 120, number), "D")
    closed = created + pd.to_timedelta(draw.integers(5, 60, number), "D")
    named = dict.fromkeys(("owner", "customer_id", "product", "stage"), HOSTILE * (2 * EACH))
    frame = {
        "deal_id": [f"D{n}" for n in range(number)],
        "created_at": created.astype(str),
        "closed_at": closed.astype(str),
        "status": draw.choice(["won", "lost"], number),
        "amount": draw.lognormal(8, 1, number).round(2),
    }
    return pd.DataFrame({**frame, **named})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the deals; as many have a hostile text where a day is expected."""
    place = tmp_path_factory.mktemp("hostile")
    bad = deals().head(len(CELLS)).assign(closed_at=CELLS)
    frame = pd.concat([deals(), bad.assign(deal_id=[f"B{n}" for n in range(len(bad))])])
    frame.to_parquet(place / "deals.parquet", index=False)
    settings = 'schema = 1\nname = "<b>=Acme</b>"\nlanguage = "en"\n'
    (place / "kpi.toml").write_text(settings, "utf-8")
    return place


@pytest.fixture(scope="module")
def report(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    words = ["report", "--data", str(folder), "--period", "2026Q2", "--by", "owner"]
    words += ["--xlsx", "--pptx"]
    assert main([*words, "--out", str(out), *(["--pdf"] if executable() else [])]) == 0
    return out / "2026Q2"


def flat(said: str) -> str:
    return " ".join(said.split())


def test_names_are_read_on_a_page_and_do_nothing(
    report: Path, seen: Callable[[Path], Seen]
) -> None:
    for path in sorted(report.glob("*.html")):
        page = seen(path)
        assert (page.requests, page.said, page.active) == ([], [], [])
        assert page.wide == {SCREEN: [], PHONE: []}
        assert page.accessibility == []
        assert STEERING & set("".join(page.text.split())) == set()
    text = flat(seen(report / "01_kpi_evaluation.html").text)
    shown = [name for name in HOSTILE if flat(plain(name, None)) in text]
    assert len(shown) >= SHOWN


@pytest.mark.skipif(executable() is None, reason="no browser is installed to print with")
def test_names_are_read_on_paper_and_do_nothing(report: Path) -> None:
    text = flat(words(report / "report.pdf"))
    assert active(report / "report.pdf") == []
    # A letter that no font has is read back as a null character.
    assert (STEERING - {"\0"}) & set("".join(text.split())) == set()
    # Where a name is broken at a line's end, its blanks are gone.
    close = text.replace(" ", "")
    shown = [name for name in HOSTILE if flat(plain(name, None)).replace(" ", "") in close]
    assert len(shown) >= SHOWN


def test_a_spreadsheet_runs_no_name_and_every_name_comes_back(report: Path) -> None:
    for path in sorted(report.glob("tables/*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        texts = [text for column in table for text in (column, *table[column])]
        assert [text for text in texts if text.startswith(tuple("=+@＝\t\r\n"))] == []
    breakdown = read_table(report / "tables" / "breakdown.csv", ["owner"], [])
    # Blanks around a name are taken away when it is read.
    assert {name.strip() for name in HOSTILE} <= set(breakdown["owner"])


def test_a_workbook_and_slides_hold_names_as_text(report: Path) -> None:
    for path in (report / "report.xlsx", report / "report.pptx"):
        assert outside(path) == []
        held = parts(path)
        assert not any(b"<f>" in each for name, each in held.items() if "worksheets" in name)
    book = sheets(report / "report.xlsx")
    texts = {str(cell) for rows in book.values() for row in rows for cell in row}
    assert {plain(name, None) for name in HOSTILE} <= texts
    for slide in slides(report / "report.pptx"):
        told = [title_of(slide), *(cell for row in cells_of(slide) for cell in row)]
        assert STEERING & set("".join("".join(told).split())) == set()


def test_names_make_no_file_and_break_no_record(report: Path) -> None:
    folders = {report / "tables", report / "known", report.parent}
    assert {path.parent for path in report.parent.rglob("*.csv")} <= folders
    assert json.loads((report / "run.json").read_text("utf-8"))["data"]["name"] == "<b>=Acme</b>"
    notebook = json.loads((report / "01_kpi_evaluation.ipynb").read_text("utf-8"))
    assert notebook["metadata"]["papermill"]["parameters"]["by"] == "owner"


@pytest.mark.parametrize("words", [["check"], ["check", "--json"], ["report", "--by"]], ids=str)
def test_no_name_steers_a_terminal(
    words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = [str(folder)] if words[0] == "check" else ["\x1b[31m\u202e\n", "--data", str(folder)]
    assert main([words[0], *words[1:], *source]) > 0
    shown = capsys.readouterr()
    assert STEERING & set(shown.out + shown.err) <= {"\n"}
    assert "\\u001b[31m" in shown.out + shown.err
    if "--json" in words:
        values = {row["value"] for row in json.loads(shown.out)["left_out"]}
        assert {cell.strip() for cell in CELLS} <= {str(value).strip() for value in values}


def test_a_chart_letters_every_name(folder: Path) -> None:
    frame = kh.compare(kh.load(folder), ["win_rate_count"], "2026Q2", by=["owner"])
    named = [charts.line(rows) for _, rows in frame.groupby("owner")]
    for figure in [charts.bars(frame, "owner"), charts.dumbbell(frame), *named]:
        # A letter that the font lacks, or a formula that cannot be set, would warn or raise.
        assert charts.image(figure).startswith(b"\x89PNG")
        assert STEERING & set(charts.alt(figure)) == set()
