"""The recipes of CONTRIBUTING.md, carried out as they stand in a copy of the package."""

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import duckdb
import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"```(?:python|toml)\n# (\S+)\n(.*?)```", re.DOTALL)
EXPORT = "Voyage No;Cast off;Landfall;Tide;Cargo value\n1;2026-01-05;2026-02-06;high;10\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with every block at the end of the file that it names."""
    home = tmp_path_factory.mktemp("recipes")
    copytree(ROOT / "kpi_helpers", home / "kpi_helpers", ignore=ignore_patterns("__pycache__"))
    recipes = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## Recipes")[1]
    blocks = BLOCK.findall(recipes)
    assert len(blocks) == recipes.count("```python") + recipes.count("```toml") == 6
    for name, code in blocks:
        with (home / name).open("a", encoding="utf-8") as file:
            file.write(f"\n\n{code}")
    (home / "export.csv").write_text(EXPORT + "2;2026-01-06;2026-02-08;low;20\n" * 2, "utf-8")
    with duckdb.connect(str(home / "sales.duckdb")) as con:
        con.execute("CREATE TABLE deals AS SELECT * FROM VALUES ('1', DATE '2026-01-05', "
                    "DATE '2026-02-06', 'won'), ('2', DATE '2026-01-06', DATE '2026-02-07', "
                    "'lost') AS t(deal_id, created_at, closed_at, status)")  # fmt: skip
    return home


@pytest.fixture(scope="module")
def carried_out(copy: Path) -> dict[str, str]:
    """What each recipe's check prints, of one process."""
    code = "\n".join(f"print('== {name}')\n{check}" for name, check in CHECKS.items())
    ran = subprocess.run(
        [sys.executable, "-c", f"import kpi_helpers as kh, pandas as pd\n{code}"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    parts = re.split(r"^== (\w+)\n", ran.stdout, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


CHECKS = {
    "kpi": """
from kpi_helpers.catalogue import find
from kpi_helpers.sheets.cards import cards
data = kh.load("export.csv", {"language": "en"}, as_of="2026-03-31")
print(kh.measure(data, "deals_lost", "2026Q1")["value"].tolist())
print(*(kh.catalogue(lang).set_index("id").loc["deals_lost", "name"] for lang in ("fr", "en")))
print("Affaires perdues dans la" in cards([find("deals_lost")], "fr").html)
""",
    "profile": """
print(data.config.tables["deals"].columns["amount"])
print(data["deals"]["status"].tolist())
""",
    "chart": """
from kpi_helpers import charts
days = ["2026-02-03"] * 60
deals = {"deal_id": [str(n) for n in range(60)], "created_at": days, "closed_at": days,
         "status": ["won", "lost", "won"] * 20, "owner": ["Ann", "Ann", "Bob"] * 20}
by = kh.measure(kh.load({"deals": pd.DataFrame(deals)}), "win_rate_count", "2026Q1", by="owner")
for lang in ("fr", "en"):
    figure = charts.dots(by, "owner", lang=lang)
    print(charts.alt(figure), len(figure.axes[0].lines[0].get_xdata()))
""",
    "language": """
from kpi_helpers.language import LANGUAGES, text
print(LANGUAGES, text("language.name", "de"), text("errors.bad_period", "de", text="x"))
print(kh.catalogue("de").set_index("id").loc["win_rate_count", "name"])
""",
    "engine": """
exec(open("engine.py").read())
print(figures["value"].tolist())
""",
}


def test_a_kpi_is_measured_and_in_the_catalogue(carried_out: dict[str, str]) -> None:
    assert carried_out["kpi"] == "[2.0]\nAffaires perdues Deals lost\nTrue\n"


def test_a_profile_is_recognised_by_its_headers(carried_out: dict[str, str]) -> None:
    assert carried_out["profile"] == "Cargo value\n['won', 'lost', 'lost']\n"


def test_a_chart_is_drawn_with_its_title_in_both_languages(carried_out: dict[str, str]) -> None:
    assert carried_out["chart"] == "Taux de gain, T1 2026 2\nWin rate, Q1 2026 2\n"


def test_a_language_is_offered_and_partly_english(carried_out: dict[str, str]) -> None:
    offered, name = carried_out["language"].splitlines()
    assert offered.startswith("('de', 'en', 'es', 'fr') Deutsch 'x' is not a period.")
    assert name == "Gewinnquote (Anzahl)"


def test_an_engine_gives_figures(carried_out: dict[str, str]) -> None:
    assert carried_out["engine"].splitlines()[-1] == "[0.5]"
