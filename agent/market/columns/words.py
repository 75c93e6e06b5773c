"""The words that exporters put above a column, by language, and what each of them says that the column holds."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

FIELDS = ("open", "high", "low", "close")

TimeRole = Literal["start", "plain", "close", "clock"]


@dataclass(frozen=True)
class Words:
    """How one language, or one family of exporters, heads the columns; several words are in order of preference."""

    time: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    clock: str = ""


_BY_LANGUAGE: dict[str, Words] = {
    "tools and exchanges": Words(
        time="",
        open="open|openprice|openingprice|priceopen|opening|o|pxopen|openpx|1open|openrate",
        high="high|highprice|pricehigh|maxprice|h|pxhigh|highpx|2high|highrate",
        low="low|lowprice|pricelow|minprice|l|pxlow|lowpx|3low|lowrate",
        close="close|closeprice|closingprice|priceclose|closing|closelast|c|pxlast|closepx|4close|closerate"
        "|last|lastprice|tradeprice|price",
        volume="volume|vol|v|basevolume|volumebase|volumefrom|basetokenvolume|volumetoken|tokenvolume|totalvolume"
        "|pxvolume|volumetraded|tradedvolume|tradingvolume|5volume|candleacctradevolume|lasttradedvolume|sharesvolume"
        "|basevol|basevolumeusd|totaltradequantity|quantity|qty|amount",
    ),
    "German": Words(
        time="datum|zeit|datumzeit|zeitpunkt|zeitstempel|handelstag",
        clock="uhrzeit|stunde",
        open="eröffnung|eröffn|eroeffnung|eroeffnungskurs|eröffnungskurs|eröffnungspreis|erster|anfangskurs",
        high="hoch|höchst|hoechst|hoechstkurs|höchstkurs|tageshoch|höchstpreis",
        low="tief|tiefst|tiefstkurs|tagestief|tiefstpreis|niedrig",
        close="schluss|schlusskurs|schlusspreis|zuletzt|letzter|schließen|kurs",
        volume="stücke|stück|stuecke|stueck|volumen|handelsvolumen",
    ),
    "Spanish": Words(
        time="fecha|fechahora|fechayhora",
        clock="hora",
        open="apertura|abierto|abrir|precioapertura|preciodeapertura",
        high="máximo|máx|alto|más alto|preciomáximo",
        low="mínimo|mín|bajo|más bajo|preciomínimo",
        close="cierre|cerrar|último|preciocierre|preciodecierre",
        volume="volumen|vol",
    ),
    "Portuguese": Words(
        time="data|datahora|dataehora",
        clock="hora",
        open="abertura|abrir|preçodeabertura|preabe",
        high="máxima|máximo|máx|alta|preçomáximo|premax",
        low="mínima|mínimo|mín|baixa|preçomínimo|premin",
        close="fechamento|fecho|fechar|último|última|preçodefechamento|preult",
        volume="volume|vol|voltot",
    ),
    "French": Words(
        time="date|dateheure|dateetheure|jour",
        clock="heure",
        open="ouverture|ouv|ouvert|premier|coursouverture|coursdouverture",
        high="plushaut|haut|maximum|max",
        low="plusbas|bas|minimum|min",
        close="clôture|clôt|dernier|fermeture|coursclôture|coursdeclôture",
        volume="volume|vol|titres",
    ),
    "Italian": Words(
        time="data|dataora|dataeora",
        clock="ora",
        open="apertura|aprire|prezzoapertura",
        high="massimo|max|alto|prezzomassimo",
        low="minimo|min|basso|prezzominimo",
        close="chiusura|chiudere|ultimo|prezzochiusura",
        volume="volume|vol|volumi",
    ),
    "Dutch": Words(
        time="datum|tijd|datumtijd",
        clock="uur",
        open="opening|openingskoers",
        high="hoog|hoogste",
        low="laag|laagste",
        close="slot|slotkoers|laatste|sluiting",
        volume="volume|omzet",
    ),
    "Polish": Words(
        time="data|dataigodzina|czas",
        clock="godzina|godz",
        open="otwarcie|kurs otwarcia|otw",
        high="najwyższy|max|maks|maksimum|kurs maksymalny",
        low="najniższy|min|minimum|kurs minimalny",
        close="zamknięcie|ostatnio|ostatni|kurs zamknięcia|zamk",
        volume="wolumen|wol|obrót",
    ),
    "Czech and Slovak": Words(
        time="datum|dátum",
        clock="čas",
        open="otevření|otevírací|open|otvorenie",
        high="nejvyšší|vysoká|maximum|max|najvyššia",
        low="nejnižší|nízká|minimum|min|najnižšia",
        close="zavření|závěr|poslední|zatvorenie|uzavření",
        volume="objem|obj",
    ),
    "Hungarian and Romanian": Words(
        time="dátum|dată|idő",
        clock="ora",
        open="nyitó|nyitás|deschidere",
        high="max|maximum|legmagasabb|maxim",
        low="min|minimum|legalacsonyabb|minim",
        close="záró|zárás|utolsó|ultimul|închidere",
        volume="forgalom|mennyiség|volum|vol",
    ),
    "Nordic": Words(
        time="datum|dato|tid|päivämäärä|pvm|päiväys|aika",
        clock="klockan|kello",
        open="öppning|öppen|öppningskurs|åbning|åben|åpning|åpen|avaus|avaa|avauskurssi",
        high="högst|högsta|hög|høj|højest|høy|høyest|ylin|korkein",
        low="lägst|lägsta|låg|lav|lavest|alin|matalin",
        close="stängning|senast|senaste|slutkurs|stängningskurs|lukning|seneste|slutt|siste|sluttkurs|päätös|viimeisin"
        "|päätöskurssi",
        volume="volym|volumen|volum|vaihto|määrä|vol",
    ),
    "Russian and Ukrainian": Words(
        time="дата|датавремя|датаивремя",
        clock="время|час",
        open="открытие|откр|ценаоткрытия|відкриття|відкр",
        high="максимум|макс|максимальная|высокая|найвища",
        low="минимум|мин|минимальная|низкая|мінімум|мін|найнижча",
        close="закрытие|закр|цена|ценазакрытия|последняя|ціна|закриття|остання",
        volume="объём|объем|обсяг|колво|количество",
    ),
    "Turkish": Words(
        time="tarih|zaman",
        clock="saat",
        open="açılış|açılışfiyatı",
        high="yüksek|enyüksek",
        low="düşük|endüşük",
        close="kapanış|şimdi|son|kapanışfiyatı",
        volume="hac|hacim|adet",
    ),
    "Greek": Words(
        time="ημερομηνία", open="άνοιγμα", high="υψηλό|υψηλ", low="χαμηλό|χαμηλ", close="κλείσιμο|τελευταία|τελευταίο", volume="όγκος|ογκ"
    ),
    "Chinese": Words(
        time="日期|时间|時間|交易日期|日期时间|时间戳|交易时间|开盘时间",
        open="开盘|开盘价|今开|開盤|開盤價|開市|开",
        high="最高|最高价|高|最高價|高价",
        low="最低|最低价|低|最低價|低价",
        close="收盘|收盘价|收|收盤|收盤價|收市|最新价",
        volume="成交量|交易量|成交量手|成交股數|总手",
    ),
    "Japanese": Words(
        time="日付|日付け|日時|年月日",
        clock="時刻",
        open="始値|寄付|四本値始値",
        high="高値",
        low="安値",
        close="終値|現在値",
        volume="出来高|取引高|売買高",
    ),
    "Korean": Words(
        time="날짜|일자|일시|거래일|거래일자",
        clock="시간|시각",
        open="시가|오픈",
        high="고가",
        low="저가",
        close="종가|현재가",
        volume="거래량",
    ),
    "Vietnamese and Indonesian": Words(
        time="ngày|thời gian|tanggal|waktu",
        open="mở cửa|mở|giá mở cửa|pembukaan|buka",
        high="cao|cao nhất|tertinggi|tinggi",
        low="thấp|thấp nhất|terendah|rendah",
        close="đóng cửa|lần cuối|giá đóng cửa|penutupan|terakhir",
        volume="kl|khối lượng|volume",
    ),
    "Arabic and Hebrew": Words(
        time="التاريخ|תאריך",
        open="الفتح|فتح|פתיחה|שער פתיחה",
        high="الأعلى|أعلى|الاعلى|גבוה",
        low="الأدنى|أدنى|الادنى|נמוך",
        close="الإغلاق|الأخير|آخر|שער|שער נעילה|נעילה",
        volume="الحجم|حجم|נפח|מחזור",
    ),
}  # fmt: skip
"""Names are compared as letters and digits only, without accents and case."""

# What only counts the quote currency, taken where nothing counts the base: Uniswap and others report no other.
_QUOTE_VOLUMES = (
    "volumeusd|usdvolume|quotevolume|volumequote|volumeto|volumenotional|turnover|value|quotetokenvolume"
)
_TICK_VOLUMES = "tickvol|tickvolume|tickcount"

_START = "started|starting|opening|starts|start|opened|opens|open|beginning|begins|begin|from"
_CLOSE = "closed|closes|closing|stop|close|ended|ends|end|until|finish|to"
_TIME = "datetime|timestamp|stamp|time|date|unix|epoch|gmt|utc"
_AROUND = (
    "candles|candle|interval|klines|kline|window|period|snapshot|market|exchange|trading|traded|trade|price|block"
    "|local|server|broker|system|event|human|readable|series|bar|hour|minute|clock|iso|str|bin|bucket|est|edt|eet|cet|kst|jst|ny|msk"
)
_TOKEN = re.compile(
    "|".join(f"(?P<{role}>{words})" for role, words in zip(("start", "close", "time", "around"), (_START, _CLOSE, _TIME, _AROUND), strict=True))
)  # fmt: skip
_SHORT = {"t": "time", "ts": "time", "mts": "time", "dt": "time", "at": "at", "s": "unit", "ms": "unit", "us": "unit", "ns": "unit"}  # fmt: skip
_DAYS = frozenset({"day", "period", "ticks", "tstamp", "tradeday", "businessday", "begin", "start", "bardate"})
_CLOCKS = frozenset({"hour", "hours", "hr", "hh", "minute", "minutes", "clock", "timeofday", "tod", "hourofday"})
_BRACKETS = re.compile(r"[(\[{][^)\]}]*[)\]}]")
_HOUR = re.compile(r"hour|minute|clock", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return a name as letters and digits only, without accents and case."""
    spread = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[\W_]", "", "".join(letter for letter in spread if not unicodedata.combining(letter)))


