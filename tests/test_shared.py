"""A report to hand over: no name, path or row of the source in any of its bytes, same figures."""

import base64
import dataclasses
import html
import io
import json
import re
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from packs import HERE, REAL

import kpi_helpers as kh
from kpi_helpers.cli import main
from kpi_helpers.errors import UnknownName
from kpi_helpers.reports import opening, places, running
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.pseudonyms import pseudonymised

pytestmark = pytest.mark.thorough

FOLDERS = {"sample": places.sample(), "maven_crm": REAL / "maven_crm"}
TOML = str(HERE / "real" / "maven_crm.toml")
PACKS = {
    "sample": ["--period", "2026Q3", "--data", str(FOLDERS["sample"])],
    "maven_crm": ["--period", "2017Q3", "--data", str(FOLDERS["maven_crm"]), "--config", TOML],
}
START = 6  # bytes
KEYS = ["kpi", "period", "value", "numerator", "denominator", "n", "low", "high", "method"]
PICTURE = re.compile(rb"data:image/png;base64,([^\"]*)")

DEALS = pd.DataFrame(
    {
        "deal_id": [str(i) for i in range(96)],
        "created_at": ["2026-01-05"] * 96,
        "status": ["won", "lost", "won"] * 32,
        "closed_at": ["2026-02-01"] * 48 + ["2026-05-01"] * 48,
        "amount": np.arange(1.0, 97.0),
        "owner": ["Ana Díaz", "Bo", "Cy Rep 1", "bo"] * 23 + ["Dee", "Dee", "Dee", "Bo"],
        "customer_id": ["ACME", "17", "Zeta & Fils", "17"] * 24,
        "customer_name": ["Acme Corporation", "Bakery", "Zeta", "Bakery"] * 24,
        "campaign": [
            "Dinner with ANA DÍAZ",
            "Acme corporation, 17",
            "ana@x.fr",
            "+33 6 12 34 56 78",
        ]
        * 24,
        "segment": ["17", "large", "large", "Bo"] * 24,
        "manager": ["Eve Boss"] * 96,
        "contract": ["yearly"] * 96,
    }
)
CONFIG = {
    "schema": 1,
    "language": "en",
    "owner": "Ana Díaz",
    "targets": [
        {
            "metric": "bookings",
            "period": "2026Q2",
            "value": v,
            "scope_type": "rep",
            "scope_value": w,
        }
        for w, v in (("Ana Díaz", 50.0), ("Bo", 90.0))
    ],
    "segments": {
        "hers": "owner == 'Ana Díaz' and amount > 2",
        "two": "customer_id in ['ACME', '17'] or owner == 'Gone'",
        "a": "starts_with(owner, 'A')",
        "Bo": "amount > 3",
    },
    "tables": {"deals": {"values": {"contract": {"yearly": "annual"}}}},
}
NAMES = ["Díaz", "Bo", "bo", "Cy", "Dee", "ACME", "Acme", "Zeta", "Bakery", "@", "+33", "Boss"]


@pytest.fixture(scope="module")
def pair() -> tuple[Dataset, Dataset]:
    data = kh.load(DEALS, CONFIG)
    return data, pseudonymised(data)


def deals_of(data: Dataset) -> pd.DataFrame:
    frame = data["deals"]
    return frame.sort_values("deal_id", key=lambda ids: ids.astype(int), ignore_index=True)


def dee_of(shared: Dataset) -> str:
    return str(deals_of(shared).loc[92, "owner"])


def by_owner(data: Dataset, *kpis: str) -> pd.DataFrame:
    return kh.compare(data, list(kpis), "2026Q2", by="owner")


# --- the data set ---------------------------------------------------------------------------------


def test_no_name_is_left_in_any_table(pair: tuple[Dataset, Dataset]) -> None:
    deals = deals_of(pair[1])
    said = {str(value) for column in deals for value in deals[column].dropna()}
    words = {word for value in said for word in value.replace(",", " ").split()}
    assert [
        name for name in NAMES if name in words or (not name.isalpha() and name in str(said))
    ] == []
    assert set(deals["owner"]) == {f"Rep {n}" for n in range(1, 6)}
    assert set(deals["customer_id"]) == {"Account 1", "Account 2", "Account 3"}
    assert "manager" not in deals
    assert set(deals["contract"]) == {"annual"}
    assert set(deals["segment"]) == {"17", "large", deals["owner"][1]}
    assert not any(f"'{name}'" in str(dataclasses.asdict(pair[1].config)) for name in NAMES[:8])
    assert pair[1].config.owner == deals["owner"][0]


