"""What is planted in the sample company, as plain data that tests and readers can hold it to."""

import json
from datetime import date
from typing import Any

from kpi_helpers.samples.parameters import Parameters

# What follows from the parameters only by simulation.
ECONOMICS = {"cac": [2_800, 5_330], "beside_cac": [650, 940], "margin_per_customer": 2_400}
SLIPPAGE, KEY_SHARE, PAST_DUE = 0.22, 0.09, 0.10


def truths(p: Parameters) -> dict[str, dict[str, Any]]:
    """Return what must be found, what must stay silent and what else is planted.

    Parameters
    ----------
    p : Parameters

    Returns
    -------
    dict
        By name; rates are 0 to 1, amounts euros, days ISO text. What is switched off is there with
        a factor of 1, or with the same rate before and after.

    Examples
    --------
    >>> truths(Parameters())["bottleneck"]
    {'from': '2025-07-01', 'factor': 0.72}
    """
    return _to_find(p) | _to_pass_over(p)


def as_toml(planted: dict[str, dict[str, Any]]) -> str:
    """Return truths as a TOML file.

    Examples
    --------
    >>> print(as_toml({"nps": {"before": 40, "after": 24}}))
    [nps]
    "before" = 40
    "after" = 24
    <BLANKLINE>
    """
    lines = []
    for name, sizes in planted.items():
        told = (f"{_text(key)} = {_text(value)}" for key, value in sizes.items())
        lines += [f"[{name}]", *told, ""]
    return "\n".join(lines)


def _text(value: Any) -> str:
    """Texts, numbers, flags and lists of them are written in TOML as they are in JSON."""
    return json.dumps(value, ensure_ascii=False)


def _to_find(p: Parameters) -> dict[str, dict[str, Any]]:
    slipping = round(1 - (1 - SLIPPAGE) * (1 - p.slip_rate), 3)
    nps = [round(100 * (up - down)) for up, down in (p.nps, p.nps_after)]
    return {
        "bottleneck": _since(p.bottleneck_from, factor=p.bottleneck),
        "cure": _since(p.training_from, factor=p.training, team=p.trained_team),
        "bad_channel": {"channel": p.channels[0].name, "beside": p.channels[1].name, **ECONOMICS},
        "reps": dict(p.rep_wins),
        "slippage": _since(p.slip_from, over=p.slip_amount, before=SLIPPAGE, after=slipping),
        "public_cycle": {"sector": "public", "factor": p.public_cycle},
        "competitor": dict(p.rival_wins),
        "renewal": _since(p.renewal_from, before=p.renewal_rate, after=p.renewal_after),
        "nps": _since(p.nps_from, before=nps[0], after=nps[1]),
        "missed_calls": {"monday_9_to_11": p.missed_monday, "else": p.missed},
        "key_account": _since(p.key_account_until, customer_id="C00001", share=KEY_SHARE),
        "market": {name: [before, after] for name, before, after in p.market},
        "perception": {name: [ours, theirs] for name, ours, theirs in p.perceived},
    }


def _to_pass_over(p: Parameters) -> dict[str, dict[str, Any]]:
    rep, product, wins, deals = p.lucky
    return {
        "win_rate": {"silent": True, "before": 0.252, "after": 0.235},
        "landing_page": {"silent": True, "action_id": "ACT-02"},
        "visits": _since(p.visits_from, silent=True, factor=p.visits),
        "weak_by_mix": {"silent": True, "owner": p.weak_by_mix[0]},
        "lucky": {"silent": True, "owner": rep, "product": product, "won": wins, "of": deals},
        "definition": _since(p.mql_change, kpi="qualified_leads"),
        "duplicates": {"share": p.duplicate_rate},
        "refunds": {"share": p.refund_rate},
        "past_due": {"share": PAST_DUE},
        "young": {"same_quarter": 0.24, "next_quarter": 0.81},
        "rep_targets": {"stretch": p.rep_stretch},
        "personal": {"domain": "example.com", "columns": ["email", "phone"]},
    }


def _since(day: date, **sizes: Any) -> dict[str, Any]:
    return {"from": day.isoformat(), **sizes}