@lru_cache(maxsize=4096)
def words_for(field: str) -> tuple[str, ...]:
    """Return the plain words for a field (open, ..., volume, time, clock), in order of preference."""
    words = "|".join(getattr(language, field) for language in _BY_LANGUAGE.values()).split("|")
    return tuple(dict.fromkeys(plain(word) for word in words if word))


def quote_volumes() -> tuple[str, ...]:
    """Return the plain words for a volume in the quote currency."""
    return tuple(_QUOTE_VOLUMES.split("|"))


def tick_volumes() -> tuple[str, ...]:
    """Return the plain words for a number of ticks."""
    return tuple(_TICK_VOLUMES.split("|"))


def find_word(names: tuple[str, ...], field: str) -> int | None:
    """Return the column that a header names as a field, by the first word that is in it."""
    for form in (plain, _without_brackets):
        plains = [form(name) for name in names]
        for word in words_for(field):
            twins = [column for column, name in enumerate(plains) if name == word]
            if len(twins) > 1 and len(word) == 1:  # Binance: `l` is the low, `L` the last trade
                twins = [column for column in twins if names[column] == word] or twins
            if twins:
                return twins[0]
    return None


@lru_cache(maxsize=4096)
def _without_brackets(name: str) -> str:
    return plain(_BRACKETS.sub("", name))


