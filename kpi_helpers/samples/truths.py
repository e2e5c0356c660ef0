"""What is planted in the sample company, as plain data that tests and readers can hold it to."""

from typing import Any

from kpi_helpers.samples.parameters import Parameters


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
    {'kpi': 'lead_qualification_rate', 'from': '2025-07-01', 'factor': 0.72}
    """
    found = _of_the_funnel(p) | _of_the_customers(p)
    return found | _silent(p) | _besides(p)


def _of_the_funnel(p: Parameters) -> dict[str, dict[str, Any]]:
    social, search = p.channels[:2]
    return {
        "bottleneck": {
            "kpi": "lead_qualification_rate",
            "from": p.bottleneck_from.isoformat(),
            "factor": p.bottleneck,
        },
        "cure": {
            "kpi": "lead_qualification_rate",
            "from": p.training_from.isoformat(),
            "factor": p.training,
            "team": p.trained_team,
        },
        "bad_channel": {
            "channel": social.name,
            "cac": [2_800, 5_330],
            "beside": search.name,
            "beside_cac": [650, 940],
            "margin_per_customer": 2_400,
        },
        "reps": {"wins": dict(p.rep_wins)},
        "slippage": {
            "from": p.slip_from.isoformat(),
            "over": p.slip_amount,
            "before": 0.22,
            "after": round(1 - 0.78 * (1 - p.slip_rate), 3),
        },
        "public_cycle": {"sector": "public", "factor": p.public_cycle},
        "competitor": {"wins": dict(p.rival_wins)},
    }


def _of_the_customers(p: Parameters) -> dict[str, dict[str, Any]]:
    before, after = (round(100 * (up - down)) for up, down in (p.nps, p.nps_after))
    return {
        "renewal": {
            "from": p.renewal_from.isoformat(),
            "before": p.renewal_rate,
            "after": p.renewal_after,
        },
        "nps": {"from": p.nps_from.isoformat(), "before": before, "after": after},
        "missed_calls": {"monday_9_to_11": p.missed_monday, "else": p.missed},
        "key_account": {
            "customer_id": "C00001",
            "share": 0.09,
            "until": p.key_account_until.isoformat(),
        },
        "market": {name: [before, after] for name, before, after in p.market},
        "perception": {name: [ours, theirs] for name, ours, theirs in p.perceived},
    }


def _silent(p: Parameters) -> dict[str, dict[str, Any]]:
    rep, product, wins, deals = p.lucky
    return {
        "win_rate": {"silent": True, "before": 0.252, "after": 0.235},
        "landing_page": {"silent": True, "action_id": "ACT-02"},
        "visits": {"silent": True, "from": p.visits_from.isoformat(), "factor": p.visits},
        "weak_by_mix": {"silent": True, "owner": p.weak_by_mix[0]},
        "lucky": {"silent": True, "owner": rep, "product": product, "won": wins, "of": deals},
    }


def _besides(p: Parameters) -> dict[str, dict[str, Any]]:
    return {
        "definition": {"kpi": "qualified_leads", "from": p.mql_change.isoformat()},
        "duplicates": {"share": p.duplicate_rate},
        "refunds": {"share": p.refund_rate},
        "past_due": {"share": 0.10},
        "young": {"same_quarter": 0.24, "next_quarter": 0.81},
        "rep_targets": {"stretch": p.rep_stretch},
        "personal": {"domain": "example.com", "columns": ["email", "phone"]},
    }
