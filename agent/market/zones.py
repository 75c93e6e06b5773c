"""Time zones as price files name them, and local times turned into UTC: by zoneinfo, or not at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.market.bars import Ints

_HOUR = 3600

# What an abbreviation may mean: hours east of Greenwich, or a place with its summer time. Where people write one all
# year and mean a place, both are here, and only a file whose times are the same under both is converted.
_ABBREVIATIONS: dict[str, tuple[float | str, ...]] = {
    "UTC": (0,), "GMT": (0,), "Z": (0,), "ZULU": (0,), "UCT": (0,),
    "EST": (-5, "America/New_York"), "EDT": (-4, "America/New_York"), "ET": ("America/New_York",),
    "CST": (-6, "America/Chicago", "Asia/Shanghai"), "CDT": (-5, "America/Chicago"), "CT": ("America/Chicago",),
    "MST": (-7, "America/Denver"), "MDT": (-6, "America/Denver"), "MT": ("America/Denver",),
    "PST": (-8, "America/Los_Angeles"), "PDT": (-7, "America/Los_Angeles"), "PT": ("America/Los_Angeles",),
    "AST": (-4, "America/Halifax", "Asia/Riyadh"), "ADT": (-3, "America/Halifax"),
    "BST": ("Europe/London", "Asia/Dhaka"), "IST": ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"),
    "WET": (0, "WET"), "WEST": (1, "WET"), "CET": (1, "CET"), "CEST": (2, "CET"), "MET": (1, "MET"), "MEZ": (1, "CET"),
    "MESZ": (2, "CET"), "MEST": (2, "MET"), "EET": (2, "EET"), "EEST": (3, "EET"), "MSK": ("Europe/Moscow",),
    "TRT": ("Europe/Istanbul",), "GST": ("Asia/Dubai", "Atlantic/South_Georgia"), "PKT": ("Asia/Karachi",),
    "SGT": ("Asia/Singapore",), "HKT": ("Asia/Hong_Kong",), "SST": ("Asia/Singapore", "Pacific/Pago_Pago"),
    "JST": ("Asia/Tokyo",), "KST": ("Asia/Seoul",), "ICT": ("Asia/Bangkok",), "WIB": ("Asia/Jakarta",),
    "AWST": (8,), "ACST": (9.5, "Australia/Adelaide"), "ACDT": (10.5, "Australia/Adelaide"),
    "AEST": (10, "Australia/Sydney"), "AEDT": (11, "Australia/Sydney"), "NZST": (12, "Pacific/Auckland"),
    "NZDT": (13, "Pacific/Auckland"), "BRT": ("America/Sao_Paulo",), "ART": ("America/Argentina/Buenos_Aires",),
    "SAST": ("Africa/Johannesburg",),
}  # fmt: skip
# Zones that name a place's time all year, summer included, where they stand for a whole file.
_ALL_YEAR = frozenset({"WET", "CET", "MET", "EET", "MEZ"})
_SUMMER = {
    "EDT": "EST", "CDT": "CST", "MDT": "MST", "PDT": "PST", "ADT": "AST", "BST": "GMT", "WEST": "WET", "CEST": "CET",
    "MESZ": "MEZ", "MEST": "MET", "EEST": "EET", "ACDT": "ACST", "AEDT": "AEST", "NZDT": "NZST",
}  # fmt: skip
_WINDOWS = {
    "easternstandardtime": "America/New_York", "centralstandardtime": "America/Chicago",
    "pacificstandardtime": "America/Los_Angeles", "mountainstandardtime": "America/Denver",
    "gmtstandardtime": "Europe/London", "weuropestandardtime": "Europe/Berlin",
    "romancestandardtime": "Europe/Paris", "centraleuropestandardtime": "Europe/Budapest",
    "eeuropestandardtime": "Europe/Chisinau", "russianstandardtime": "Europe/Moscow",
    "chinastandardtime": "Asia/Shanghai", "tokyostandardtime": "Asia/Tokyo", "koreastandardtime": "Asia/Seoul",
    "indiastandardtime": "Asia/Kolkata", "singaporestandardtime": "Asia/Singapore",
    "auseasternstandardtime": "Australia/Sydney",
    "eastern": "America/New_York", "easterntime": "America/New_York", "useasterntime": "America/New_York",
    "central": "America/Chicago", "centraltime": "America/Chicago", "pacific": "America/Los_Angeles",
    "pacifictime": "America/Los_Angeles", "mountaintime": "America/Denver", "nyt": "America/New_York",
    "ny": "America/New_York", "coordinateduniversaltime": "UTC", "universaltime": "UTC",
    "centraleuropeantime": "Europe/Berlin", "easterneuropeantime": "EET", "moscowtime": "Europe/Moscow",
}  # fmt: skip
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*(?P<sign>[+\-−])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?", re.IGNORECASE)
_SECONDS = re.compile(r"[+-]?\d{3,5}")
# A name that says whose time it is, without saying which.
_NAMELESS = frozenset({"local", "exchange", "server", "broker", "market", "chart", "platform", "system"})
_BRACKET = re.compile(r"[(\[{]\s*([^)\]}]+?)\s*[)\]}]")
_LAST_WORD = re.compile(r"[\s_/.-](utc|gmt|[a-z]{2,4}t|msk|ny|nyt|mez|mesz)$", re.IGNORECASE)
_FIRST_WORD = re.compile(r"(utc|gmt|[a-z]{2,4}t|msk|ny|local|server|exchange|broker)[\s_]", re.IGNORECASE)
_SUFFIX = re.compile(
    r"(?P<time>.*\d(?:\s?[AaPp]\.?[Mm]\.?)?)(?:\s+|(?<=\d))\[?(?P<zone>(?![AaPp][Mm]\b)[A-Za-z][\w/+:−-]*(?:\s[A-Z][A-Za-z]+){0,2})\]?"
)


@dataclass(frozen=True)
class Zone:
    """A time zone that a file names.

    Attributes
    ----------
    name
        As the file has it.
    meanings
        Seconds east of Greenwich, or names of zoneinfo: what it may mean. None: it is no zone anyone knows.
    """

    name: str
    meanings: tuple[int | str, ...]

    @property
    def known(self) -> bool:
        return bool(self.meanings)

    def described(self) -> str:
        """What it may mean, for use inside a sentence."""
        return " or ".join(_described(meaning) for meaning in self.meanings)


class ZoneFaultError(Exception):
    """A local time that is not, or not certainly, an instant: at which row, and why."""

    def __init__(self, at: int, why: str, *, exists: bool = True) -> None:
        super().__init__(why)
        self.at, self.why, self.exists = at, why, exists


@lru_cache(maxsize=1024)
def zone_of(text: str, *, whole: bool = True) -> Zone:
    """Return the zone a text names.

    Parameters
    ----------
    text
        `EET`, `US/Eastern`, `New York`, `GMT+3`, `-05:00`, or an offset in seconds.
    whole
        Whether it stands for a whole file, so that `EET` is the time of a place, in summer one hour later; a value
        that ends in it may mean just that hour.
    """
    name = text.strip()
    offset = _OFFSET.fullmatch(name)
    if offset:
        seconds = int(offset["hours"]) * _HOUR + int(offset["minutes"] or 0) * 60
        fits = int(offset["hours"]) <= 14 and int(offset["minutes"] or 0) < 60
        return Zone(name, ((-seconds if offset["sign"] != "+" else seconds),) if fits else ())
    if _SECONDS.fullmatch(name) and abs(int(name)) <= 14 * _HOUR and int(name) % 900 == 0:
        return Zone(name, (int(name),))
    if name == "0":
        return Zone(name, (0,))
    upper = name.upper()
    if upper in _ABBREVIATIONS:
        meanings = _ABBREVIATIONS[upper]
        if whole and upper in _ALL_YEAR:
            meanings = meanings[1:]
        return Zone(name, tuple(item if isinstance(item, str) else round(item * _HOUR) for item in meanings))
    bare = re.sub(r"[\W_]", "", name.casefold())
    if bare in _WINDOWS:
        return Zone(name, (_WINDOWS[bare],))
    return Zone(name, _by_key(name))


@cache
def _keys() -> dict[str, str]:
    return {
        key.casefold(): key for key in available_timezones() if not key.startswith(("posix", "right", "System"))
    }


def _by_key(name: str) -> tuple[str, ...]:
    """Return the zone that has this name, or the only one whose city has."""
    wanted = re.sub(r"\s+", "_", name.casefold())
    if wanted in _keys():
        return (_keys()[wanted],)
    cities = [key for folded, key in _keys().items() if folded.rpartition("/")[2] == wanted and "/" in folded]
    return (cities[0],) if len(cities) == 1 else ()


def zone_in_title(title: str) -> Zone | None:
    """Return the zone that a column's name speaks of, like `Time (EET)` or `gmt_time`; None where it names none.

    `Local time` speaks of one without naming it: that zone is not known.
    """
    for inside in _BRACKET.findall(title):
        zone = zone_of(inside)
        if zone.known:
            return zone
        if inside.casefold().split()[0] in _NAMELESS:
            return zone
    bare = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", _BRACKET.sub("", title).strip())
    for pattern in (_LAST_WORD, _FIRST_WORD):
        word = pattern.search(bare) if pattern is _LAST_WORD else pattern.match(bare)
        if word and (zone_of(word[1]).known or word[1].casefold() in _NAMELESS):
            return zone_of(word[1])
    return zone_of(bare) if bare.upper() in ("UTC", "GMT") else None


def split_zone(text: str) -> tuple[str, str]:
    """Return a written time without the zone behind it, and that zone; "" where none is there."""
    match = _SUFFIX.fullmatch(text)
    return (match["time"].rstrip(), match["zone"]) if match else (text, "")


def split_zones(texts: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Do the same for each of many texts."""
    pairs = [split_zone(text) for text in texts]
    return (
        pd.Series([time for time, _ in pairs], index=texts.index, dtype=object),
        pd.Series([zone for _, zone in pairs], index=texts.index, dtype=object),
    )


