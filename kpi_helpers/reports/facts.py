"""What stands at the top of a page: whose figures, of when, and how far the data can be trusted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kpi_helpers.language import text
from kpi_helpers.reports.naming import filter_said
from kpi_helpers.units import COUNT, MONEY, write, write_date

if TYPE_CHECKING:
    from kpi_helpers.periods import Period
    from kpi_helpers.sources import Dataset


def facts(data: Dataset, period: Period, segment: str = "") -> dict[str, str]:
    """Return what stands at the top of a page: label → value; what is not known is left out."""
    from kpi_helpers.periods import label

    lang, config = data.config.lang, data.config
    said = {
        "company": data.name,
        "period": label(period, lang),
        "segment": _segment(data, segment) if segment else "",
        "as_of": write_date(data.as_of, lang),
        "currency": config.currency,
        "owner": config.owner,
        "audience": config.audience,
        "names": text("report.names", lang) if data.masked else "",
        "freshness": _freshness(data),
        "checks": _checks(data),
        "left_out": _left_out(data),
    }
    return {text(f"report.facts.{name}", lang): value for name, value in said.items() if value}


def _segment(data: Dataset, name: str) -> str:
    said = filter_said(data.config.segments.get(name, name), data.config.lang)
    if name not in data.config.segments:
        return said
    return text("report.filter.said", data.config.lang, name=name, filter=said)


def _freshness(data: Dataset) -> str:
    """Say how old the newest row of the tables that look back is on the day of the data."""
    from kpi_helpers.sources import freshness

    age = freshness(data)
    if age is None:
        return ""
    age = max(age, 0)
    day = write_date(data.as_of - timedelta(days=age), data.config.lang)
    return text(f"report.{'freshness' if age else 'fresh'}", data.config.lang, day=day, n=age)


def _checks(data: Dataset) -> str:
    """Give the score of the data, and how many checks found something, by how much it weighs."""
    from kpi_helpers.sources import quality, score

    found = quality(data)["severity"].value_counts()
    counted = [
        text(f"report.checks.{severity}", data.config.lang, n=int(found[severity]))
        for severity in ("block", "warn", "info")
        if severity in found
    ]
    return " · ".join([f"{score(data)} / 100", *counted])


def _left_out(data: Dataset) -> str:
    """Say how many rows were left out, their money, and how many are used though flagged.

    A row that fails two checks counts once.
    """
    from kpi_helpers.sources import left_out

    lang, rows = data.config.lang, left_out(data)
    again = rows["line"].notna() & rows.duplicated(["table", "file", "line", "action"])
    gone, used = (rows[~again & (rows["action"] == action)] for action in ("excluded", "flagged"))
    money = gone["money"].sum(min_count=1)
    said = [write(len(gone), COUNT, lang)]
    said += [write(money, MONEY, lang, data.config.currency)] if money == money else []
    if len(used):
        said.append(text("report.flagged", lang, n=len(used), rows=write(len(used), COUNT, lang)))
    return " · ".join(said)
