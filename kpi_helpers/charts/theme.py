"""How charts look: colours that survive grey and colour blindness, and a style for a `with` block.

Nothing is set globally, neither at import nor afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

# From dark to light: neighbours differ in luminance, and all of them for the colour-blind.
PALETTE = ("#17375e", "#b8400e", "#3b9c97", "#e3a93b", "#c9d3dd")
VALUE, WORSE, BETTER, TARGET, REST = PALETTE

INK, QUIET, GRID = "#1f2933", "#55616d", "#e2e7ec"
# Light enough for an interval in the colour of the value to be seen upon it.
BAR, BAND = "#9bb8d6", "#d3e0ee"
# DejaVu Sans comes with matplotlib: the same letters, and the same bytes, on every machine.
FONT = "DejaVu Sans"

# Sizes of letters, and what an inch holds of them.
TITLE, TEXT, SMALL, INCH = 12.0, 9.0, 8.0, 72.0

_STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "axes.axisbelow": True,
        "axes.edgecolor": QUIET,
        "axes.grid": False,
        "axes.labelcolor": QUIET,
        "axes.linewidth": 0.8,
        "axes.spines.bottom": False,
        "axes.spines.left": False,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.unicode_minus": True,
        "figure.dpi": 100,
        "font.family": [FONT],
        "font.size": TEXT,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "hatch.color": QUIET,
        "hatch.linewidth": 0.4,
        "legend.fontsize": SMALL,
        "legend.frameon": False,
        "savefig.dpi": 120,
        "text.color": INK,
        "text.parse_math": False,
        "text.usetex": False,
        "xtick.color": QUIET,
        "xtick.labelsize": SMALL,
        "xtick.major.size": 0,
        "ytick.color": QUIET,
        "ytick.labelsize": SMALL,
        "ytick.major.size": 0,
    }
)


def theme() -> AbstractContextManager[None]:
    """Give charts their style inside a `with` block, whatever is set outside it.

    Examples
    --------
    >>> import matplotlib
    >>> with theme():
    ...     matplotlib.rcParams["text.parse_math"]
    False
    >>> matplotlib.rcParams["text.parse_math"]
    True
    """
    import matplotlib.style

    return matplotlib.style.context(["default", dict(_STYLE)])
