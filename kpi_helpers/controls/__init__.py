"""What an analyst clicks and a consultant shows: fields around plain functions, no arithmetic.

Each control has a plain function of the same arguments, which a headless run can call; `CONTROLS`
names both.
"""

from collections.abc import Callable, Mapping

from kpi_helpers.controls.acting import acting, board
from kpi_helpers.controls.choosing import choosing, chosen
from kpi_helpers.controls.control import Control
from kpi_helpers.controls.defining import defining, redefined
from kpi_helpers.controls.explorer import explored, explorer
from kpi_helpers.controls.importing import importing, offered
from kpi_helpers.controls.levers import levered, levers
from kpi_helpers.controls.outcome import left, outcome
from kpi_helpers.controls.scoring import scored, scorer
from kpi_helpers.controls.shown import Shown
from kpi_helpers.controls.workshop import workshop
from kpi_helpers.controls.worth import valued, worth

__all__ = [
    "CONTROLS",
    "Control",
    "Shown",
    "acting",
    "board",
    "choosing",
    "chosen",
    "defining",
    "explored",
    "explorer",
    "importing",
    "left",
    "levered",
    "levers",
    "offered",
    "outcome",
    "redefined",
    "scored",
    "scorer",
    "valued",
    "workshop",
    "worth",
]

# Name of a control → its plain function, and what makes the control; both take the data set first.
CONTROLS: Mapping[str, tuple[Callable[..., Shown], Callable[..., Control]]] = {
    "acting": (board, acting),
    "choosing": (chosen, choosing),
    "defining": (redefined, defining),
    "explorer": (explored, explorer),
    "importing": (offered, importing),
    "levers": (levered, levers),
    "scorer": (scored, scorer),
    "worth": (valued, worth),
}
