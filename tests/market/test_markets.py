"""Which market rows are of is told by the file, or they are refused; a label is no evidence."""

from __future__ import annotations

import json

import pytest

from agent.errors import DataError
from agent.market.read import load

NAMES = ["Name", "Asset_ID", "ts_code", "contract", "Ticker", "stock", "coin_id", "RIC", "#RIC", "secid", "股票代码", "Instrument", "crypto_name", "localSymbol", "asset", "expiry", "permno", "token"]  # fmt: skip


def rows(bars, *, by, header="time,open,high,low,close,volume", name="Name", interleaved=False):
    """Return rows of several markets, one behind the other or in turns."""
    lines = [
        (index, f"{bar.time},{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume},{market}")
        for market, series in zip(by, bars, strict=True)
        for index, bar in enumerate(series)
    ]
    ordered = [line for _, line in (sorted(lines, key=lambda pair: pair[0]) if interleaved else lines)]
    return "\n".join([f"{header},{name}", *ordered])


@pytest.fixture
def two(candles):
    return candles(seed=1), candles(seed=2, price=170.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("by", [("AAL", "AAPL"), ("1", "2")])
def test_a_column_that_names_markets_is_asked_about_and_obeyed(name, by, two, reads, price_file):
    path = price_file(rows(two, by=by, name=name))
    with pytest.raises(
        DataError, match=rf"several markets.*: {by[0]}, {by[1]}\. Name the one to read, like `--market {by[0]}`"
    ):
        load(path)
    loaded = load(path, market=by[1])
    reads(loaded, two[1])
    assert loaded.bars.market == by[1]
    with pytest.raises(DataError, match="no market 'MSFT'"):
        load(path, market="MSFT")


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("name", ["Kürzel", "blah", "grp"])
def test_a_column_of_any_name_that_tells_contradicting_rows_apart_holds_markets(
    name, interleaved, two, reads, price_file
):
    path = price_file(rows(two, by=("AAL", "AAPL"), name=name, interleaved=interleaved))
    with pytest.raises(DataError, match=rf"several markets in column '{name}': AAL, AAPL"):
        load(path)
    with pytest.raises(DataError, match=rf"several markets in column '{name}'"):
        load(path, duplicates="first")
    with pytest.raises(DataError, match="no market 'MSFT' in column"):
        load(path, market="MSFT")
    loaded = load(path, market="AAPL")
    reads(loaded, two[1])
    assert f"differ by column '{name}'" in loaded.report.warnings[-1]


def test_rows_that_contradict_under_a_label_are_refused_whatever_is_kept(two, price_file):
    path = price_file("\n".join(line.rpartition(",")[0] for line in rows(two, by=("A", "B")).split("\n")))
    for options in ({}, {"duplicates": "first"}, {"duplicates": "last"}):
        with pytest.raises(DataError, match="nothing in the file says which rows are of 'MSFT'") as caught:
            load(path, market="MSFT", **options)
        assert "--duplicates" not in str(caught.value)


def test_rows_that_contradict_without_a_label_are_refused_whatever_is_kept(two, price_file):
    path = price_file("\n".join(line.rpartition(",")[0] for line in rows(two, by=("A", "B")).split("\n")))
    for options in ({}, {"duplicates": "first"}):
        with pytest.raises(DataError, match="no more in common than two markets") as caught:
            load(path, **options)
        assert "--duplicates" not in str(caught.value)


@pytest.mark.parametrize("name", ["contract", "Expiry", "contract_month", "instrument"])
def test_two_contracts_spliced_in_one_file_ask_for_one(name, candles, reads, price_file):
    early, late = candles(30), candles(30, start=1_726_416_000 + 30 * 3600, seed=9)
    path = price_file(rows((early, late), by=("ESZ4", "ESH5"), name=name))
    with pytest.raises(DataError, match=r"several markets.*ESH5, ESZ4"):
        load(path)
    reads(load(path, market="ESZ4"), early)


@pytest.mark.parametrize("name", ["exchange", "interval", "timeframe", "currency"])
def test_what_is_no_market_but_tells_series_apart_is_named(name, two, price_file):
    path = price_file(
        rows(two, by=("one", "two"), name=f"symbol,{name}").replace(",one", ",ETH,one").replace(",two", ",ETH,two")
    )
    with pytest.raises(DataError, match=rf"(rows of the same time differ by|several markets in) column '{name}'"):
        load(path, market="ETH")


@pytest.mark.parametrize(
    ("name", "value"), [("name", "2781"), ("currency", "USD"), ("exchange", "NYSE"), ("code", "7")]
)
def test_a_single_value_that_names_no_market_is_no_objection_to_a_label(name, value, two, reads, price_file):
    loaded = load(price_file(rows(two[:1], by=(value,), name=name)), market="ETH/USD")
    reads(loaded, two[0])
    assert loaded.bars.market == "ETH/USD"


def test_a_single_name_that_is_not_the_one_asked_for_is_refused(two, price_file):
    with pytest.raises(DataError, match="no market 'MSFT' in column 'stock', but AAPL"):
        load(price_file(rows(two[:1], by=("AAPL",), name="stock")), market="MSFT")


def test_the_market_that_json_names_around_its_rows_is_the_only_one(candles, price_file):
    records = [{"t": bar.time, "o": bar.open, "h": bar.high, "l": bar.low, "c": bar.close} for bar in candles()]
    path = price_file(json.dumps({"symbol": "ETH/USD", "bars": records}), "bars.json")
    assert load(path).bars.market == "ETH/USD"
    assert load(path, market="ethusd").bars.market == "ETH/USD"
    with pytest.raises(DataError, match="no market 'BTC/USD', but ETH/USD"):
        load(path, market="BTC/USD")


def test_many_markets_are_listed_only_so_far(candles, price_file):
    series = [candles(3, seed=seed) for seed in range(60)]
    with pytest.raises(DataError, match=r"N00, N01, .*N19 and 40 more\."):
        load(price_file(rows(series, by=[f"N{index:02}" for index in range(60)])))


def test_the_caller_says_which_column_names_the_market(two, reads, price_file):
    path = price_file(rows(two, by=("AAL", "AAPL"), name="zz"))
    reads(load(path, market="AAL", columns={"market": "zz"}), two[0])
