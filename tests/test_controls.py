"""A control of any kind: undo, reset, scenarios, errors, exports; hostile text stays text."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from kpi_helpers.controls import Control, Shown
from kpi_helpers.controls.fields import slider, words
from kpi_helpers.errors import KpiError, unknown

HOSTILE = "<img src=x onerror=alert(1)>$x$"


def shown(name: str, rates: dict[str, float]) -> Shown:
    if name == "unknown":
        raise unknown("kpi", HOSTILE, ["revenue"])
    figure = Figure()
    figure.set_label(name)
    return Shown((name,), {name: f"{sum(rates.values()):g}"}, figure)


@pytest.fixture
def control(tmp_path: Path) -> Control:
    rates = {step: slider(step, 1.0, 0.0, 2.0, 0.5) for step in ("Offer", HOSTILE)}
    return Control(shown, {"name": words("Name", "a"), "rates": rates}, "en", "some", tmp_path)


def test_a_change_is_shown_once_and_can_be_undone(control: Control) -> None:
    heard: list[object] = []
    control.listeners.append(heard.append)
    control.set(name="b", rates={"Offer": 2.0})
    assert control.shown.figures == {"b": "3"}
    assert heard == [{"name": "b", "rates": {"Offer": 2.0, HOSTILE: 1.0}}]
    control.fields["name"].value = "c"
    control.undo()
    assert control.values["name"] == "b"
    control.undo()
    control.undo()
    assert control.shown.figures == {"a": "2"}


def test_a_reset_goes_back_to_the_start_and_can_be_undone(control: Control) -> None:
    control.set(name="b")
    control.reset()
    assert control.values["name"] == "a"
    control.undo()
    assert control.values["name"] == "b"


def test_scenarios_stand_side_by_side(control: Control) -> None:
    control.keep(HOSTILE)
    control.set(rates={"Offer": 2.0})
    assert control.scenarios[HOSTILE]["rates"]["Offer"] == 1.0
    side = control._side.value
    assert "<td>2</td><td>3</td>" in side
    assert "&lt;img src=x" in side
    assert "<img" not in side


def test_an_error_is_said_and_goes_away(control: Control) -> None:
    control.set(name="unknown")
    assert "Unknown KPI" in control._fault.value
    assert "<img" not in control._fault.value
    assert control._chart.value == ""
    control.set(name=HOSTILE)
    assert control._fault.value == ""
    assert control._said.value.count("<img") == 0
    assert 'alt="&lt;img src=x onerror=alert(1)&gt;$x$"' in control._chart.value


def test_what_was_saved_is_restored_as_far_as_it_still_fits(control: Control) -> None:
    saved = {"gone": 1, "name": "b", "rates": {"Offer": 2.0, "Gone": 1.0, HOSTILE: "much"}}
    control.restore(saved)
    assert control.values == {"name": "b", "rates": {"Offer": 2.0, HOSTILE: 1.0}}
    control.restore({"rates": 3, "name": 4})
    assert control.shown.figures == {"b": "3"}
    control.reset()
    assert control.values["name"] == "a"


def test_exports_are_numbered(control: Control, tmp_path: Path) -> None:
    files = [control.export("png"), control.export("png"), control.export("pptx")]
    assert [file.name for file in files] == ["some-1.png", "some-2.png", "some-1.pptx"]
    assert files[0].read_bytes().startswith(b"\x89PNG")
    control.set(name="unknown")
    with pytest.raises(KpiError, match="no chart"):
        control.export("png")
    assert len([*tmp_path.glob("some*")]) == 3
