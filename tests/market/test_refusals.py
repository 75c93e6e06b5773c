"""What is no readable price file is refused with one clear sentence and a cure."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError, UsageError
from agent.market.read import load

GOOD = "time,open,high,low,close,volume\n" + "".join(
    f"{1_704_067_200 + 3600 * hour},10,12,9,11,5\n" for hour in range(30)
)


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def parquet(rows=30):
    return pd.DataFrame({"time": np.arange(rows), "open": 1.0}).to_parquet()


def feather():
    out = io.BytesIO()
    pd.DataFrame({"time": np.arange(30), "open": 1.0}).to_feather(out)
    return out.getvalue()


NOISE = np.random.default_rng(3).bytes(5_000)
FAULTS = {
    "empty": ("bars.csv", b"", r"the file is empty\. Download or export it again"),
    "only blanks": ("bars.csv", b" \n\n ", "the file is empty"),
    "empty gzip": ("bars.csv.gz", gzip.compress(b""), "the file is empty"),
    "only a header of several markets": (
        "bars.csv",
        b"time,symbol,open,high,low,close\n",
        "there is no bar in it",
    ),
    "only empty rows": ("bars.csv", b"time,open,high,low,close\n1704067200,,,,\n", "there is no bar in it"),
    "empty array": ("bars.json", b"[]", "holds no rows of bars"),
    "noise": ("bars.csv", NOISE, r"binary, not text\. CSV"),
    "noise of no suffix": ("bars", NOISE, "binary, not text"),
    "noise called Parquet": ("bars.parquet", b"PAR1" + NOISE, "Parquet file is cut short or damaged"),
    "Parquet cut short": ("bars.parquet", parquet()[:-200], "Parquet file is cut short or damaged"),
    "Feather cut short": ("bars.feather", feather()[:-200], "Feather file is cut short or damaged"),
    "Parquet called CSV": (
        "bars.csv",
        parquet(),
        r"named \.csv but its content is PARQUET\. Rename it to end in \.parquet",
    ),
    "CSV called Parquet": ("bars.parquet", GOOD.encode(), r"named \.parquet but its content is CSV.*end in \.csv"),
    "CSV called JSON": ("bars.json", GOOD.encode(), r"named \.json but its content is CSV"),
    "JSON called CSV": ("bars.csv", b"[[1,2,3,4,5,6]]", r"named \.csv but its content is JSON"),
    "Feather called Parquet": ("bars.parquet", feather(), r"content is FEATHER"),
    "gzip called CSV": ("bars.csv", gzip.compress(GOOD.encode()), r"compressed with gzip .* end in \.csv\.gz"),
    "CSV called gzip": ("bars.csv.gz", GOOD.encode(), r"named \.gz but is not compressed"),
    "gzip cut short": ("bars.csv.gz", gzip.compress(GOOD.encode())[:-20], "gzip file is cut short or damaged"),
    "gzip damaged": ("bars.csv.gz", b"\x1f\x8b\x08\x00" + NOISE, "gzip file is cut short or damaged"),
    "zip cut short": ("bars.zip", zipped({"a.csv": GOOD})[:-30], "zip archive is cut short"),
    "zip of two": ("bars.zip", zipped({"a.csv": GOOD, "b.csv": GOOD}), "zip archive holds 2 files"),
    "zip called CSV": ("bars.csv", zipped({"a.csv": GOOD}), r"zip archive but named \.csv"),
    "spreadsheet": ("bars.xlsx", zipped({"[Content_Types].xml": ""}), "it is a spreadsheet. Save it as CSV"),
    "pickle": ("bars.pkl", pickle.dumps({"open": 1}), "it is a pickle, not a price file"),
    "web page": ("bars.csv", b"<!DOCTYPE html><html><body>Too many requests</body></html>", "it is a web page"),
    "web page with a mark": ("bars.csv", b"\xef\xbb\xbf\n<html lang=en>", "it is a web page"),
    "error in JSON": ("bars.json", b'{"code":-1121,"msg":"Invalid symbol."}', "holds no rows of bars"),
    "JSON cut short": ("bars.json", b"[[1704067200000,1,2,1,2,5],\n[17040", "line 2: it is not valid JSON"),
    "JSON of all depths": ("bars.json", b"[" * 100_000, "JSON is nested too deeply"),
    "ragged JSON": ("bars.json", b"[[1,2,3,4,5,6],[1,2,3]]", "row 2 has 3 values, the first 6"),
    "prose": (
        "bars.csv",
        b"Nothing to see here.\nMove along.\n",
        r"line 1: no line looks like a bar .* 'Nothing to see",
    ),
    "only a header": ("bars.csv", b"time,open,high,low,close,volume\n", "there is no bar in it"),
    "unknown names": (
        "bars.csv",
        b"time,opne,hihg,low,close\n1704067200,1,1,1,1\n",
        r"no column is named like open or high; there are 'time', 'opne'.*rename 'opne' to `open`, 'hihg' to `high`\?",
    ),
    "no time": ("bars.csv", b"a,open,high,low,close\n1704067200,1,1,1,1\n", "no column is named like the time"),
    "two closes": (
        "bars.csv",
        b"time,open,high,low,close,Close\n1704067200,1,1,1,1,1\n",
        "two columns are named 'close'",
    ),
    "too few cells in the header": (
        "bars.csv",
        b"time,open,high,low,close\n1704067200,1,1,1,1,5\n",
        "line 2: the header names 5 columns, this line has 6 cells",
    ),
    "no known layout": (
        "bars.csv",
        b"".join(b"%d,1,2,1,2,5,6,7,8,9\n" % (1_704_067_200 + 60 * row) for row in range(9)),
        "there is no header, and 10 columns are no layout known here",
    ),
    "second header": (
        "bars.csv",
        GOOD.encode() + b"time,close,high,low,open,volume\n",
        "line 32: a second header orders the columns differently",
    ),
    "quotation never closed": (
        "bars.csv",
        GOOD.replace("10,12", '"10,12', 1).encode(),
        "quotation mark is never closed",
    ),
    "too few": ("bars.csv", GOOD[:54].encode(), "it holds 1 bar, but at least 3 are needed"),
}


@pytest.mark.parametrize(("name", "content", "message"), FAULTS.values(), ids=FAULTS)
def test_a_file_with_this_fault_is_refused_clearly(name, content, message, price_file):
    path = price_file(content, name)
    with pytest.raises(DataError, match=message) as caught:
        load(path)
    assert caught.value.file == str(path)
    assert caught.value.cure
    assert "\n" not in str(caught.value)


def test_an_absent_file_is_refused_with_the_nearest_name(price_file):
    path = price_file(GOOD, "eth_usd_1h.csv")
    with pytest.raises(DataError, match=r"there is no such file\. Did you mean eth_usd_1h.csv\?"):
        load(path.with_name("eth_usd_1.csv"))


def test_a_file_in_an_absent_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        load(tmp_path / "nowhere" / "bars.csv")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="it is a folder, not a file"):
        load(tmp_path)


def test_a_name_no_system_accepts_is_refused():
    with pytest.raises(DataError, match="cannot be read"):
        load("bars\0.csv")


@given(content=st.binary(max_size=300))
def test_no_bytes_whatever_do_anything_but_refuse(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    with pytest.raises(DataError):
        load(path)


@given(content=st.text(alphabet=st.sampled_from('0123456789,.;\t\n"-:/ eE+openhighlowclosetime'), max_size=300))
def test_no_text_whatever_does_anything_but_refuse(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_text(content)
    with pytest.raises(DataError):
        load(path)


@pytest.mark.parametrize(
    ("argument", "value"), [("duplicates", "both"), ("impossible", "keep"), ("date_order", "ymd")]
)
def test_an_argument_of_no_meaning_is_refused_with_those_that_have_one(argument, value, price_file):
    with pytest.raises(UsageError, match=f"{argument} cannot be '{value}'. It is one of"):
        load(price_file(GOOD), **{argument: value})


def test_a_command_that_needs_more_bars_says_how_many(price_file):
    with pytest.raises(DataError, match="it holds 30 bars, but at least 500 are needed"):
        load(price_file(GOOD), at_least=500)


def long_table(symbols):
    lines = [f"2024-01-01 {hour:02}:00,{symbol},1,1,1,1" for hour in range(4) for symbol in symbols]
    return "\n".join(["date,symbol,open,high,low,close", *lines])


def test_several_markets_in_rows_ask_which(price_file):
    path = price_file(long_table(["BTC/USDT", "ETH/USDT"]))
    with pytest.raises(
        DataError, match=r"several markets: BTC/USDT, ETH/USDT\. Name the one .* `--market BTC/USDT`"
    ):
        load(path)
    assert load(path, market="ethusdt").bars.market == "ETH/USDT"
    with pytest.raises(DataError, match=r"no market 'ETH/USD', but .* Did you mean `--market ETH/USDT`\?"):
        load(path, market="ETH/USD")


def test_the_only_market_of_a_file_is_not_another(price_file):
    path = price_file(long_table(["ETHUSD"]))
    assert load(path, market="ETH/USD").bars.market == "ETHUSD"
    with pytest.raises(DataError, match="no market 'BTC/USD', but ETHUSD"):
        load(path, market="BTC/USD")


def test_a_file_that_names_no_market_takes_the_name_it_is_given(price_file):
    assert load(price_file(GOOD), market="ETH/USD").bars.market == "ETH/USD"
    assert load(price_file(GOOD)).bars.market == ""


def test_one_name_on_two_exchanges_asks_for_the_name_in_full(price_file):
    fields = ("open", "high", "low", "close")
    names = [f"{exchange}:ETH/USDT:{field}" for exchange in ("binance", "kraken") for field in fields]
    lines = [f"{1_704_067_200 + 60 * row},1,1,1,1,2,2,2,2" for row in range(4)]
    path = price_file("\n".join([",".join(["time", *names]), *lines]))
    with pytest.raises(
        DataError, match="'ETH/USDT' is the name of several markets in it: binance:ETH/USDT, kraken"
    ):
        load(path, market="ETH/USDT")
    assert load(path, market="kraken:ETH/USDT").bars.close.tolist() == [2 * 10**8] * 4


def test_a_row_that_names_no_market_is_refused_with_its_line(price_file):
    content = long_table(["ETHUSD"]).replace("02:00,ETHUSD", "02:00,")
    with pytest.raises(DataError, match="line 4, column 'symbol': the row does not say which market it is of"):
        load(price_file(content))


def test_a_perpetual_keeps_the_currency_it_settles_in(price_file):
    path = price_file(long_table(["ETH/USDT:USDT", "ETH/USDT"]))
    assert load(path, market="ETH/USDT").bars.market == "ETH/USDT"
    assert load(path, market="ETH/USDT:USDT").bars.market == "ETH/USDT:USDT"
