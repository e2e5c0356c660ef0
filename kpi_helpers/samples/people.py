"""Names, e-mail addresses and phone numbers, all made up, from the number of a firm.

The addresses are of a domain that is reserved for examples, the numbers of a range that is reserved
for fiction (Arcep decision 2009-0535).
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


def contacts(firms: Array, again: Array | None = None) -> pd.DataFrame:
    """Return ``customer_name, email, phone`` of firms, given by their numbers.

    Parameters
    ----------
    firms : array of int
    again : array of bool, optional
        Whether a contact was typed in anew, in another spelling.

    Examples
    --------
    >>> import numpy as np
    >>> contacts(np.array([13]), np.array([True])).iloc[0].tolist()
    ['BRASSERIE ANGERS 1', 'Contact.13@Example.com', '+33639980013']
    """
    numbers = pd.Series(firms).astype(int)
    size = len(TRADES) * len(TOWNS)
    names = pd.Series([f"{trade} {town}" for town in TOWNS for trade in TRADES])
    names = names[numbers % size].reset_index(drop=True) + (" " + (1 + numbers // size).astype(str))
    line = (numbers % 10_000).astype(str).str.zfill(4)
    frame = pd.DataFrame(
        {
            "customer_name": names,
            "email": "contact." + numbers.astype(str) + "@example.com",
            "phone": "06 39 98 " + line.str[:2] + " " + line.str[2:],
        }
    )
    if again is None:
        return frame
    other = pd.DataFrame(
        {
            "customer_name": names.str.upper(),
            "email": "Contact." + numbers.astype(str) + "@Example.com",
            "phone": "+3363998" + line,
        }
    )
    return pd.DataFrame(np.where(again[:, None], other, frame), columns=frame.columns)
