"""Headers in the words of exporters and of languages are understood, or the caller says what they mean."""

from __future__ import annotations

import pytest

from agent.errors import DataError, UsageError
from agent.market.columns.given import parse_columns
from agent.market.columns.words import time_role
from agent.market.read import load

# Time, open, high, low, close and volume, as each site heads them.
HEADERS = {
    "Investing.com in German": ("Datum", "Eröffn.", "Hoch", "Tief", "Zuletzt", "Vol."),
    "Investing.com in Spanish": ("Fecha", "Apertura", "Máximo", "Mínimo", "Último", "Vol."),
    "Investing.com in Portuguese": ("Data", "Abertura", "Máxima", "Mínima", "Último", "Vol."),
    "Investing.com in French": ("Date", "Ouv.", " Plus Haut", "Plus Bas", "Dernier", "Vol."),
    "Investing.com in Italian": ("Data", "Apertura", "Massimo", "Minimo", "Ultimo", "Vol."),
    "Investing.com in Dutch": ("Datum", "Open", "Hoog", "Laag", "Laatste", "Vol."),
    "Investing.com in Polish": ("Data", "Otwarcie", "Max.", "Min.", "Ostatnio", "Wol."),
    "Investing.com in Russian": ("Дата", "Откр.", "Макс.", "Мин.", "Цена", "Объём"),
    "Investing.com in Turkish": ("Tarih", "Açılış", "Yüksek", "Düşük", "Şimdi", "Hac."),
    "Investing.com in Swedish": ("Datum", "Öppen", "Högst", "Lägst", "Senaste", "Vol."),
    "Investing.com in Japanese": ("日付け", "始値", "高値", "安値", "終値", "出来高"),
    "Investing.com in Chinese": ("日期", "开盘", "高", "低", "收盘", "交易量"),
    "Investing.com in Korean": ("날짜", "시가", "고가", "저가", "종가", "거래량"),
    "Stooq in Polish": ("Data", "Otwarcie", "Najwyzszy", "Najnizszy", "Zamkniecie", "Wolumen"),
    "akshare": ("日期", "开盘", "最高", "最低", "收盘", "成交量"),
    "Ariva": ("Datum", "Erster", "Hoch", "Tief", "Schlusskurs", "Stuecke"),
    "Euronext in French": ("Date", "Ouverture", "Plus haut", "Plus bas", "Clôture", "Titres"),
    "capitals": ("TIME", "OPEN", "HIGH", "LOW", "CLOSE", "VOLUME"),
    "units in brackets": ("Date", "Open ($)", "High ($)", "Low ($)", "Close ($)", "Volume (shares)"),
    "CoinAPI": ("time_period_start", "price_open", "price_high", "price_low", "price_close", "volume_traded"),
    "Upbit": ("candle_date_time_utc", "opening_price", "high_price", "low_price", "trade_price", "candle_acc_trade_volume"),
    "Databento": ("ts_event", "open", "high", "low", "close", "volume"),
    "Uniswap": ("periodStartUnix", "open", "high", "low", "close", "volumeUSD"),
    "dYdX": ("startedAt", "open", "high", "low", "close", "baseTokenVolume"),
    "tushare": ("trade_date", "open", "high", "low", "close", "vol"),
    "Yahoo's page": ("Date", "Open", "High", "Low", "Close*", "Volume"),
}  # fmt: skip


def table(header, bars, form="%Y-%m-%d %H:%M:%S"):
    rows = [f"{bar.at:{form}};{bar.open};{bar.high};{bar.low};{bar.close};{bar.volume}" for bar in bars]
    return "\n".join([";".join(header), *rows])


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_in_these_words_is_understood(header, candles, reads, price_file):
    bars = candles()
    reads(load(price_file(table(header, bars))), bars)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("time", "plain"), ("Date", "plain"), ("unixTimestamp", "plain"), ("open_time", "start"), ("timeOpen", "start"),
        ("candle_begin", "start"), ("startedAt", "start"), ("close_time", "close"), ("timeClose", "close"),
        ("candle_end", "close"), ("time_period_end", "close"), ("Hour", "clock"), ("Uhrzeit", "clock"),
        ("open", None), ("close", None), ("price_open", None), ("timeHigh", None), ("last_update", None),
        ("created_at", None), ("startingOpenInterest", None), ("vwap", None),
    ],
)  # fmt: skip
def test_a_name_tells_what_of_a_bar_a_time_is(name, role):
    assert time_role(name) == role


def test_the_caller_says_which_column_is_which(candles, reads, price_file):
    bars = candles()
    path = price_file(table(("Wann", "A", "B", "C", "D", "E"), bars))
    with pytest.raises(DataError, match="no column is named like open or high"):
        load(path)
    columns = parse_columns("time=Wann,open=A,high=B,low=C,close=D,volume=E")
    loaded = load(path, columns=columns)
    reads(loaded, bars)
    assert dict(loaded.report.columns)["close"] == "D"


def test_the_caller_says_only_what_is_not_known(candles, reads, price_file):
    bars = candles()
    path = price_file(table(("moment", "open", "high", "low", "close", "volume"), bars))
    with pytest.raises(DataError, match=r"`--columns time=moment`"):
        load(path)
    reads(load(path, columns={"time": "moment"}), bars)


