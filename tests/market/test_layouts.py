"""Text, archives and workbooks as people have them: notes, blanks, currencies, encodings, years of two digits."""

from __future__ import annotations

import importlib.util
import io
import zipfile

import pandas as pd
import pytest

from agent.errors import DataError
from agent.market.read import load

HEADER = ("Date", "Open", "High", "Low", "Close", "Volume")


def cells(bar):
    return [f"{bar.open:.2f}", f"{bar.high:.2f}", f"{bar.low:.2f}", f"{bar.close:.2f}", str(bar.volume)]


def text(bars, separator=",", form="%Y-%m-%d %H:%M", header=HEADER):
    lines = [[f"{bar.at:{form}}", *cells(bar)] for bar in bars]
    return "\n".join(separator.join(line) for line in ([header] if header else []) + lines)


NOTES = [
    '"Downloaded from Barchart.com as of 09-27-2023 03:12pm CDT"',
    "Downloaded from Barchart.com as of 09-27-2023 03:12pm CDT",
    "# Source: somewhere, on request",
    "Data provided by Example GmbH; all rights reserved\n\nNo warranty whatsoever",
    "\nThe end of the file",
]


@pytest.mark.parametrize("note", NOTES)
def test_a_note_below_the_last_bar_is_left_out_aloud(note, candles, reads, price_file):
    loaded = load(price_file(f"{text(candles())}\n{note}\n"))
    reads(loaded, candles())
    assert "note below the last bar was left out" in loaded.report.warnings[0]


@pytest.mark.parametrize("rest", ["2024-09-18 04:00,2400", "17040", "interrupted", "2024-09-18 04:00", "24"])
def test_a_last_line_that_was_cut_short_is_no_note(rest, candles, price_file):
    with pytest.raises(DataError, match="line 62: the line has"):
        load(price_file(f"{text(candles())}\n{rest}"))


@pytest.mark.parametrize("blank", ["  ", "   ", " ", "      "])
@pytest.mark.parametrize("header", [None, ("Date", "Time", *HEADER[1:])])
def test_columns_set_apart_by_blanks_are_read(blank, header, candles, reads, price_file):
    bars = candles()
    lines = [blank.join([f"{bar.at:%Y-%m-%d}", f"{bar.at:%H:%M}", *cells(bar)]) for bar in bars]
    reads(load(price_file("\n".join([blank.join(header), *lines] if header else lines), "bars.txt")), bars)


def test_a_frame_as_pandas_prints_it_is_read(candles, reads, price_file):
    bars = candles()
    frame = pd.DataFrame(
        [list(map(float, cells(bar))) for bar in bars],
        columns=HEADER[1:],
        index=pd.DatetimeIndex([bar.at for bar in bars]).tz_localize(None),
    )
    reads(load(price_file(frame.to_string(), "bars.txt")), bars)
    reads(load(price_file(frame.rename_axis("Date").to_string(), "bars.txt")), bars)


@pytest.mark.parametrize(
    "dress", ["{} €", "{}€", "€{}", "{} USD", "USD {}", "{} zł", "R$ {}", "₹{}", "{} kr", "{} CHF"]
)
def test_a_currency_before_or_behind_is_no_part_of_the_number(dress, candles, reads, price_file):
    bars = candles()
    lines = [
        ";".join([f"{bar.at:%Y-%m-%d %H:%M}", *(dress.format(cell) for cell in cells(bar)[:4]), str(bar.volume)])
        for bar in bars
    ]
    reads(load(price_file("\n".join([";".join(HEADER), *lines]))), bars)


@pytest.mark.parametrize("sign", ["'", "’", " ", "\u00a0", "\u202f"])
@pytest.mark.parametrize("point", [".", ","])
def test_thousands_set_apart_as_in_switzerland_and_france_are_read(sign, point, candles, reads, price_file):
    bars = candles()
    lines = [
        ";".join(
            [
                f"{bar.at:%Y-%m-%d %H:%M}",
                *(
                    f"{float(cell):,.4f}".replace(",", "_").replace(".", point).replace("_", sign)
                    for cell in cells(bar)
                ),
            ]
        )
        for bar in bars
    ]
    reads(load(price_file("\n".join([";".join(HEADER), *lines]))), bars)


FORMS = ["%m/%d/%y %H:%M", "%d.%m.%y %H:%M", "%y-%m-%d %H:%M", "%d-%b-%y %H:%M", "%d/%m/%y %I:%M %p", "%Y年%m月%d日 %H:%M", "%Y- %m- %d %H:%M"]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_dates_with_two_digits_for_the_year_or_with_letters_of_the_east_are_read(form, candles, reads, price_file):
    bars = candles()
    reads(load(price_file(text(bars, form=form))), bars)


