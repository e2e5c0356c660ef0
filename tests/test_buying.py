"""How often customers buy again: the published fit, a naive twin, simulated truth, refusals."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import published

import kpi_helpers as kh
from kpi_helpers.customers import buying, outlook
from kpi_helpers.errors import BadInput, MissingColumn, Unavailable

PUBLISHED = buying.Pace(0.2426, 4.414, 0.793, 2.426, -9582.43)
HALF, END = dt.date(1997, 9, 30), dt.date(1998, 6, 30)


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    """The orders of every tenth customer of CDNOW, as published."""
    path = published("cdnow") / "CDNOW_sample.txt"
    names = ["whole", "customer_id", "order_date", "cds", "amount_net"]
    rows = pd.read_csv(path, sep=r"\s+", names=names)
    day = pd.to_datetime(rows["order_date"].astype(str))
    return rows.assign(order_date=day, is_sale=True)


@pytest.fixture(scope="module")
def known(cdnow: pd.DataFrame) -> pd.DataFrame:
    return buying.histories(cdnow, HALF)


@pytest.fixture(scope="module")
def fit(known: pd.DataFrame) -> buying.Pace:
    return buying.pace(known)


def customers(x: list[float], recency: list[float], age: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"frequency": x, "recency": recency, "T": age})


def simulated(n: int, weeks: int, seed: int) -> pd.DataFrame:
    """Orders of customers who buy and leave as the model says, from a day of the first year."""
    draw = np.random.default_rng(seed)
    rows = []
    for who, start in enumerate(draw.uniform(0, 364, n)):
        pace, leaves = draw.gamma(1.2, 1 / 9.0), draw.beta(0.9, 3.0)
        day = start
        while day < weeks * 7:
            rows.append((f"C{who:05d}", pd.Timestamp("2024-01-01") + pd.Timedelta(day, "D")))
            if day > start and draw.random() < leaves:
                break
            day += 7 * draw.exponential(1 / pace)
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date"])
    return frame.assign(order_date=frame["order_date"].dt.floor("D"), amount_net=10.0, is_sale=True)


# --- Published: Fader, Hardie and Lee (2005); Fader and Hardie (2013) ---------------------------


def test_cdnow_parameters_are_the_published_ones(fit: buying.Pace) -> None:
    assert [round(fit.r, 4), round(fit.alpha, 3), round(fit.a, 3)] == [0.2426, 4.414, 0.793]
    assert fit.b == pytest.approx(2.426, abs=5e-4)
    assert fit.likelihood == pytest.approx(-9582.43, abs=5e-3)


def test_cdnow_money_is_the_published_one(known: pd.DataFrame) -> None:
    money = buying.worth(known)
    assert (money.p, money.q) == pytest.approx((6.25, 3.74), abs=5e-3)
    assert money.gamma == pytest.approx(15.44, abs=0.02)


def test_cdnow_second_half_is_under_predicted_as_published(
    cdnow: pd.DataFrame, known: pd.DataFrame, fit: buying.Pace
) -> None:
    """1,653 purchases expected in weeks 40 to 78; there were 1,882: the gap is the model's."""
    later = buying.histories(cdnow, END)
    assert later["frequency"].sum() - known["frequency"].sum() == 1882
    assert buying.purchases(fit, known, 39).sum() == pytest.approx(1653, rel=0.01)
    whole = buying.purchases_of_new(fit, later["T"].to_numpy()).sum()
    assert whole == pytest.approx(later["frequency"].sum(), rel=0.06)


def test_cdnow_the_outlook_shows_both(cdnow: pd.DataFrame) -> None:
    orders = cdnow.drop(columns="is_sale").assign(order_id=range(len(cdnow)))
    found = outlook(kh.load({"orders": orders}))
    held = found.parts.set_index("part").loc["held_out"]
    assert held["customers"] == 2357
    assert held["expected"] < held["seen"]
    assert held["expected"] == pytest.approx(held["seen"], rel=0.16)
    track = found.track.set_index("part")
    assert track.loc["held_out", "seen"].iloc[-1] == 4339
    assert track.loc["fitted", "expected"].iloc[-1] == pytest.approx(2457, rel=0.05)
    assert track["expected"].is_monotonic_increasing


