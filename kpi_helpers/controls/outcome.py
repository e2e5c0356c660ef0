"""The last screen: what the meeting leaves behind, saved where the next report reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kpi_helpers.controls.control import Control, Values
from kpi_helpers.controls.shown import Shown
from kpi_helpers.errors import KpiError
from kpi_helpers.language import text
from kpi_helpers.reports.agreed import save
from kpi_helpers.reports.exporting import check_forms
from kpi_helpers.reports.minutes import write_protocol
from kpi_helpers.reports.places import home
from kpi_helpers.sources import Dataset

# Screens whose fields are worth finding again; the others save what they hold themselves.
KEPT = ("explorer", "levers", "worth")
LEVERS = "levers"
Scenarios = tuple[Mapping[str, Any], ...]


def left(
    data: Dataset, states: Mapping[str, Values] | None = None, scenarios: Scenarios = ()
) -> Shown:
    """Show what saving would change; nothing is written.

    Parameters
    ----------
    data
        A data set of a project.
    states
        Name of a control → the values of its fields.
    scenarios
        What was kept of the levers: ``name`` and factors, as in the settings.
    """
    lang = data.config.lang
    told = save(data, _given(states or {}, scenarios), dry=True).splitlines()
    said = text("controls.outcome.changes" if told else "controls.outcome.nothing", lang)
    names = [str(each["name"]) for each in scenarios]
    kept = [text("controls.outcome.scenarios", lang, n=len(names), names=", ".join(names))]
    return Shown((said, *(kept if names else [])), lines=tuple(told))


def outcome(
    data: Dataset, made: Mapping[str, Control], again: Callable[[], Dataset] | None = None
) -> Control:
    """Return the screen; ``made`` are the controls whose state and scenarios are saved.

    ``again`` opens the data once more, for a protocol of what has been saved meanwhile.
    """
    states = {name: made[name].values for name in KEPT if name in made}
    scenarios = kept_of(made[LEVERS]) if LEVERS in made else ()
    control = Control(lambda: left(data, states, scenarios), {}, data.config.lang, "outcome")

    def saved(_: Values) -> list[str]:
        told = save(data, _given(states, scenarios))
        return [text("controls.outcome.saved", data.config.lang), *told.splitlines()]

    def told(_: Values) -> list[str]:
        forms = [form for form in ("pdf", "pptx") if _can_be_made(form)]
        files = write_protocol(again() if again else data, home() / "reports", forms)
        return [text("controls.outcome.written", data.config.lang), *map(str, files)]

    control.tools.layout.display = "none"
    control.offer("outcome.save", saved)
    control.offer("outcome.protocol", told)
    return control


def _can_be_made(form: str) -> bool:
    try:
        check_forms([form])
    except KpiError:
        return False
    return True


def _given(states: Mapping[str, Values], scenarios: Scenarios) -> dict[str, Any]:
    # Without any, those that are there stay.
    return {"workshop": states} | ({"scenarios": scenarios} if scenarios else {})


def kept_of(control: Control) -> Scenarios:
    """Return the scenarios that were kept of the levers, with the levers that were moved."""
    first = control.first
    return tuple(
        {"name": name, **_moved(values, first)} for name, values in control.scenarios.items()
    )


def _moved(values: Mapping[str, Any], first: Mapping[str, Any]) -> Values:
    """What differs from the start, in a mapping name by name."""
    return {
        name: _moved(value, first[name]) if isinstance(value, Mapping) else value
        for name, value in values.items()
        if value != first[name]
    }
