"""Names, e-mail addresses and phone numbers, all made up from numbers.

The addresses are of a domain that is reserved for examples, the lines of those that Arcep reserves
for fiction (decision 2009-0535).
"""

import numpy as np
import pandas as pd

from kpi_helpers.samples.draws import Array

TRADES = (
    *("Biscuiterie", "Brasserie", "Conserverie", "Cosmétiques", "Fromagerie", "Huilerie"),
    *("Laboratoires", "Laiterie", "Menuiserie", "Minoterie", "Papeterie", "Salaisons"),
)
TOWNS = (
    *("Annecy", "Angers", "Beaune", "Brest", "Cholet", "Dinan", "Évreux", "Gap", "Laval", "Lens"),
    *("Lorient", "Mâcon", "Nevers", "Niort", "Pau", "Quimper", "Rodez", "Saumur", "Tulle", "Vire"),
)
LINES = ("63998", "19900", "26191", "35301", "46571", "53649")


def names(firms: Array) -> Array:
    """Return the names of firms, given by their numbers.

    Examples
    --------
    >>> names(np.array([13, 253])).tolist()
    ['Brasserie Angers 1', 'Brasserie Angers 2']
    """
    known = np.array([f"{trade} {town} " for town in TOWNS for trade in TRADES], dtype=object)
    named: Array = known[firms % len(known)] + (1 + firms // len(known)).astype(str)
    return named


def contacts(people: Array, again: Array) -> pd.DataFrame:
    """Return ``email`` and ``phone`` of people, given by their numbers.

    Parameters
    ----------
    people : array of int
    again : array of bool
        Whether they were typed in anew, in another spelling.

    Examples
    --------
    >>> contacts(np.array([13, 13]), np.array([False, True])).values.tolist()
    [['contact.13@example.com', '06 39 98 00 13'], ['Contact.13@Example.com', '+33639980013']]
    """
    number = pd.Series(people).astype(int)
    line = number // 10_000
    digits = line.map(dict(enumerate(LINES))) + (number % 10_000).astype(str).str.zfill(4)
    email = "contact." + number.astype(str) + "@example.com"
    spaced = "0" + digits.str.replace(r"(\d)(..)(..)(..)(..)", r"\1 \2 \3 \4 \5", regex=True)
    other = email.str.replace("contact", "Contact").str.replace("example", "Example")
    return pd.DataFrame(
        {"email": other.where(again, email), "phone": ("+33" + digits).where(again, spaced)}
    )
