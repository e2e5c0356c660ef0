"""What customers say: recommendation, satisfaction, effort, reviews and how they see us."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

from kpi_helpers.samples.draws import Array, day, ids, working_day
from kpi_helpers.samples.parameters import Parameters

WAVES = (3, 9)  # months in which customers are asked whether they recommend us
INVITED = 1_100
# Type, answers a month, scale, chances of each score from its least to its most.
Asked = tuple[str, int, tuple[int, int], tuple[float, ...]]
ASKED: tuple[Asked, ...] = (
    ("csat", 50, (1, 5), (0.04, 0.06, 0.12, 0.40, 0.38)),
    ("ces", 25, (1, 7), (0.03, 0.05, 0.07, 0.12, 0.23, 0.28, 0.22)),
    ("review", 9, (1, 5), (0.06, 0.05, 0.10, 0.29, 0.50)),
)
TOUCHPOINTS = ("Livraison", "Mise en service", "Maintenance")
US = "nous"
# People write addresses and numbers where nobody looks for them.
COMMENTS = (
    *(None, None, None, None, "Livraison rapide, rien à dire.", "Prix élevé mais machine fiable."),
    *("Délai trop long.", "Technicien très compétent.", "Jamais joignable le lundi matin."),
    *("Rappelez-moi au 06 39 98 00 42.", "Devis à renvoyer à contact.42@example.com, merci."),
)


def draw_surveys(customers: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Draw all answers, in order of the day they came."""
    months = np.arange(np.datetime64(p.start, "M"), np.datetime64(p.as_of, "M") + 1)
    waves = [month for month in months if int(str(month)[5:]) in WAVES]
    frames = [_wave(customers, month, p, rng) for month in waves]
    frames += [_steady(customers, months, asked, rng) for asked in ASKED]
    rows = pd.concat(frames, ignore_index=True)
    rows["comment"] = np.array(COMMENTS, dtype=object)[rng.integers(len(COMMENTS), size=len(rows))]
    rows = pd.concat([rows, _perceptions(customers, p, rng)], ignore_index=True)
    rows = rows[rows["responded_at"].to_numpy("M8[D]") <= day(p.as_of)]
    rows = rows.sort_values(["responded_at", "sheet"], kind="stable", ignore_index=True)
    sheets, different = pd.factorize(rows["sheet"])
    return rows.assign(response_id=ids("R", np.ones(len(different), bool))[sheets])


def _rows(customers: pd.DataFrame, at: Array, rng: Generator, **columns: Any) -> pd.DataFrame:
    """Return answers of customers who were there on the day, each on a sheet of its own."""
    at = working_day(at)
    seen = np.searchsorted(customers["first_seen"].to_numpy("M8[D]"), at)
    who = (rng.random(len(at)) * seen).astype(int)
    rows = pd.DataFrame({"responded_at": at, "customer_id": customers.index.to_numpy()[who]})
    return rows.assign(sheet=rng.random(len(at)), **columns)


def _wave(
    customers: pd.DataFrame, month: np.datetime64, p: Parameters, rng: Generator
) -> pd.DataFrame:
    promoters, detractors = p.nps_after if month >= np.datetime64(p.nps_from, "M") else p.nps
    size = p.nps_answers
    group = rng.choice(3, size, p=[detractors, 1 - promoters - detractors, promoters])
    least, most = np.array([0, 7, 9])[group], np.array([6, 8, 10])[group]
    scores = rng.integers(least, most + 1).astype(float)
    at = month.astype("M8[D]") + rng.integers(0, 24, size)
    told = {"type": "nps", "wave": str(month), "invited_n": float(INVITED), "channel": "E-mail"}
    return _rows(customers, at, rng, score=scores, scale_min=0.0, scale_max=10.0, **told)


def _steady(customers: pd.DataFrame, months: Array, asked: Asked, rng: Generator) -> pd.DataFrame:
    kind, a_month, scale, chances = asked
    at = np.repeat(months.astype("M8[D]"), a_month)
    at = at + rng.integers(0, 28, len(at))
    scores = scale[0] + rng.choice(len(chances), len(at), p=chances).astype(float)
    where = np.array(TOUCHPOINTS, dtype=object)[rng.integers(len(TOUCHPOINTS), size=len(at))]
    told = {"type": kind, "channel": "Google" if kind == "review" else "E-mail"}
    ends = {"scale_min": float(scale[0]), "scale_max": float(scale[1])}
    return _rows(customers, at, rng, score=scores, touchpoint=where, **ends, **told)


def _perceptions(customers: pd.DataFrame, p: Parameters, rng: Generator) -> pd.DataFrame:
    """Both companies, each attribute: one sheet a person, whose mood colours all its scores."""
    at = day(p.as_of) - 110 + rng.integers(0, 20, p.perceptions)
    sheets = _rows(customers, at, rng, type="perception", channel="Entretien")
    mood = rng.normal(0, 1.2, len(sheets))
    frames = []
    for attribute, ours, theirs in p.perceived:
        for subject, mean in ((US, ours), (p.perceived_rival, theirs)):
            scores = np.rint(mean + mood + rng.normal(0, 1.0, len(sheets))).clip(0, 10)
            told = {"question_id": attribute, "attribute": attribute, "subject": subject}
            frames.append(sheets.assign(score=scores, scale_min=0.0, scale_max=10.0, **told))
    return pd.concat(frames)
