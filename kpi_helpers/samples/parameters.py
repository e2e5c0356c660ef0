"""What the sample company is made of: every volume, share and delay, in one frozen value."""

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from kpi_helpers.errors import unknown

Shares = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Channel:
    """One way in which leads arrive.

    Parameters
    ----------
    name : str
        As it stands in ``leads.source``, ``deals.source`` and ``spend.channel``.
    share_before, share_after : float
        Part of all leads before and from ``Parameters.mix_change``.
    qualified, won : float
        Chance that a lead is qualified, and that a qualified lead is won.
    media : float
        Media cost of a lead, in euros.
    known : float
        Part of its leads that come from customers the company already has.
    """

    name: str
    share_before: float
    share_after: float
    qualified: float
    won: float
    media: float
    known: float = 0.0


CHANNELS = (
    Channel("Réseaux sociaux", 0.22, 0.38, 0.20, 0.12, 70),
    Channel("Recherche en ligne", 0.26, 0.21, 0.40, 0.25, 60),
    Channel("Salons", 0.16, 0.13, 0.45, 0.24, 120, known=0.15),
    Channel("Recommandation", 0.13, 0.10, 0.55, 0.36, 10, known=0.15),
    Channel("Partenaires", 0.10, 0.08, 0.48, 0.30, 25, known=0.15),
    Channel("Prospection", 0.13, 0.10, 0.34, 0.20, 55, known=0.15),
)

TEAMS = (
    ("Équipe A", ("Anaïs Lefèvre", "Bruno Garnier", "Chloé Masson", "David Roche", "Élise Perrot")),
    ("Équipe B", ("Farid Benali", "Gaëlle Tanguy", "Hugo Marchal", "Inès Caron", "Julien Besson")),
)


@dataclass(frozen=True)
class Stage:
    """One step of the sales process.

    Parameters
    ----------
    name : str
        As it stands in ``deals.stage`` and ``stage_history.stage``.
    lost : float
        Part of the lost deals that are lost in it.
    time : float
        Its weight in the time that a deal takes.
    """

    name: str
    lost: float
    time: float


STAGES = (
    Stage("Qualification", 0.30, 0.8),
    Stage("Rendez-vous", 0.25, 1.2),
    Stage("Proposition", 0.25, 1.6),
    Stage("Négociation", 0.20, 1.2),
)