def told_apart(names: set[str]) -> bool:
    """Whether values name summer and winter time by different words, so that each means its own hour."""
    upper = {name.upper() for name in names}
    return any(summer in upper and winter in upper for summer, winter in _SUMMER.items())


def fixed(zone: Zone) -> Zone:
    """Return the zone with only the fixed hours it may mean, where it may mean some."""
    offsets = tuple(meaning for meaning in zone.meanings if not isinstance(meaning, str))
    return Zone(zone.name, offsets or zone.meanings)


def in_utc(local: Ints, zone: Zone) -> Ints:
    """Return local times as UTC.

    Parameters
    ----------
    local
        Microseconds since 1970 on the clock of the zone, shape (n,), in the order of the file, no one missing.
    zone
        A known zone. Of several meanings those in which a time does not exist are out; the others must agree.

    Raises
    ------
    ZoneFaultError
        For the first time that does not exist, came twice and cannot be told apart, or is another instant under
        another meaning.
    """
    readings: list[Ints] = []
    faults: list[ZoneFaultError] = []
    for meaning in zone.meanings:
        try:
            readings.append(_converted(local, meaning))
        except ZoneFaultError as fault:
            if fault.exists:
                raise
            faults.append(fault)
    if not readings:
        raise faults[0]
    for other in readings[1:]:
        differs = readings[0] != other
        if differs.any():
            raise ZoneFaultError(int(differs.argmax()), f"{zone.name} may mean {zone.described()}")
    return readings[0]


