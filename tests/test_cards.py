"""The cards of the catalogue: every declaration as it stands, own ones too, and safe to open."""

import re
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import pytest
from browser import PHONE, SCREEN, WIDE, Seen, opened
from test_language import breaks_french_typography
from test_own_kpis import OWN

from kpi_helpers.catalogue import REGISTRY, Kpi
from kpi_helpers.cli import main
from kpi_helpers.kpis import catalogue
from kpi_helpers.language import LANGUAGES, text, texts
from kpi_helpers.measure.kinds import KINDS
from kpi_helpers.sheets.cards import CATEGORIES, cards

KPIS: list[Kpi] = [REGISTRY[name] for name in catalogue()["id"]]
HOSTILE = "</h3><script>alert(1)</script> [x](javascript:alert(1)) **gras** \u202e"
ATTACK = OWN.replace("Share of large deals", HOSTILE).replace(
    'dated="created_at",',
    f'dated="created_at", tags=({HOSTILE!r},), category=({HOSTILE!r},), seeds={HOSTILE!r},'
    f" pitfalls=({HOSTILE!r}, {HOSTILE!r}),",
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kpi.toml").write_text("schema = 1\n")
    (tmp_path / "kpis.py").write_text(ATTACK, "utf-8")
    before = dict(REGISTRY)
    yield tmp_path
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.fixture
def pages(project: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Path]:
    assert main(["catalogue", "--html", "cards", "--lang", "en"]) == 0
    made = {lang: project / "cards" / f"catalogue.{lang}.html" for lang in LANGUAGES}
    doors = [f"cards/{name}.{lang}.html" for name in ("catalogue", "api") for lang in LANGUAGES]
    told = capsys.readouterr().out.split()
    assert told == [*doors, "cards/index.html"]
    return made


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_folder_opens_with_the_way_to_each_language(
    lang: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = "kpi_helpers.reports.catalogue"
    monkeypatch.setattr(f"{room}.catalogue_page", lambda each: each)
    monkeypatch.setattr(f"{room}.api_pages", lambda each: {f"api.{each}.html": each})
    assert main(["catalogue", "--html", "cards", "--lang", lang]) == 0
    html = (project / "cards" / "index.html").read_text("utf-8")
    targets = re.findall(r'href="([^"]+)"', html)
    assert targets[:2] == [f"catalogue.{lang}.html", f"api.{lang}.html"]
    assert {*targets} == {path.name for path in (project / "cards").iterdir()} - {"index.html"}
    assert f'<html lang="{lang}"' in html
    assert all(text("language.name", each) in html for each in LANGUAGES)


def test_every_kpi_has_a_card_and_every_link_leads_to_one(pages: dict[str, Path]) -> None:
    for lang, path in pages.items():
        html = path.read_text("utf-8")
        ids = re.findall(r'<article class="card" id="kpi-([^"]+)"', html)
        assert sorted(ids) == sorted([*(kpi.id for kpi in KPIS), "large_deal_share"])
        targets = set(re.findall(r'href="#kpi-([^"]+)"', html))
        assert targets == set(ids)
        assert "Part des grosses affaires" in html
        assert all(f"S{place} " in html.partition("<article")[0] for place in range(5))
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
        assert lang == re.search(r'<html lang="(\w+)"', html)[1]


@pytest.mark.thorough
def test_the_pages_fit_a_phone(pages: dict[str, Path], seen: Callable[[Path], Seen]) -> None:
    for path in pages.values():
        for width in (SCREEN, PHONE):
            with opened(path, width) as (page, asked, said):
                assert page.evaluate(WIDE) == []
                assert (asked, said) == ([path.as_uri()], [])


@pytest.mark.thorough
def test_a_page_runs_nothing(project: Path, seen: Callable[[Path], Seen]) -> None:
    some = ("win_rate_count", "cac", "acquisition_spend", "new_customers", "site_visits")
    kept = {name: REGISTRY[name] for name in some}
    REGISTRY.clear()
    REGISTRY.update(kept)
    assert main(["catalogue", "--html", "cards"]) == 0
    page = seen(project / "cards" / "catalogue.fr.html")
    assert (page.lang, page.requests, page.said, page.active) == ("fr", [], [], [])
    assert page.accessibility == []
    assert "default-src 'none'" in page.policy
    assert "**gras**" in page.text
    assert set(page.headings) == {1, 2, 3}


@pytest.mark.thorough
def test_a_page_is_the_same_each_time_and_left_whole(
    pages: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pages["en"].parent
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert main(["catalogue", "--html", "cards", "--lang", "en"]) == 0
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    written: list[Path] = []

    def full(path: Path, *_: object) -> None:
        written.append(path)
        if len(written) > 1:
            raise OSError(28, "No space left on device")
        path.write_bytes(b"half")

    monkeypatch.setattr(Path, "write_text", full)
    assert main(["catalogue", "--html", "cards", "--lang", "en"]) == 1
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_that_cannot_be_is_one_message(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["catalogue", "--html", "kpi.toml", "--lang", "en"]) == 1
    assert "kpi.toml could not be written" in capsys.readouterr().err


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_card_says_what_the_declaration_says(lang: str) -> None:
    html = cards([REGISTRY["cac"]], lang).html
    kpi = REGISTRY["cac"]
    for said in (kpi.label(lang), kpi.definition(lang), kpi.id, kpi.version, kpi.seeds):
        assert said in html
    assert 'href="#kpi-acquisition_spend"' in html
    for needed in ("spend", "amount", "orders", "customer_id", "order_date"):
        assert needed in html
    rate = cards([REGISTRY["win_rate_count"]], lang).html
    for said in ("Wilson", "deals.closed_at", ">won</td>", "share(deals.is_won", "40"):
        assert said in rate
    visits = cards([REGISTRY["site_visits"]], lang).html
    assert text("cards.vanity", lang) in visits
    attained = cards([REGISTRY["revenue_attainment"]], lang).html
    assert "<code>targets</code>" in attained


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_card_says_what_is_counted_and_by_which_date(lang: str) -> None:
    for kpi in KPIS:
        html = cards([kpi], lang).html
        table = kpi.table.replace("achievements", "targets")
        key = {None: "dated_as_parts", "period": "dated_by_name"}.get(kpi.dated, "dated_by")
        by = text(f"cards.{key}", lang, column=f"<code>{table}.{kpi.dated}</code>")
        assert html.count(escape(kpi.definition(lang))) == 1, kpi.id
        assert by in html, kpi.id
        assert f"<dt>{text('cards.fields.needs', lang)}</dt>" in html, kpi.id
        if lang == "fr":
            said = [kpi.definition(lang), kpi.pitfall(lang), kpi.label(lang)]
            assert not any(breaks_french_typography(each) for each in said), kpi.id


@pytest.mark.parametrize("lang", LANGUAGES)
def test_there_are_words_for_all_that_is_declared(lang: str) -> None:
    known = {key.removeprefix("cards.") for key in texts(lang) if key.startswith("cards.")}
    assert {f"kinds.{kind}" for kind in (*KINDS, "derived")} <= known
    assert {f"categories.{name}" for name in CATEGORIES} <= known
    for kpi in KPIS:
        assert {*kpi.category} <= {*CATEGORIES}, kpi.id
        assert {f"tags.{tag}" for tag in kpi.tags} <= known, kpi.id
        assert f"units.{kpi.unit}" in known