def test_the_published_customer() -> None:
    """Page 283 of the paper: two purchases, the last in week 30.43 of 38.86, for 39 weeks more."""
    one = customers([2.0], [30.43], [38.86])
    assert buying.purchases(PUBLISHED, one, 39)[0] == pytest.approx(1.226, abs=1e-3)
    assert buying.alive(PUBLISHED, one)[0] == pytest.approx(0.7266, abs=2e-3)


# --- Truth that was simulated --------------------------------------------------------------------


def test_simulated_customers_are_recovered() -> None:
    orders = simulated(3000, 156, seed=5)
    first, last = (dt.date(2024, 1, 1) + dt.timedelta(weeks=w) for w in (78, 156))
    then = buying.histories(orders, first)
    fit = buying.pace(then)
    seen = buying.histories(orders, last).loc[then.index, "frequency"] - then["frequency"]
    assert buying.purchases(fit, then, 78).sum() == pytest.approx(seen.sum(), rel=0.08)
    likely = buying.alive(fit, then) > 0.5
    assert seen[likely].mean() > 5 * seen[~likely].mean()


# --- Naive twins ---------------------------------------------------------------------------------

DAY = st.integers(0, 40)


@given(st.lists(st.tuples(st.sampled_from("ABC"), DAY, st.floats(-50, 50)), max_size=25))
def test_histories_as_a_loop_counts_them(rows: list[tuple[str, int, float]]) -> None:
    start, until = pd.Timestamp("2026-01-01"), dt.date(2026, 2, 1)
    names = ["customer_id", "day", "amount_net"]
    orders = pd.DataFrame(rows, columns=names).astype({"day": int, "amount_net": float})
    orders["order_date"] = start + pd.to_timedelta(orders["day"], unit="D")
    orders["is_sale"] = orders["amount_net"] >= 0
    found = buying.histories(orders, until)
    for who in "ABC":
        own = [(day, money) for name, day, money in rows if name == who and day <= 31]
        days = sorted({day for day, money in own if money >= 0})
        assert (who in found.index) == bool(days)
        if not days:
            continue
        row = found.loc[who]
        assert row["frequency"] == len(days) - 1
        assert row["recency"] == pytest.approx((days[-1] - days[0]) / 7)
        assert row["T"] == pytest.approx((31 - days[0]) / 7)
        if len(days) > 1:
            later = sum(money for day, money in own if day > days[0])
            assert row["value"] == pytest.approx(later / (len(days) - 1), abs=1e-9)


@pytest.mark.parametrize("a", [0.3, 0.793, 1.0, 1.7])
def test_purchases_as_the_paper_writes_them(a: float) -> None:
    from scipy.special import hyp2f1

    r, alpha, b = 0.7, 4.4, 2.4
    x, last, age, t = 3.0, 20.0, 38.0, 30.0
    near = a + 1e-5 * (a == 1)
    ratio = (alpha + age) / (alpha + age + t)
    inside = hyp2f1(r + x, b + x, near + b + x - 1, t / (alpha + age + t))
    top = (near + b + x - 1) / (near - 1) * (1 - ratio ** (r + x) * inside)
    gone = near / (b + x - 1) * ((alpha + age) / (alpha + last)) ** (r + x)
    fit = buying.Pace(r, alpha, a, b, 0.0)
    found = buying.purchases(fit, customers([x], [last], [age]), t)[0]
    assert found == pytest.approx(top / (1 + gone), rel=1e-4)


# --- Properties ----------------------------------------------------------------------------------