def test_the_caller_joins_a_day_and_an_hour(candles, reads, price_file):
    bars = candles()
    rows = [
        f"{bar.at:%Y-%m-%d},{bar.at.hour},{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume}" for bar in bars
    ]
    path = price_file("\n".join(["D,Std,open,high,low,close,volume", *rows]))
    reads(load(path, columns={"time": "D+Std"}), bars)


def test_the_caller_chooses_the_side_of_bid_and_ask(candles, reads, price_file):
    bars = candles()
    rows = [f"{bar.time},{bar.open},{bar.high},{bar.low},{bar.close},1,1,1,1" for bar in bars]
    header = "time,BidOpen,BidHigh,BidLow,BidClose,AskOpen,AskHigh,AskLow,AskClose"
    path = price_file("\n".join([header, *rows]))
    with pytest.raises(DataError, match=r"two sets of prices, as of bid and ask.*--columns"):
        load(path)
    columns = {"open": "BidOpen", "high": "BidHigh", "low": "BidLow", "close": "BidClose"}
    reads(load(path, columns=columns), bars, volume=False)


@pytest.mark.parametrize(
    "header",
    ["time,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close",
     "time,open_bid,high_bid,low_bid,close_bid,open_ask,high_ask,low_ask,close_ask",
     "time,openBid,highBid,lowBid,closeBid,openAsk,highAsk,lowAsk,closeAsk"],
)  # fmt: skip
def test_bid_and_ask_in_any_words_are_refused(header, candles, price_file):
    rows = [f"{bar.time},{bar.open},{bar.high},{bar.low},{bar.close},1,1,1,1" for bar in candles()]
    with pytest.raises(DataError, match="two sets of prices, as of bid and ask"):
        load(price_file("\n".join([header, *rows])))


def test_mid_prices_are_taken_before_bid_and_ask(candles, reads, price_file):
    bars = candles()
    rows = [f"{bar.time},1,1,1,1,2,2,2,2,{bar.open},{bar.high},{bar.low},{bar.close}" for bar in bars]
    header = ",".join(
        ["time", *(f"{side}_{field}" for side in ("bid", "ask", "mid") for field in ("o", "h", "l", "c"))]
    )
    reads(load(price_file("\n".join([header, *rows]))), bars, volume=False)


@pytest.mark.parametrize("text", ["", "Zeit", "when=Zeit", "time=", "time", "x,time=Zeit", "time=A,time=B"])
def test_columns_that_say_nothing_are_refused(text):
    with pytest.raises(UsageError, match="--columns"):
        parse_columns(text)


def test_a_column_that_is_not_there_is_refused_with_the_nearest(candles, price_file):
    path = price_file(table(("Wann", "open", "high", "low", "close", "volume"), candles()))
    with pytest.raises(DataError, match=r"no column 'Wan' to read the time from.*Did you mean `time=Wann`"):
        load(path, columns={"time": "Wan"})


def test_a_name_with_a_comma_is_one_name():
    assert parse_columns("time=Date, local,close=Close") == {"time": "Date, local", "close": "Close"}


def test_the_lower_of_two_letters_is_the_field(candles, reads, price_file):
    rows = [f"{bar.time},{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume},9,9,9" for bar in candles()]
    reads(load(price_file("\n".join(["t,o,h,l,c,v,L,V,C", *rows]))), candles())


def test_of_amount_and_vol_the_one_times_a_price_is_the_quotes(candles, reads, price_file):
    rows = [
        f"{bar.time},{bar.open},{bar.close},{bar.low},{bar.high},{bar.volume},{bar.quote},7" for bar in candles()
    ]
    reads(load(price_file("\n".join(["id,open,close,low,high,amount,vol,count", *rows]))), candles())


def test_of_vol_and_amount_in_units_of_their_own_the_volume_is_vol(candles, reads, price_file):
    rows = [
        f"{bar.time},{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume},{bar.quote / 10}"
        for bar in candles()
    ]
    reads(load(price_file("\n".join(["time,open,high,low,close,vol,amount", *rows]))), candles())


def test_prices_under_each_others_names_are_refused_with_their_order(candles, price_file):
    rows = [f"{bar.time},{bar.open},{bar.close},{bar.high},{bar.low},{bar.volume}" for bar in candles()]
    path = price_file("\n".join(["time,open,high,low,close,volume", *rows]))
    with pytest.raises(DataError, match="hold open, close, high, low: in that order every row fits") as caught:
        load(path)
    assert "--impossible" not in str(caught.value)
    with pytest.raises(DataError, match="hold open, close, high, low"):
        load(path, impossible="drop")


def test_prices_that_count_billionths_are_refused(candles, price_file):
    rows = [
        f"{bar.time * 10**9},34,{','.join(str(round(price * 10**9)) for price in (bar.open, bar.high, bar.low, bar.close))}"
        for bar in candles()
    ]
    with pytest.raises(DataError, match="count billionths"):
        load(price_file("\n".join(["ts_event,rtype,open,high,low,close", *rows])))


def test_open_and_close_under_each_others_names_are_told_of(candles, price_file):
    rows = [f"{bar.time},{bar.close},{bar.high},{bar.low},{bar.open},{bar.volume}" for bar in candles()]
    (warning,) = load(price_file("\n".join(["time,open,high,low,close,volume", *rows]))).report.warnings
    assert "as if open and close stood under each other's names" in warning
