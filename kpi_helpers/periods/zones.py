"""The clock of a country."""


def zone_of(country: str) -> str | None:
    """The time zone of a country, None where it has several.

    Parameters
    ----------
    country : str
        ISO code.

    Examples
    --------
    >>> zone_of("FR"), zone_of("US")
    ('Europe/Paris', None)
    """
    from babel.core import get_global

    zones = get_global("territory_zones").get(country, [])
    return zones[0] if len(zones) == 1 else None