def test_names_in_other_texts_are_those_of_their_own_columns(pair: tuple[Dataset, Dataset]) -> None:
    deals = deals_of(pair[1])
    assert deals["campaign"][0] == f"Dinner with {deals['owner'][0]}"
    assert deals["campaign"][1] == f"{deals['customer_id'][0]}, 17"
    assert deals["campaign"][2:4].tolist() == ["***", "***"]


def test_figures_targets_and_segments_stay_as_they_are(pair: tuple[Dataset, Dataset]) -> None:
    data, shared = pair
    names = dict(zip(deals_of(data)["owner"], deals_of(shared)["owner"], strict=True))
    kpis = ["deals_won_count", "bookings", "win_rate_count"]
    full = by_owner(data, *kpis).assign(owner=lambda frame: frame["owner"].map(names))
    told = by_owner(shared, *kpis)
    both = told.merge(full, on=["kpi", "owner"], suffixes=("", "_full"))
    assert len(both) == len(told) == len(full)
    known = both[both["n_full"] >= 5]
    assert set(known["target_full"].dropna()) >= {50.0}
    for column in ("value", "n", "low", "high", "target"):
        np.testing.assert_array_equal(known[column], known[f"{column}_full"])
    for segment in ("hers", "two"):
        full, told = (kh.measure(d, "bookings", "all", where=segment)["numerator"] for d in pair)
        assert segment == "hers" or full.equals(told)


def test_a_figure_of_few_cases_of_one_person_is_not_told(pair: tuple[Dataset, Dataset]) -> None:
    full, told = (by_owner(data, "deals_won_count", "bookings", "cac") for data in pair)
    few = told["n"].isna() & told["kpi"].ne("cac")
    assert few.any()
    assert (full["n"] < 5).sum() >= few.sum()
    assert (
        told.loc[few, ["value", "numerator", "low", "high", "reference", "change"]]
        .isna()
        .all(axis=None)
    )
    assert set(told.loc[few, "note"]) <= {
        "Moins de 5 cas d’une même personne\u00a0: masqué dans un rapport partagé.",
        "Fewer than 5 cases of one person: not shown in a shared report.",
    }
    assert not kh.measure(pair[1], "bookings", "2026Q2", by="contract")["n"].isna().all()
    told = kh.measure(pair[1], "bookings", "2026Q2", where={"owner": dee_of(pair[1])})
    assert told["status"].tolist() == ["missing"]


def test_numbers_are_stable_and_follow_no_order_of_the_names() -> None:
    again = [pseudonymised(kh.load(DEALS.sample(frac=1, random_state=s), CONFIG)) for s in (1, 2)]
    owners = [d["deals"].sort_values("deal_id")["owner"].tolist() for d in again]
    assert owners[0] == owners[1]
    names = [f"Name {n:03}" for n in range(200)]
    many = pd.concat([DEALS.head(8)] * 25, ignore_index=True).assign(owner=names)
    told = pseudonymised(kh.load(many, {"language": "en"}))["deals"]["owner"]
    places_of = told.str.removeprefix("Rep ").astype(int)
    assert sorted(places_of) == list(range(1, 201))
    assert abs(np.corrcoef(np.arange(200), places_of)[0, 1]) < 0.3


def test_filters_speak_of_the_names_told(pair: tuple[Dataset, Dataset]) -> None:
    data, shared = pair
    her = deals_of(shared)["owner"][0]
    assert shared.config.segments["hers"] == f"owner == '{her}' and amount > 2"
    assert shared.config.segments["two"].endswith("owner == '***'")
    assert list(shared.config.segments) == ["hers", "two"]
    quarter = data.config.calendar.parse("2026Q2")
    for wrong in ({"by": "manager"}, {"segment": "a"}, {"segment": "Bo"}):
        running.check(data, quarter, **wrong)
        with pytest.raises(UnknownName, match="A shared report knows"):
            running.check(shared, quarter, **wrong)


def test_rows_that_are_left_out_keep_their_values_to_themselves(tmp_path: Path) -> None:
    DEALS.assign(amount="Ana").to_csv(tmp_path / "Ana.csv", index=False)
    full, told = (opening.opened(str(tmp_path / "Ana.csv"), share=share) for share in (False, True))
    assert full.name == "Ana"
    assert told.name == ""
    assert len(kh.left_out(told)) == len(kh.left_out(full)) > 0
    assert "Ana" not in kh.left_out(told).to_csv()
    pd.testing.assert_frame_equal(kh.quality(told), kh.quality(full))