@dataclass(frozen=True)
class Parameters:
    """The sample company, and what happens to it.

    An effect is off when its factor is 1, its rate that of before, its number 0 or its list empty.
    Rates are 0 to 1, amounts euros without tax, delays days unless the name says otherwise; seasons
    are twelve factors from January to December with a mean of 1, weekdays seven weights from
    Monday. Amounts and cycles are log-normal, given by their median and the standard deviation of
    their logarithm (``spread``).

    Examples
    --------
    >>> Parameters(deal_median=12_000).deal_median
    12000
    """

    start: date = date(2023, 4, 1)
    as_of: date = date(2026, 9, 30)
    warm_up_months: int = 12

    leads_a_month: float = 420.0
    lead_growth: float = 0.05
    lead_season: tuple[float, ...] = (
        *(0.95, 1.00, 1.10, 1.00, 0.92, 1.08),
        *(0.92, 0.60, 1.15, 1.15, 1.10, 1.03),
    )
    lead_weekdays: tuple[float, ...] = (1.0, 1.1, 1.05, 1.0, 0.9, 0.3, 0.25)
    channels: tuple[Channel, ...] = CHANNELS
    mix_change: date = date(2025, 4, 1)
    qualification_median: float = 14.0
    qualification_limit: int = 45

    deal_median: float = 9_000.0
    deal_spread: float = 0.8
    cycle_median: float = 56.0
    cycle_spread: float = 0.75
    stages: tuple[Stage, ...] = STAGES
    won_stage: str = "Gagné"
    lost_stage: str = "Perdu"
    skip_rate: float = 0.03

    old_customers: int = 330
    old_parts_a_month: float = 1.0
    new_parts_a_month: float = 0.155
    customer_months: float = 100.0
    parts_season: tuple[float, ...] = (
        *(1.02, 1.00, 1.05, 1.02, 0.97, 1.05),
        *(0.96, 0.75, 1.04, 1.06, 1.04, 1.04),
    )
    parts_weekdays: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0)
    web_share: float = 0.8
    invoice_median: float = 1_000.0
    invoice_spread: float = 1.0
    delivery_days: int = 30
    discount: float = 0.04
    refund_rate: float = 0.03
    old_contract_share: float = 0.66
    new_contract_share: float = 0.37
    renewal_rate: float = 0.92
    fee_growth: float = 0.02

    tools_a_month: float = 4_000.0
    salaries_a_month: float = 78_000.0
    indirect_a_month: float = 12_000.0
    cost_growth: float = 0.025

    revenue_target: float = 14_400_000.0
    bookings_target: float = 6_000_000.0
    target_growth: float = 0.03
    rep_stretch: float = 0.04

    teams: tuple[tuple[str, tuple[str, ...]], ...] = TEAMS
    segments: Shares = (("PME", 0.62), ("ETI", 0.28), ("Grand compte", 0.10))
    sectors: Shares = (("privé", 0.87), ("public", 0.13))
    regions: Shares = (
        ("Auvergne-Rhône-Alpes", 0.24),
        ("Bretagne et Pays de la Loire", 0.21),
        ("Île-de-France", 0.20),
        ("Grand Est", 0.13),
        ("Hauts-de-France", 0.12),
        ("Occitanie", 0.10),
    )
    products: Shares = (
        ("Ensacheuse", 0.28),
        ("Operculeuse", 0.24),
        ("Étiqueteuse", 0.22),
        ("Fardeleuse", 0.16),
        ("Palettiseur", 0.10),
    )
    lost_reasons: Shares = (
        ("Prix", 0.30),
        ("Sans décision", 0.24),
        ("Concurrent", 0.22),
        ("Délai", 0.10),
        ("Besoin mal couvert", 0.08),
        ("Projet reporté", 0.06),
    )
    cost_shares: Shares = (("machines", 0.89), ("pièces", 0.82), ("maintenance", 0.65))

    # What happens: leads and deals.
    bottleneck: float = 0.72
    bottleneck_from: date = date(2025, 7, 1)
    training: float = 1.30
    training_from: date = date(2026, 1, 1)
    trained_team: str = "Équipe A"
    duplicate_rate: float = 0.015
    mql_change: date = date(2024, 10, 1)
    mql_before: float = 0.45  # of the leads that sales does not qualify
    mql_after: float = 0.25
    # Factors on the chance to win; the rep with so many times as many leads of the first channel;
    # the rep, product, wins and deals of a lucky year.
    rep_wins: Shares = (("Chloé Masson", 1.70), ("Hugo Marchal", 0.47))
    weak_by_mix: tuple[str, float] = ("Inès Caron", 2.0)
    lucky: tuple[str, str, int, int] = ("Bruno Garnier", "Palettiseur", 6, 9)
    rivals: Shares = (("Concurrent A", 0.24), ("Concurrent B", 0.148), ("Concurrent C", 0.165))
    rival_wins: Shares = (("Concurrent A", 1.15), ("Concurrent B", 0.60), ("Concurrent C", 1.15))
    public_cycle: float = 1.45
    slip_rate: float = 0.295  # that the end of a large deal moves by a quarter, each time
    slip_amount: float = 15_000.0
    slip_from: date = date(2026, 4, 1)
    neglected: float = 0.12  # expected closes that are left to pass

    # What happens: customers, their voice, the web shop and the market.
    renewal_after: float = 0.85
    renewal_from: date = date(2025, 10, 1)
    key_account_parts: float = 70.0  # invoices a month
    key_account_until: date = date(2026, 5, 1)
    nps_answers: int = 400
    nps: tuple[float, float] = (0.55, 0.15)  # promoters and detractors
    nps_after: tuple[float, float] = (0.45, 0.21)
    nps_from: date = date(2026, 9, 1)
    perceptions: int = 180
    perceived_rival: str = "Concurrent B"
    perceived: tuple[tuple[str, float, float], ...] = (  # ours and the rival's, of 10
        ("Prix", 5.9, 6.9),
        ("Délai", 6.8, 6.7),
        ("Qualité", 8.1, 7.4),
        ("Service", 7.9, 7.1),
    )
    missed: float = 0.08
    missed_monday: float = 0.19
    visits: float = 2.0
    visits_from: date = date(2026, 4, 1)
    market: tuple[tuple[str, float, float], ...] = (  # shares of the last two full years
        ("nous", 0.118, 0.121),
        ("Concurrent A", 0.184, 0.179),
        ("Concurrent B", 0.142, 0.163),
        ("Concurrent C", 0.093, 0.088),
    )

    @property
    def owners(self) -> tuple[str, ...]:
        """Names of the reps, team after team."""
        return tuple(owner for _, owners in self.teams for owner in owners)


def changed(**changes: Any) -> Parameters:
    """Return the parameters with some of them replaced.

    Raises
    ------
    UnknownName
        With the nearest names, for a parameter that does not exist.

    Examples
    --------
    >>> changed(refund_rate=0.1).refund_rate
    0.1
    >>> changed(refund=0.1)
    Traceback (most recent call last):
        ...
    kpi_helpers.errors.UnknownName: Unknown parameter: 'refund'. Did you mean refund_rate?
    """
    names = [field.name for field in fields(Parameters)]
    for name in changes:
        if name not in names:
            raise unknown("parameter", name, names)
    return replace(Parameters(), **changes)