def test_a_year_of_two_digits_that_may_be_a_day_is_settled_by_the_option(candles, reads, price_file):
    bars = candles(5, start=1_704_182_400)  # 2024-01-02 08:00
    path = price_file(text(bars, form="%m/%d/%y %H:%M"))
    with pytest.raises(DataError, match="'01/02/24 08:00' may be day/month or month/day"):
        load(path)
    reads(load(path, date_order="mdy"), bars)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig", "latin-1"])
def test_text_in_any_usual_encoding_is_read(encoding, candles, reads, price_file):
    reads(load(price_file(text(candles()).encode(encoding))), candles())


@pytest.mark.parametrize(
    "beside", ["__MACOSX/._bars.csv", ".DS_Store", "folder/._bars.csv", "Thumbs.db", "desktop.ini"]
)
def test_what_a_system_packs_beside_a_file_is_not_counted(beside, candles, reads, price_file):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("folder/bars.csv", text(candles()))
        archive.writestr(beside, b"\x00\x05")
    reads(load(price_file(out.getvalue(), "bars.zip")), candles())


TICKERS = {
    "with its index": (["", "Date", "Close", "High", "Low", "Open", "Volume"], ["", "", *["ETH-USD"] * 5]),
    "without": (["Date", "Close", "High", "Low", "Open", "Volume"], ["", *["ETH-USD"] * 5]),
    "of several": (["Date", "Close", "High", "Low", "Open", "Volume"], ["Ticker", *["ETH-USD"] * 5]),
}


@pytest.mark.parametrize(("names", "tickers"), TICKERS.values(), ids=TICKERS)
def test_the_line_of_tickers_below_yfinances_header_is_understood(names, tickers, candles, reads, price_file):
    bars = candles(step=86_400, start=1_726_358_400)
    lines = [
        [f"{bar.at:%Y-%m-%d}", *(str(value) for value in (bar.close, bar.high, bar.low, bar.open, bar.volume))]
        for bar in bars
    ]
    if len(names) == 7:
        lines = [[str(index), *line] for index, line in enumerate(lines)]
    loaded = load(price_file("\n".join(map(",".join, [names, tickers, *lines]))))
    reads(loaded, bars)
    assert loaded.bars.market == "ETH-USD"


needs_openpyxl = pytest.mark.skipif(
    importlib.util.find_spec("openpyxl") is None, reason="openpyxl (the extra `excel`) is not installed"
)


def workbook(**sheets):
    out = io.BytesIO()
    with pd.ExcelWriter(out) as writer:
        for name, frame in sheets.items():
            frame.to_excel(writer, sheet_name=name, index=False)
    return out.getvalue()


@pytest.fixture
def frame(candles):
    rows = [[bar.at.replace(tzinfo=None), *map(float, cells(bar))] for bar in candles()]
    return pd.DataFrame(rows, columns=HEADER)


@needs_openpyxl
def test_a_workbook_is_read_from_the_one_sheet_that_holds_bars(frame, candles, reads, price_file):
    notes = pd.DataFrame({"Notes": ["nothing to see"]})
    reads(load(price_file(workbook(Notes=notes, Prices=frame), "bars.xlsx")), candles())


@needs_openpyxl
def test_a_workbook_with_two_sheets_of_bars_is_refused(frame, price_file):
    with pytest.raises(DataError, match="several of its sheets hold bars: A, B"):
        load(price_file(workbook(A=frame, B=frame), "bars.xlsx"))


@needs_openpyxl
def test_the_line_of_a_fault_in_a_workbook_is_its_row(frame, price_file):
    frame.loc[3, "High"] = 1.0
    with pytest.raises(DataError, match="line 5: high 1 is below low"):
        load(price_file(workbook(Prices=frame), "bars.xlsx"))


@needs_openpyxl
def test_a_damaged_workbook_is_refused(frame, price_file):
    content = workbook(Prices=frame).replace(b"xl/worksheets/sheet1.xml", b"xl/worksheets/sheet9.xml")
    with pytest.raises(DataError, match=r"cut short|damaged"):
        load(price_file(content, "bars.xlsx"))


def test_a_workbook_without_openpyxl_is_refused_with_what_to_install(price_file, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.xml", "")
    with pytest.raises(DataError, match=r"openpyxl is not installed.*pip install openpyxl"):
        load(price_file(out.getvalue(), "bars.xlsx"))
