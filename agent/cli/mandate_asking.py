"""What a mandate is made from: one question for each part, the option that answers it, and how its answer is read."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agent.chain.values import ANYONE, BPS, Side
from agent.desk.mandate_file import address_of, word_of
from agent.desk.token import Token, price_units, text_of
from agent.errors import PatternSettleError, UsageError
from agent.model.patterns import PATTERNS, mask_of

__all__ = ["MOST_AMOUNT", "NONE", "Question", "answers", "on_a_terminal", "questions"]

ANY, NONE = "any", "none"
MOST_AMOUNT = 2**128 - 1
_MOST_BPS = 2**16 - 1
_MOST_SECONDS = 2**32 - 1
_MOST_PRICE = 2**256 - 1
_LAST_MOMENT = 2**40 - 1
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"([0-9]{1,12})([smhdw]?)")
_WHOLE = re.compile(r"[0-9]{1,9}")

Read = Callable[[str], Any]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One part of a mandate.

    Attributes
    ----------
    member
        Its name in `Mandate`.
    option
        What answers it on the command line.
    asks
        How a person is asked.
    read
        Reads an answer; raises `UsageError` where it is none.
    default
        The answer where none is given; None where one is needed.
    """

    member: str
    option: str
    asks: str
    read: Read
    default: str | None = None

    def value(self, text: str) -> Any:
        """Read an answer.

        Raises
        ------
        UsageError
            Where it is none, by the name of the option.
        """
        try:
            return self.read(text.strip())
        except PatternSettleError as error:
            raise UsageError(f"{self.option}: {error.problem}", cure=error.cure) from error


def questions(base: Token, quote: Token, *, now: int, salt: str) -> tuple[Question, ...]:
    """Return the questions in the order in which they are asked, those about amounts last: they need the side.

    Parameters
    ----------
    base, quote
        The tokens of the market.
    now
        The time from which an expiry counts, unix seconds.
    salt
        What tells equal mandates apart, unless given.
    """
    any_price = f"in {quote.symbol} for a {base.symbol}, or {NONE}"

    def price(text: str) -> int:
        return _below(price_units(text, base, quote), _MOST_PRICE) if text != NONE else 0

    return (
        _question("owner", "--owner", "Whose ledger balance is traded (address)", _address),
        _question("side", "--side", f"Which way: long gives {quote.symbol}, short gives {base.symbol}", _side),
        _question("model", "--model-id", "Id on chain of the model whose signals are accepted", _word),
        _question("patterns", "--patterns", f"Accepted patterns, with commas between, or {ANY}", _patterns, ANY),
        _question("min_confidence_bps", "--confidence", "Lowest accepted confidence, in bps", _confidence, "0"),
        _question("take_profit_bps", "--take-profit", "Distance of the take-profit from the entry, in bps", _bps),
        _question("stop_loss_bps", "--stop-loss", "Distance of the stop-loss from the entry, in bps", _bps),
        _question("horizon", "--horizon", "Time after which a trade ends at any price, like 12h", _seconds),
        _question(
            "max_slippage_bps", "--slippage", "How much less than the oracle's price is accepted, in bps", _bps
        ),
        _question("cooldown", "--cooldown", "Time between a trade's end and the next", _seconds, "5m"),
        _question(
            "max_signal_age", "--max-signal-age", "Longest time since a signal's bar closed", _seconds, "10m"
        ),
        _question("ramp", "--ramp", "Time after the bar over which slippage grows to its most", _seconds, "0"),
        _question("max_price_age", "--max-price-age", "Longest time since the oracle's update", _seconds, "1h"),
        _question("min_price", "--min-price", f"Lowest price to open at, {any_price}", price, NONE),
        _question("max_price", "--max-price", f"Highest price to open at, {any_price}", price, NONE),
        _question("filler", "--filler", "The only account to trade with, or anyone", _filler, "anyone"),
        _question(
            "expiry",
            "--expiry",
            "When nothing opens any more: a date, a time (UTC), or like 30d",
            _moment_from(now),
        ),
        _question("salt", "--salt", "32 bytes that tell equal mandates apart", _word, salt),
    )


def amount_questions(given: Token) -> tuple[Question, ...]:
    """Return the questions about amounts of the token that is given."""
    most = _question(
        "max_amount",
        "--max-amount",
        f"Most that a trade gives, in {given.symbol}",
        _amount_of(given),
    )
    limit = _question(
        "drawdown_limit",
        "--drawdown-limit",
        f"Loss since the best point so far, after which nothing opens, in {given.symbol}",
        _amount_of(given),
    )
    return most, limit


