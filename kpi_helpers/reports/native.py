"""Charts of a workbook that its reader can change, each beside the cells that it draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from kpi_helpers.charts.theme import BAND, QUIET, REST, VALUE
from kpi_helpers.language import text
from kpi_helpers.reports.columns import Words, number_format
from kpi_helpers.units import PERCENT
from kpi_helpers.wording.told import plain
from kpi_helpers.wording.when import label_of

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.chart import Chart
    from xlsxwriter.worksheet import Worksheet

MOST, PAST = 6, 24
# In pixels: the height of a row, of a bar, of what stands around the bars; the width of a chart.
ROW, BAR, AROUND, WIDTH = 20, 22, 110, 820
Frames = Mapping[str, pd.DataFrame]
Columns = Mapping[str, Sequence[Any]]


def scorecard(book: Workbook, sheet: Worksheet, frames: Frames, words: Words) -> None:
    """Draw how much of each target is reached, and how much each figure moved."""
    row = 0
    shown = frames.get("weighed", pd.DataFrame())
    if shown.empty:
        return
    period = label_of(shown["period"].iloc[0], dict(shown.iloc[0]), words.lang)
    targets = shown["target"].where(shown["target"] > 0)
    for of, values in (
        ("attained", shown["value"] / targets),
        ("moved", shown["change_relative"]),
    ):
        known = values.dropna()
        columns = {
            text("export.columns.label", words.lang): shown.loc[known.index, "label"].tolist(),
            text(f"export.{of}_short", words.lang): known.tolist(),
        }
        if of == "attained":
            columns[text("export.columns.target", words.lang)] = [1.0] * len(known)
        form = number_format(1, PERCENT, False, words)
        _write(book, sheet, row, columns, form)
        chart = book.add_chart({"type": "bar"})
        for place, colour in list(enumerate((VALUE, REST), start=1))[len(columns) - 2 :: -1]:
            _series(chart, sheet, (row, len(known)), place, fill={"color": colour}, gap=40)
        chart.set_y_axis({"reverse": True, "label_position": "low", "line": {"none": True}})
        chart.set_x_axis({"num_format": form, "major_gridlines": {"visible": False}})
        height = BAR * len(known) + AROUND
        _insert(sheet, chart, row, text(f"export.{of}", words.lang, period=period), height)
        row += max(len(known), height // ROW) + 3


def forecasts(book: Workbook, sheet: Worksheet, frames: Frames, words: Words) -> None:
    """Draw the past of each figure and its forecast, with the range of eight cases in ten."""
    row = 0
    ahead = frames.get("forecasts", pd.DataFrame(columns=["kpi", "value"])).dropna(subset="value")
    course = frames.get("course", pd.DataFrame(columns=["kpi", "period", "end", "value"]))
    for kpi in list(ahead["kpi"].unique())[:MOST]:
        coming = ahead[ahead["kpi"] == kpi]
        # The quarters that the months make up are in the table.
        coming = coming[coming["period"].str.len() == len(coming["period"].iloc[0])]
        past = course[(course["kpi"] == kpi) & (course["end"] <= coming["start"].iloc[0])]
        past, unit = past.tail(PAST), coming["unit"].iloc[0]
        before, after = [None] * len(past), [None] * len(coming)
        # An area has no gaps: until now its floor is the line itself, and its band nothing.
        columns = {
            "export.columns.period": [*past["period"], *coming["period"]],
            "export.floor": [*past["value"], *coming["lo80"]],
            "export.band": [*[0.0] * len(past), *(coming["hi80"] - coming["lo80"])],
            "export.past": [*past["value"], *after],
            "export.expected": [*before, *coming["value"]],
        }
        form = number_format(coming["value"].iloc[0], unit, False, words)
        _write(book, sheet, row, {text(key, words.lang): of for key, of in columns.items()}, form)
        place = (row, len(past) + len(coming))
        chart = book.add_chart({"type": "area", "subtype": "stacked"})
        _series(chart, sheet, place, 1, fill={"none": True})
        _series(chart, sheet, place, 2, fill={"color": BAND})
        lines = book.add_chart({"type": "line"})
        _series(lines, sheet, place, 3, line={"color": QUIET, "width": 2})
        _series(lines, sheet, place, 4, line={"color": VALUE, "width": 2.5, "dash_type": "dash"})
        chart.combine(lines)
        chart.set_legend({"position": "bottom", "delete_series": [0]})
        chart.set_y_axis({"num_format": form, "min": 0, "major_gridlines": {"visible": False}})
        label = plain(coming["label"].iloc[0])
        _insert(sheet, chart, row, text("export.forecast_of", words.lang, label=label), 400)
        row += max(place[1], 400 // ROW) + 3


def _write(book: Workbook, sheet: Worksheet, row: int, columns: Columns, form: str) -> None:
    """Write a block of cells: a heading a column, names first and then figures."""
    number, bold = book.add_format({"num_format": form}), book.add_format({"bold": True})
    sheet.set_column(0, 0, 36)
    sheet.set_column(1, 4, 24)
    for place, (heading, values) in enumerate(columns.items()):
        sheet.write_string(row, place, heading, bold)
        for line, value in enumerate(values, start=row + 1):
            if isinstance(value, str):
                sheet.write_string(line, place, plain(value))
            elif value is not None and value == value:
                sheet.write_number(line, place, value, number)


def _series(
    chart: Chart, sheet: Worksheet, block: tuple[int, int], place: int, **look: Any
) -> None:
    """Add a column of a block, which begins on a row and has so many, to a chart."""
    first, last = block[0] + 1, block[0] + block[1]
    overlap = {"overlap": 100} if "gap" in look else {}
    chart.add_series(
        {
            "name": [sheet.name, block[0], place],
            "categories": [sheet.name, first, 0, last, 0],
            "values": [sheet.name, first, place, last, place],
            **look,
            **overlap,
        }
    )


def _insert(sheet: Worksheet, chart: Chart, row: int, said: str, height: int) -> None:
    chart.set_title({"name": said, "name_font": {"size": 12}, "overlay": False})
    chart.set_size({"width": WIDTH, "height": height})
    sheet.insert_chart(row, 6, chart, {"description": said})
