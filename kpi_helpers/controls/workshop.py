"""The app of a workshop: a screen a control, made when it is first looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import ipywidgets as widgets

from kpi_helpers.controls.acting import acting
from kpi_helpers.controls.choosing import choosing
from kpi_helpers.controls.control import Control
from kpi_helpers.controls.defining import defining
from kpi_helpers.controls.explorer import explorer
from kpi_helpers.controls.importing import importing
from kpi_helpers.controls.levers import levers
from kpi_helpers.controls.outcome import outcome
from kpi_helpers.controls.scoring import scorer
from kpi_helpers.controls.worth import worth
from kpi_helpers.language import text
from kpi_helpers.reports.agreed import settled
from kpi_helpers.reports.opening import opened
from kpi_helpers.reports.places import CONFIG, home
from kpi_helpers.sources import Dataset
from kpi_helpers.sources.dropped import DATA

Maker = Callable[["Workshop"], Control]

# In the order of a meeting: what the data say first, what is decided last.
SCREENS: Mapping[str, Maker] = {
    "importing": lambda shop: importing(shop.data, share=shop.share, on_data=shop._imported),
    "choosing": lambda shop: choosing(shop.data),
    "explorer": lambda shop: explorer(shop.data, shop.exports),
    "levers": lambda shop: levers(shop.data, folder=shop.exports),
    "worth": lambda shop: worth(shop.data, folder=shop.exports),
    "scorer": lambda shop: scorer(shop.data, folder=shop.exports),
    "defining": lambda shop: defining(shop.data),
    "acting": lambda shop: acting(shop.data),
    "events": lambda shop: acting(shop.data, "events"),
    "kpi_log": lambda shop: acting(shop.data, "kpi_log"),
    "outcome": lambda shop: outcome(shop.data, shop.made, shop.again),
}
START, IMPORT, OUTCOME = "explorer", "importing", "outcome"


class Workshop(widgets.VBox):
    """Screens on one data set; a new one, or new settings, and they are made anew.

    Parameters
    ----------
    data
        A data set of `kpi_helpers.load`.
    share
        Whether names are replaced, as they are in ``data``.
    again
        Opens the data once more, after something was saved.

    Attributes
    ----------
    made : dict
        Name of a screen → its control, of those that were looked at.
    """

    data: Dataset
    share: bool
    exports: Path
    made: dict[str, Control]
    again: Callable[[], Dataset]

    def __init__(self, data: Dataset, share: bool, again: Callable[[], Dataset]) -> None:
        self.data, self.share, self.again = data, share, again
        self.exports = home() / "reports" / "workshop"
        self.made = {}
        self._stale = False
        lang = data.config.lang
        waiting = widgets.HTML(f'<p class="kpi-waiting">{text("controls.waiting", lang)}</p>')
        self.tab = widgets.Tab(
            [widgets.VBox([waiting]) for _ in SCREENS],
            titles=[text(f"controls.screens.{name}", lang) for name in SCREENS],
            selected_index=[*SCREENS].index(START),
        )
        self.tab.observe(lambda change: self.show([*SCREENS][change["new"]]), "selected_index")
        super().__init__([self.tab])
        self.show(START)

    def show(self, name: str) -> Control:
        """Look at a screen, which is made of the data as they are now."""
        place = [*SCREENS].index(name)
        if self._stale:
            self._stale = False
            self.use(self.again())
        if name == OUTCOME or name not in self.made:
            control = SCREENS[name](self)
            control.restore(settled(self.data).workshop.get(name, {}))
            control.acted.append(self._saved)
            self.made[name] = control
            self.tab.children[place].children = (control,)
        self.tab.selected_index = place
        return self.made[name]

    def use(self, data: Dataset) -> None:
        """Go on with other data: all screens but the one they came in by are made anew."""
        self.data = data
        self.made = {name: made for name, made in self.made.items() if name == IMPORT}

    def _imported(self, data: Dataset) -> None:
        """Go on with what was dropped, which is the project from now on."""
        self.again = partial(self._project, data.config.lang)
        self.use(data)

    def _project(self, lang: str) -> Dataset:
        return opened(str(home() / DATA), str(home() / CONFIG), lang=lang, share=self.share)

    def _saved(self, key: str) -> None:
        # What was saved may be a setting that other screens start from.
        self._stale = key != f"{IMPORT}.use"


def workshop(
    data: str = "", config: str = "", as_of: str = "", lang: str = "", share: bool = True
) -> Workshop:
    """Return the app of a workshop on data, by default those of the project here.

    Parameters
    ----------
    data, config, as_of, lang, share
        As for `kpi_helpers.reports.opened`; names are replaced unless one says otherwise.

    Examples
    --------
    >>> shop = workshop("data/sample", lang="en")
    >>> shop.show("levers").values["cycle"], [*shop.made]
    (1.0, ['explorer', 'levers'])
    """
    again = partial(opened, data, config, as_of, lang, share)
    return Workshop(again(), share, again)