def least_question(given: Token, most: int) -> Question:
    """Return the question about the least amount: half of the most, unless its owner says otherwise.

    Whoever fills chooses the amount, and a tiny trade would keep the mandate busy until its end.
    """
    return _question(
        "min_amount",
        "--min-amount",
        f"Least that a trade gives, in {given.symbol}",
        _amount_of(given),
        text_of(most - most // 2, given.decimals),
    )


def on_a_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def answers(
    asked: Iterable[Question], given: Mapping[str, str], *, asking: bool, unasked: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return the values of some questions, by member.

    Parameters
    ----------
    asked
        The questions.
    given
        Answers by option.
    asking
        Whether a person is asked for the others; else their defaults are taken.
    unasked
        Options that nobody is asked for, so that their default is taken.

    Raises
    ------
    UsageError
        If an answer is none, or one is missing that is needed.
    """
    found: dict[str, Any] = {}
    for question in asked:
        text = given.get(question.option)
        if text is not None:
            found[question.member] = question.value(text)
        elif asking and question.option not in unasked:
            found[question.member] = ask(question)
        elif question.default is not None:
            found[question.member] = question.value(question.default)
        else:
            raise UsageError(
                f"{question.option} is needed, and nobody can be asked.",
                cure="Give it; patternsettle mandate new --help says what it is.",
            )
    return found


def ask(question: Question) -> Any:
    """Ask a person until the answer is one."""
    default = "" if question.default is None else f" [{question.default}]"
    while True:
        print(f"{question.asks}{default}: ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            raise UsageError(
                f"The input ended before {question.option} was answered.", cure="Give it as an option."
            )
        text = line.strip() or question.default
        if text is None:
            continue
        try:
            return question.value(text)
        except UsageError as error:
            print(f"  {error}", file=sys.stderr)


def _question(member: str, option: str, asks: str, read: Read, default: str | None = None) -> Question:
    return Question(member=member, option=option, asks=asks, read=read, default=default)


# ---- how answers are read


def _address(text: str) -> str:
    return address_of(text, "this")


def _filler(text: str) -> str:
    return ANYONE if text.lower() == "anyone" else _address(text)


def _word(text: str) -> bytes:
    return word_of(text, "this")


def _side(text: str) -> Side:
    for side in Side:
        if text.lower() == side.name.lower():
            return side
    raise UsageError(f"{text!r} is no side.", cure="Give long or short.")


def _patterns(text: str) -> int:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if [name.lower() for name in names] == [ANY]:
        return 0
    if not names:
        raise UsageError(
            "there is no name.", cure=f"Give {ANY}, or some of {', '.join(p.name for p in PATTERNS)}."
        )
    return mask_of(names)


def _bps(text: str, most: int = _MOST_BPS) -> int:
    if not _WHOLE.fullmatch(text) or int(text) > most:
        raise UsageError(
            f"{text!r} is not a whole number of basis points.", cure=f"Give 0 to {most}; 100 are one per cent."
        )
    return int(text)


def _confidence(text: str) -> int:
    return _bps(text, BPS)


def _seconds(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if not found:
        raise UsageError(f"{text!r} is not a time.", cure="Write it like 45s, 10m, 12h or 30d.")
    seconds = int(found[1]) * _UNITS[found[2] or "s"]
    if seconds > _MOST_SECONDS:
        raise UsageError(f"{text} is longer than a mandate can say.", cure="The most is 49710d.")
    return seconds


def _moment_from(now: int) -> Read:
    def moment(text: str) -> int:
        if _DURATION.fullmatch(text) and text[-1] in _UNITS:
            return _below(now + _seconds(text), _LAST_MOMENT)
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            when = None
        if when is None or text.isdecimal() or when.microsecond:
            raise UsageError(
                f"{text!r} is no date, time or duration.",
                cure="Write it like 2030-01-31, 2030-01-31T12:00Z or 30d.",
            )
        utc = when.replace(tzinfo=UTC) if when.tzinfo is None else when
        return _below(max(0, int(utc.timestamp())), _LAST_MOMENT)

    return moment


def _amount_of(token: Token) -> Read:
    return lambda text: _below(token.units(text), MOST_AMOUNT)


def _below(number: int, most: int) -> int:
    if number > most:
        raise UsageError("it is more than the contract has room for.", cure="Give less.")
    return number