# --- the report -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what makes the report to hand over and gives its folder, made at its first use."""

    @cache
    def made(name: str) -> Path:
        out = tmp_path_factory.mktemp("shared")
        words = [*PACKS[name], "--by", "owner", "--lang", "en", "--share", "--out", str(out)]
        words += ["--xlsx", "--pptx"]
        assert main(["report", *words]) == 0
        (folder,) = (path.parent for path in out.glob("[!.]*/run.json"))
        return folder

    return made


def secrets_of(name: str) -> set[str]:
    """Return who and where must not be named: people, customers, and the places of the files."""
    folder = FOLDERS[name]
    if not folder.is_dir():
        pytest.skip(f"the data set {name} is not in {REAL}: set KPI_REAL_DATA to its folder")
    config = None if name == "sample" else HERE / "real" / f"{name}.toml"
    data = kh.load(folder, config)
    columns = {"owner", "customer_id", "parent_id", "manager", "customer_name", "email", "phone"}
    frames = [data[table] for table in data.tables]
    held = {str(v) for f in frames for c in columns & set(f) for v in f[c].dropna()}
    return {*held, str(folder), str(REAL), str(Path.home()), str(HERE)}


def decoded(page: bytes) -> bytes:
    """Return a page with the bytes of its pictures, not the letters that base 64 makes of them.

    Of a workbook and of slides the files inside.
    """
    if page.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(page)) as archive:
            return b"\n".join(archive.read(name) for name in archive.namelist())
    return PICTURE.sub(lambda found: base64.b64decode(found[1], validate=True), page)


def held(forms: set[str], written: bytes) -> list[str]:
    """Return the texts that stand in bytes; most go by their first letters, for there are many."""
    starts = {written[at : at + START] for at in range(len(written))}
    encoded = {said: said.encode() for said in forms}
    known = [said for said, own in encoded.items() if len(own) < START or own[:START] in starts]
    return [said for said in known if encoded[said] in written]


def test_a_text_is_found_wherever_it_stands() -> None:
    written = "<td>Zoë Ünal</td>;C-7\0Émile".encode()
    there = {"Zoë Ünal", "Ünal", "C-7", "Émile", "d>"}
    assert {*held({*there, "Zoé Ünal", "Emile", "Ünal Zoë", "C-8"}, written)} == there


@pytest.mark.parametrize("name", PACKS)
def test_nobody_is_named_in_any_byte_of_a_shared_report(
    name: str, shared: Callable[[str], Path]
) -> None:
    hidden = secrets_of(name)
    assert len(hidden) > 50
    folder = shared(name)
    files = [path for path in folder.rglob("*") if path.is_file()]
    written = b"\n".join(
        [*(path.name.encode() for path in files), *(decoded(f.read_bytes()) for f in files)]
    )
    forms = {form for said in hidden for form in (said, html.escape(said), json.dumps(said)[1:-1])}
    assert held(forms, written) == []
    assert folder.name.startswith("shared-")
    assert {path.suffix for path in files} == {".html", ".csv", ".json", ".xlsx", ".pptx"}
    assert not {"left_out.csv", "behind.csv"} & {path.name for path in files}
    assert json.loads((folder / "run.json").read_text("utf-8"))["parameters"]["share"] is True
    assert "Rep 1" in (folder / "01_kpi_evaluation.html").read_text("utf-8")


def test_a_shared_report_has_the_figures_of_the_full_one(
    shared: Callable[[str], Path], pack: Callable[[str], Path]
) -> None:
    full, told = (at / "tables" for at in (pack("maven_crm en"), shared("maven_crm")))
    for table in ("compared", "decisions", "findings", "quality"):
        assert (told / f"{table}.csv").read_bytes() == (full / f"{table}.csv").read_bytes()
    rows = [pd.read_csv(at / "breakdown.csv", encoding="utf-8-sig") for at in (full, told)]
    kept = rows[1][~rows[1]["note"].fillna("").str.startswith("Fewer than 5 cases of one")]
    assert len(rows[0]) == len(rows[1])
    assert kept["value"].notna().sum() > 50
    every, some = ({tuple(map(str, row)) for row in f[KEYS].to_numpy()} for f in (rows[0], kept))
    assert some <= every
