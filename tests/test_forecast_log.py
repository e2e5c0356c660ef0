"""The forecasts that reports tell, kept beside them and judged by the next report."""

from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

import kpi_helpers as kh
from kpi_helpers import charts, forecasting, sheets, wording
from kpi_helpers.cli import main
from kpi_helpers.errors import BadInput, KpiError, MissingColumn, Unavailable
from kpi_helpers.reports import places
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.forecast_log import add, forecasts

NOTEBOOK = "04_trend_forecasting.ipynb"
CAME = {"2026-01": 100.0, "2026-02": 200.0, "2026-03": 150.0}
SAID = [("2026-01", 90.0, 80.0, 99.0), ("2026-02", 220.0, 190.0, 250.0), ("2026-03", 160.0, 1, 170)]


def company(as_of: str = "2026-03-31", **config: object) -> Dataset:
    days = [f"{month}-15" for month in CAME]
    orders = {"order_id": list("abc"), "customer_id": "x", "order_date": days}
    frame = pd.DataFrame({**orders, "amount_net": [*CAME.values()]})
    return kh.load({"orders": frame}, {"name": "Acme", **config}, as_of)


def ahead(said: list[tuple[str, float, float, float]] = SAID, model: str = "four") -> pd.DataFrame:
    months = pd.PeriodIndex([month for month, *_ in said], freq="M")
    frame = pd.DataFrame([each for _, *each in said], columns=["value", "lo80", "hi80"])
    start = months.to_timestamp()
    return frame.assign(
        kpi="revenue", start=start, end=start + pd.offsets.MonthBegin(), model=model
    )


def test_rows_of_the_log_say_how_far_ahead_and_leave_out_what_has_ended() -> None:
    rows = forecasting.logged(ahead(), "2026-01-31")
    assert rows["period_end"].tolist() == ["2026-02-28", "2026-03-31"]
    assert rows["horizon"].tolist() == ["month+1", "month+2"]
    assert forecasting.logged(ahead(), "2026-02-10")["horizon"].tolist() == ["month+0", "month+1"]
    quarter = (
        ahead()
        .iloc[:1]
        .assign(end=pd.Timestamp("2026-04-01"))
        .rename(columns={"model": "method", "lo80": "low", "hi80": "high"})
    )
    assert forecasting.logged(quarter, "2025-12-31")["horizon"].tolist() == ["quarter+1"]


@pytest.mark.parametrize("months", range(1, 37))
def test_months_are_counted_as_on_a_calendar(months: int) -> None:
    start = pd.Timestamp("2026-01-31") + pd.offsets.MonthBegin(months)
    frame = ahead().iloc[:1].assign(start=start, end=start + pd.offsets.MonthBegin())
    assert forecasting.logged(frame, "2026-01-31")["horizon"].tolist() == [f"month+{months}"]


def test_the_log_repeats_nothing_and_keeps_what_was_said_first(tmp_path: Path) -> None:
    data, file = company(), tmp_path / "forecasts.csv"
    rows = forecasting.logged(ahead(), "2025-12-31")
    add(file, rows, data)
    once = file.read_bytes()
    add(file, rows.assign(value=rows["value"] * (1 + 1e-13)), data)
    assert file.read_bytes() == once
    add(file, rows.assign(value=rows["value"] + 1), data)
    assert file.read_bytes().startswith(once)
    assert len(forecasts(data, file)) == 6
    judged = forecasting.due(data, forecasts(data, file))
    assert judged["reference"].tolist() == [90.0, 220.0, 160.0]


def test_accuracy_is_that_of_the_kpis_and_of_a_loop(tmp_path: Path) -> None:
    data, file = company(), tmp_path / "forecasts.csv"
    add(file, forecasting.logged(ahead(), "2025-12-31"), data)
    told = forecasts(data, file)
    row = forecasting.accuracy(forecasting.due(data, told)).iloc[0]
    errors = [said - CAME[month] for month, said, *_ in SAID]
    assert row["missed"] == pytest.approx(sum(map(abs, errors)) / sum(CAME.values()))
    assert row["bias"] == pytest.approx(sum(errors) / sum(CAME.values()))
    inside = [low <= CAME[month] <= high for month, _, low, high in SAID]
    assert (row["within"], row["ranged"], row["n"]) == (sum(inside), 3, 3)
    own = kh.load({"orders": data["orders"], "forecasts": told}, as_of="2026-03-31")
    kpis = kh.measure(own, ["forecast_accuracy", "forecast_bias"], "all")["value"]
    assert kpis.tolist() == pytest.approx([1 - row["missed"], row["bias"]])


def test_only_what_was_known_then_of_the_same_figures_is_judged(tmp_path: Path) -> None:
    file = tmp_path / "forecasts.csv"
    add(file, forecasting.logged(ahead(), "2025-12-31"), company())
    add(file, forecasting.logged(ahead(), "2026-03-30"), company())
    early = company("2026-02-27")
    judged = forecasting.due(early, forecasts(early, file))
    assert judged["period"].tolist() == ["2026-01"]
    for other in (company(name="Other"), company(currency="USD")):
        assert forecasts(other, file).empty
    text = file.read_text("utf-8-sig")
    version = forecasting.logged(ahead(), "2025-12-31")["definition"].iloc[0]
    file.write_text(text.replace(version, "00000000"), "utf-8-sig")
    assert forecasts(company(), file).empty


