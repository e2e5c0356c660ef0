"""Forecasts as they are told, drawn and tabled."""

import numpy as np
import pytest

from kpi_helpers import sheets
from kpi_helpers.charts import alt, fan
from kpi_helpers.forecasting import Ahead, ahead
from kpi_helpers.sources import Dataset
from kpi_helpers.wording import banned, forecast_findings


@pytest.fixture(scope="module")
def found(sample: Dataset) -> Ahead:
    return ahead(sample, 6)


@pytest.mark.parametrize(
    ("lang", "says"),
    [
        ("fr", "CA T4 2026\u00a0: environ 3,58\u00a0M€ HT ("),
        ("en", "Q4 2026 revenue: about €3.58m ("),
    ],
)
def test_the_next_quarter_is_told_with_its_range_and_past_error(
    found: Ahead, lang: str, says: str
) -> None:
    told = forecast_findings(found.ahead, lang)
    assert len(told) == 3
    assert told["sentence"].iloc[0].startswith(says)
    assert not any(banned(sentence, lang) for sentence in told["sentence"])
    assert told["sureness"].tolist() == [1, 1, 1]
    assert found.ahead["period"].iloc[int(told["rows"].iloc[0]) - 1] == "2026Q4"
    off = {"fr": "4\u00a0% en moyenne", "en": "4% on average"}[lang]
    assert off in told["sentence"].iloc[0]


def test_a_baseline_and_a_short_past_are_said_and_never_sure(found: Ahead) -> None:
    own = found.ahead[found.ahead["kpi"] == "customer_retention_rate"].reset_index(drop=True)
    (line,) = forecast_findings(own, "en").to_dict("records")
    assert "No method did better on its past than the year before" in line["sentence"]
    assert line["sureness"] == 2
    (short,) = forecast_findings(own.assign(model="four"), "en")["sentence"]
    assert short.endswith("The history is short: read with care.")


def test_what_cannot_be_forecast_is_not_told_and_noted_under_the_table(found: Ahead) -> None:
    nps = found.ahead[found.ahead["kpi"] == "nps"].reset_index(drop=True)
    assert forecast_findings(nps, "en").empty
    table = sheets.forecasts(found.ahead, "en").as_raw_html()
    assert "Net promoter score (NPS): " in table
    assert table.count("2027") > table.count("2028")
    assert alt(fan(found._replace(ahead=nps))) == "Nothing to show"


def test_the_fan_holds_the_path_and_the_strip_what_came(found: Ahead) -> None:
    figure = fan(found, lang="fr")
    assert alt(figure).startswith("CA T4 2026")
    top, strip = figure.axes
    steps = found.ahead[(found.ahead["kpi"] == "revenue") & (found.ahead["part"] == "step")]
    (path,) = (line for line in top.lines if line.get_gid() == "forecast")
    assert path.get_ydata()[1:].tolist() == steps["value"].tolist()
    bands = {each.get_gid(): each.get_paths()[0].vertices[:, 1] for each in top.collections[:2]}
    assert bands["fan95"].min() < bands["fan80"].min() < min(path.get_ydata())
    assert bands["fan95"].max() == pytest.approx(steps["hi95"].max())
    tried = found.tried[(found.tried["kpi"] == "revenue") & (found.tried["h"] == 3)]
    (came,) = (line for line in strip.lines if line.get_gid() == "care")
    assert came.get_ydata().tolist() == tried["actual"].tolist()
    assert len(fan(found, most=5).axes) == 8


def test_the_back_test_table_names_the_method_that_is_shown(found: Ahead) -> None:
    table = sheets.backtest(found.tested, "en").as_raw_html()
    assert table.count("Same period of last year") == 4
    assert table.count(">yes<") == found.tested["kpi"].nunique()
    revenue = found.tested[found.tested["kpi"] == "revenue"].groupby("model")["mase"].mean()
    assert f"{revenue['four']:.2f}" in table
    assert np.isfinite(revenue).all()