@given(st.integers(0, 2000), st.floats(0, 1), st.floats(0.5, 300), st.floats(1, 300))
def test_expectations_are_sound_for_any_customer(
    x: int, part: float, age: float, weeks: float
) -> None:
    one = customers([float(x)], [part * age if x else 0.0], [age])
    chance = buying.alive(PUBLISHED, one)[0]
    short, long = (buying.purchases(PUBLISHED, one, each)[0] for each in (weeks, 2 * weeks))
    assert 0 <= chance <= 1
    assert (chance == 1) == (x == 0) or x > 0
    assert 0 <= short <= long < np.inf
    assert buying.purchases(PUBLISHED, one, 0)[0] == pytest.approx(0, abs=1e-9)


def test_a_value_is_bounded_and_discounted() -> None:
    some = customers([2.0, 0.0], [30.0, 0.0], [38.0, 38.0]).assign(value=[20.0, np.nan])
    money = buying.Worth(6.25, 3.74, 15.44)
    plain, today, half = (
        buying.residual_value(PUBLISHED, money, some, weeks, rate)
        for weeks, rate in ((104, 0.0), (104, 0.002), (52, 0.0))
    )
    each = buying.purchases(PUBLISHED, some, 104) * buying.average_purchase(money, some)
    assert plain == pytest.approx(each)
    assert (today < plain).all()
    assert (half < plain).all()
    usual = 6.25 * 15.44 / 2.74
    assert buying.average_purchase(money, some)[1] == pytest.approx(usual)
    assert 20 < buying.average_purchase(money, some)[0] < usual


# --- Too little to say ---------------------------------------------------------------------------


def orders(**columns: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"customer_id": ["A"], "order_date": pd.Timestamp("2026-01-05"), **columns}
    )
    return frame.assign(order_id=[str(i) for i in range(len(frame))])


def test_one_customer_all_refunds_and_no_repeat_are_refused_in_words() -> None:
    one = orders(amount_net=[10.0])
    refunds = pd.concat([orders(amount_net=[-10.0], customer_id=[f"C{i}"]) for i in range(40)])
    once = refunds.assign(amount_net=10.0)
    for rows in (one, refunds.assign(order_id=range(40)), once.assign(order_id=range(40))):
        with pytest.raises(Unavailable, match="Only 0 customers bought again: at least 30"):
            outlook(kh.load({"orders": rows}, {"as_of": "2026-12-31"}))


def test_a_fit_that_does_not_converge_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = SimpleNamespace(success=False, fun=1.0, x=np.zeros(4))
    monkeypatch.setattr("scipy.optimize.minimize", lambda *_, **__: lost)
    some = customers([5.0] * 200, [50.0] * 200, [60.0] * 200).assign(value=10.0)
    for fitted in (buying.pace, buying.worth):
        with pytest.raises(Unavailable, match="do not settle how often"):
            fitted(some)


def test_customers_who_are_all_alike_go_on_as_they_did() -> None:
    alike = customers([5.0] * 200, [50.0] * 200, [60.0] * 200).assign(value=10.0)
    assert buying.purchases(buying.pace(alike), alike, 12)[0] == pytest.approx(1.0, rel=0.02)
    assert buying.average_purchase(buying.worth(alike), alike)[0] == pytest.approx(10, rel=0.01)


def test_impossible_counts_are_refused_with_their_line() -> None:
    wrong = customers([1.0, 2.0], [5.0, 70.0], [60.0, 60.0])
    with pytest.raises(BadInput, match="line 2: 'frequency 2, recency 70, T 60'"):
        buying.pace(wrong)
    with pytest.raises(MissingColumn, match="recency"):
        buying.pace(wrong.drop(columns="recency"))


def test_without_customers_there_is_no_outlook() -> None:
    with pytest.raises(Unavailable, match=r"orders\.customer_id"):
        outlook(kh.load({"orders": orders(amount_net=[10.0]).drop(columns="customer_id")}))