def test_a_table_of_the_source_and_the_log_are_both_read(tmp_path: Path) -> None:
    file, day = tmp_path / "forecasts.csv", "2025-12-31"
    own = forecasting.logged(ahead(model="by hand"), day).drop(columns="definition")
    data = company()
    both = kh.load({"orders": data["orders"], "forecasts": own}, {"name": "Acme"}, "2026-03-31")
    add(file, forecasting.logged(ahead(), day), both)
    judged = forecasting.due(both, forecasts(both, file))
    assert judged["made_by"].value_counts().to_dict() == {"by hand": 3, "four": 3}


@pytest.mark.parametrize(
    ("where", "said"),
    [({"amount_net": 1.0}, "not for a segment"), (None, "no earlier report here has told one")],
)
def test_without_a_forecast_to_judge_one_line_says_why(
    where: dict[str, float] | None, said: str
) -> None:
    data = company()
    with pytest.raises(Unavailable, match=said):
        forecasting.due(data, forecasts(data), where)


def test_forecasts_that_wait_are_said_to_wait(tmp_path: Path) -> None:
    data, file = company("2026-01-15"), tmp_path / "forecasts.csv"
    add(file, forecasting.logged(ahead(), "2025-12-31"), data)
    with pytest.raises(Unavailable, match="can be judged yet"):
        forecasting.due(data, forecasts(data, file))


def test_a_damaged_log_is_named_and_stays_as_it_is(tmp_path: Path) -> None:
    data, file = company(), tmp_path / "forecasts.csv"
    rows = forecasting.logged(ahead(), "2025-12-31")
    add(file, rows, data)
    whole = file.read_text("utf-8-sig")
    file.write_text(whole.replace("2026-02-28", "28/02/2026"), "utf-8-sig")
    with pytest.raises(BadInput, match=r"forecasts.csv, line 3, column period_end.*28/02/2026"):
        add(file, rows, data)
    file.write_text(whole.replace('"low"', '"bas"'), "utf-8-sig")
    with pytest.raises(MissingColumn, match="low"):
        forecasts(data, file)
    assert '"bas"' in file.read_text("utf-8-sig")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KpiError, match="could not be written"):
        add(tmp_path / "file" / "f.csv", forecasting.logged(ahead(), "2025-12-31"), company())


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_sentence_table_and_chart_tell_the_same(lang: str, tmp_path: Path) -> None:
    data, file = company(language=lang), tmp_path / "forecasts.csv"
    add(file, forecasting.logged(ahead(), "2025-12-31"), data)
    judged = forecasting.due(data, forecasts(data, file))
    summed = forecasting.accuracy(judged)
    said = wording.accuracy_findings(summed, lang)["sentence"].iloc[0]
    percent = {"en": ("8.9%", "4.4%"), "fr": ("8,9\u00a0%", "4,4\u00a0%")}[lang]
    page = sheets.accuracy(summed, lang).as_raw_html()
    for figure in percent:
        assert figure in said
        assert figure in page
    assert not wording.banned(said, lang)
    figure = charts.forecasts_due(judged, summed, lang=lang)
    assert charts.alt(figure) == said
    (drawn,) = [each for each in figure.axes[0].lines if each.get_gid() == "reference"]
    np.testing.assert_allclose(drawn.get_ydata(), [90.0, 220.0, 160.0])


def short_notebook(path: Path) -> Path:
    """Write the shipped notebook without its other sections, which take their time."""
    shipped = nbformat.read(places.notebooks() / NOTEBOOK, as_version=4)
    code = [cell for cell in shipped.cells if cell.cell_type == "code"]
    first = [cell for cell in code if "parameters" in cell.metadata.get("tags", ())]
    opened = [cell for cell in code if "reports.opened(" in cell.source]
    own = [cell for cell in code if cell.id.startswith("trend-log-")]
    made = next(cell.source for cell in code if "forecasting.ahead" in cell.source)
    lines = [line for line in made.splitlines() if line.startswith(("ahead =", "forecasts ="))]
    made = nbformat.v4.new_code_cell("\n".join([*lines, "landed = None"]))
    last = "reports.finish(forecasts_due=log, forecast_accuracy=accuracy, forecast_log=kept)"
    shipped.cells = [*first, *opened, made, *own, nbformat.v4.new_code_cell(last)]
    nbformat.write(shipped, path)
    return path


@pytest.mark.thorough
def test_the_next_report_judges_the_forecasts_of_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = short_notebook(tmp_path / NOTEBOOK)
    monkeypatch.setattr(places, "of_reports", lambda: [notebook])
    log, kept = tmp_path / "forecasts.csv", []
    for period, day in (("2025Q4", "2025-12-31"), ("2026Q1", "2026-03-31")):
        words = ["--period", period, "--as-of", day, "--lang", "en", "--out", str(tmp_path)]
        assert main(["report", *words]) == 0
        kept.append(log.read_bytes())
    assert kept[1].startswith(kept[0])
    assert len(kept[1]) > len(kept[0])
    assert not (tmp_path / "2025Q4" / "tables" / "forecasts_due.csv").exists()
    due = pd.read_csv(tmp_path / "2026Q1" / "tables" / "forecasts_due.csv")
    assert set(due["made_at"]) == {"2025-12-31"}
    revenue = due[due["kpi"] == "revenue"]
    assert {"2026-01", "2026-02", "2026-03", "2026Q1"} == set(revenue["period"])
    page = (tmp_path / "2026Q1" / "04_trend_forecasting.html").read_text("utf-8")
    assert "forecasts of the next quarter missed by" in page
