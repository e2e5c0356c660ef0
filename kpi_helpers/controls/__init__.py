"""What an analyst clicks and a consultant shows: fields around plain functions, no arithmetic.

Each control has a plain function of the same arguments, which a headless run can call.
"""

from kpi_helpers.controls.control import Control
from kpi_helpers.controls.shown import Shown

__all__ = ["Control", "Shown"]
