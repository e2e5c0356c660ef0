"""Price, volume and mix: they add up whatever appears, vanishes or comes back."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kpi_helpers as kh
from kpi_helpers.drivers import bookings_chain, price_volume_mix
from kpi_helpers.errors import BadInput, MissingColumn, Unavailable

PARTS = ["volume", "mix", "price"]

lines = st.tuples(
    st.sampled_from(["A", "B", "C", None]), st.integers(-5, 50), st.integers(0, 30).map(float)
)
sales = st.lists(lines, max_size=8).map(
    lambda rows: pd.DataFrame(rows, columns=["product", "quantity", "price"])
)


def sold(**products: tuple[float, float]) -> pd.DataFrame:
    rows = [(name, quantity, price) for name, (quantity, price) in products.items()]
    return pd.DataFrame(rows, columns=["product", "quantity", "price"])


@given(sales, sales)
def test_no_residual_in_any_row(before: pd.DataFrame, after: pd.DataFrame) -> None:
    cut = price_volume_mix(before, after)
    assert (cut[PARTS].sum(axis=1) - (cut["after"] - cut["before"])).abs().max() < 1e-9 or cut.empty
    earned = (after["quantity"] * after["price"]).sum() - (
        before["quantity"] * before["price"]
    ).sum()
    assert cut[PARTS].to_numpy().sum() == pytest.approx(earned, abs=1e-6)


def test_more_of_everything_at_the_same_prices_is_volume_alone() -> None:
    cut = price_volume_mix(sold(A=(10, 5), B=(20, 8)), sold(A=(15, 5), B=(30, 8)))
    assert cut[PARTS].sum().tolist() == pytest.approx([105.0, 0.0, 0.0])


def test_the_same_quantities_at_other_prices_are_price_alone() -> None:
    cut = price_volume_mix(sold(A=(10, 5), B=(20, 8)), sold(A=(10, 6), B=(20, 7)))
    assert cut["price"].tolist() == [10.0, -20.0]
    assert cut[["volume", "mix"]].to_numpy() == pytest.approx(0.0)


def test_moving_to_the_dearer_product_is_mix_alone() -> None:
    cut = price_volume_mix(sold(A=(10, 5), B=(20, 8)), sold(A=(5, 5), B=(25, 8)))
    assert cut[PARTS].sum().tolist() == pytest.approx([0.0, 15.0, 0.0])


def test_a_product_that_appears_has_no_price_effect() -> None:
    # 10 at 5 become 10 at 5 and 10 of another at 9: twice the volume at 5, and 10 · (9 - 5) of mix.
    cut = price_volume_mix(sold(A=(10, 5)), sold(A=(10, 5), B=(10, 9)))
    assert cut["product"].tolist() == ["A", "B"]
    assert cut[PARTS].sum().tolist() == pytest.approx([50.0, 40.0, 0.0])


def test_a_product_that_vanishes_has_no_price_effect() -> None:
    cut = price_volume_mix(sold(A=(10, 5), B=(10, 9)), sold(A=(10, 5)))
    assert cut[PARTS].sum().tolist() == pytest.approx([-70.0, -20.0, 0.0])


def test_where_nothing_was_sold_before_all_is_volume() -> None:
    cut = price_volume_mix(sold(), sold(A=(2, 5), B=(1, 9)))
    assert cut[PARTS].sum().tolist() == [19.0, 0.0, 0.0]


def test_rows_of_a_product_are_added_up() -> None:
    twice = pd.concat([sold(A=(10, 5)), sold(A=(30, 6))])
    once = sold(A=(40, 5.75))
    now = sold(A=(20, 7))
    pd.testing.assert_frame_equal(price_volume_mix(twice, now), price_volume_mix(once, now))


def test_a_missing_column_names_those_there_are() -> None:
    with pytest.raises(MissingColumn, match="Table after needs the column 'price'.*unit_price"):
        price_volume_mix(sold(A=(1, 1)), sold(A=(1, 1)).rename(columns={"price": "unit_price"}))


def test_a_missing_price_is_refused() -> None:
    with pytest.raises(BadInput, match="before, line 2, column price"):
        price_volume_mix(sold(A=(1, 1), B=(2, None)), sold(A=(1, 1)))


def test_deals_that_are_all_won_have_no_chain() -> None:
    days = pd.date_range("2024-01-05", periods=120, freq="7D").astype(str)
    deals = {"deal_id": days, "created_at": days, "closed_at": days}
    data = kh.load(pd.DataFrame(deals).assign(status="won", amount=9.0))
    with pytest.raises(Unavailable, match="win_rate_count"):
        bookings_chain(data, "2026Q1")