def _converted(local: Ints, meaning: int | str) -> Ints:
    if not isinstance(meaning, str):
        return local - meaning * 1_000_000
    clock = pd.DatetimeIndex(local.astype("M8[us]"))
    place: tzinfo = ZoneInfo(meaning)
    summer = _instants(clock, place, np.ones(len(local), bool))
    winter = _instants(clock, place, np.zeros(len(local), bool))
    missing = np.isnat(summer)
    if missing.any():
        at = int(missing.argmax())
        raise ZoneFaultError(at, f"clocks in {meaning} jumped over it", exists=False)
    twice = summer != winter
    later = _second_pass(local, twice, meaning) if twice.any() else twice
    return np.where(later, winter, summer).astype(np.int64)


def _instants(clock: pd.DatetimeIndex, place: tzinfo, summer: NDArray[np.bool_]) -> NDArray[np.datetime64]:
    aware = clock.tz_localize(place, ambiguous=summer, nonexistent="NaT").tz_convert("UTC").tz_localize(None)
    instants: NDArray[np.datetime64] = aware.to_numpy("datetime64[us]")
    return instants


def _second_pass(local: Ints, twice: NDArray[np.bool_], place: str) -> NDArray[np.bool_]:
    """Return which times of the hour that came twice, when clocks went back, are of its second pass."""
    rows = pd.Series(local)
    nth = rows.groupby(local).cumcount().to_numpy()
    total = rows.groupby(local).transform("size").to_numpy()
    unclear = twice & (total != 2)
    if unclear.any():
        at = int(unclear.argmax())
        how = "once" if total[at] == 1 else f"{total[at]} times"
        raise ZoneFaultError(at, f"it came twice in {place}, when clocks went back, and is told {how}")
    newest_first = len(local) > 1 and local[0] > local[-1]
    second: NDArray[np.bool_] = twice & (nth == (0 if newest_first else 1))
    return second


def _described(meaning: int | str) -> str:
    if isinstance(meaning, int):
        return _offset(meaning)
    return meaning if "/" in meaning else f"{meaning} with summer time"


def _offset(seconds: int) -> str:
    sign, seconds = "-" if seconds < 0 else "+", abs(seconds)
    return f"UTC{sign}{seconds // _HOUR}" + (f":{seconds % _HOUR // 60:02}" if seconds % _HOUR else "")


UTC = Zone("UTC", (0,))
