"""What a section needs may be missing: then one line says why, and the report goes on."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, TypeVar

from kpi_helpers.errors import KpiError

if TYPE_CHECKING:
    from kpi_helpers.sources import Dataset

ABSENT = "absent"
T = TypeVar("T")


def attempt(analysis: Callable[..., T], data: Dataset, *args: object, **more: object) -> T | None:
    """Run an analysis; where the data do not carry it, show the reason in one line instead.

    A page leaves the section out of its contents and keeps the line.

    Parameters
    ----------
    analysis : callable
        A function of `kpi_helpers` that takes a data set.
    data : Dataset
        Its language is that of the reason.
    *args, **more
        The rest of its arguments.

    Returns
    -------
    object or None
        What the analysis returns; None where a `KpiError` says what is missing. Any other error is
        a fault and is raised.

    Examples
    --------
    >>> attempt(len, [1, 2])
    2
    """
    from IPython.display import display

    try:
        return analysis(data, *args, **more)
    except KpiError as error:
        reason = error.render(data.config.lang)
        shown = {"text/plain": reason, "text/html": f'<p class="{ABSENT}">{escape(reason)}</p>'}
        display(shown, raw=True, metadata={ABSENT: reason})
        return None


def given(function: Callable[..., T], frame: object, *args: object, **more: object) -> T | None:
    """Call a function on what an analysis found; where it found nothing there is nothing to show.

    Examples
    --------
    >>> given(len, [1, 2]), given(len, None)
    (2, None)
    """
    return None if frame is None else function(frame, *args, **more)
