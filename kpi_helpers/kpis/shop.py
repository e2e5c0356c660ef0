"""The web shop: from visits to carts to orders."""

from __future__ import annotations

import ibis.expr.types as ir

from kpi_helpers.catalogue import LOWER, NEUTRAL, Example, kpi
from kpi_helpers.kpis.parts import Parts, clustered_share, total
from kpi_helpers.units import COUNT, PERCENT


@kpi(
    names=("Taux d’abandon de panier", "Cart abandonment"),
    definition_fr="Paniers créés dans la période qui ne sont pas devenus des commandes, en part "
    "de tous.",
    unit=PERCENT,
    better=LOWER,
    dated="date",
    category=("quality",),
    tags=("e-commerce",),
    pitfalls=(
        "Un panier par visite n’est pas un panier par visiteur ; on remplit aussi des paniers "
        "pour comparer ; sans consentement, la mesure en perd.",
        "A cart of a visit is not one of a visitor; people fill carts to compare; without "
        "consent some go uncounted.",
    ),
    seeds="S3 L17",
    cases="carts",
    example=Example(gives=0.7, web_funnel={"carts": [600, 400, 0], "orders": [200, 100, 0]}),
)
def cart_abandonment_rate(web_funnel: ir.Table) -> Parts:
    """Carts created in the period that did not become orders, as a share of all."""
    left = web_funnel.carts - web_funnel.orders
    return clustered_share(left, of=web_funnel.carts, cluster=web_funnel.date)


@kpi(
    names=("Taux de conversion du site", "Site conversion rate"),
    definition_fr="Commandes de la période, en part des visites.",
    unit=PERCENT,
    dated="date",
    category=("quality",),
    tags=("e-commerce",),
    pitfalls=(
        "Par visite n’est pas par visiteur ; les robots et les visites sans consentement "
        "faussent le total.",
        "For each visit is not for each visitor; bots and visits without consent distort it.",
    ),
    seeds="S4 L15/L39",
    cases="visits",
    example=Example(gives=0.02, web_funnel={"sessions": [900, 600], "orders": [20, 10]}),
)
def site_conversion_rate(web_funnel: ir.Table) -> Parts:
    """Orders of the period, as a share of visits."""
    return clustered_share(web_funnel.orders, of=web_funnel.sessions, cluster=web_funnel.date)


@kpi(
    names=("Visites du site", "Site visits"),
    definition_fr="Visites de la période : un indicateur de vanité, suivi pour être reconnu comme "
    "tel.",
    unit=COUNT,
    better=NEUTRAL,
    dated="date",
    tier="P3",
    category=("vanity",),
    tags=("e-commerce",),
    pitfalls=(
        "Robots et campagnes les font monter sans une vente de plus.",
        "Bots and campaigns raise them without one more sale.",
    ),
    seeds="S4 L57",
    example=Example(gives=1500, web_funnel={"sessions": [900, 600, None]}),
)
def site_visits(web_funnel: ir.Table) -> Parts:
    """Visits of the period: a vanity metric, followed so that it is known as one."""
    return total(web_funnel.sessions)