@lru_cache(maxsize=4096)
def time_role(name: str) -> TimeRole | None:
    """Return what a column that is named so tells of a bar: its start, a time, its close, a time of day; or None."""
    bare = _BRACKETS.sub("", name)
    short = plain(bare)
    if short in _CLOCKS or short in words_for("clock"):
        return "clock"
    if short in words_for("time") or short in _DAYS:
        return "start" if short in ("begin", "start") else "plain"
    parts = _parts(bare)
    if parts is None:
        return None
    timed = "time" in parts or ("at" in parts and ("start" in parts or "close" in parts))
    if "close" in parts and (timed or ("around" in parts and _ends(bare)) or (parts == {"close"} and _ends(bare))):
        return "close"
    if "start" in parts and (timed or ("around" in parts and _starts(bare)) or _starts(bare)):
        return "start"
    if not timed and _HOUR.search(bare):
        return "clock"
    return "plain" if timed else None


def _parts(name: str) -> set[str] | None:
    """Return the kinds of word that a name consists of; None where one of its words is about something else."""
    found: set[str] = set()
    for word in _WORDS.findall(name) if name.isascii() else ():
        lower = word.lower()
        if lower in _SHORT:
            found.add(_SHORT[lower])
            continue
        at = 0
        while at < len(lower):
            match = _TOKEN.match(lower, at)
            if match is None:
                return None
            found.add(str(match.lastgroup))
            at = match.end()
    return found or None


def _ends(name: str) -> bool:
    """Whether the word is `end`, which no price is called; `close` alone is one."""
    return bool(re.search(r"end|until|finish", name, re.IGNORECASE))


def _starts(name: str) -> bool:
    """Whether the word is `start` or `begin`, which no price is called; `open` alone is one."""
    return bool(re.search(r"start|begin", name, re.IGNORECASE))
