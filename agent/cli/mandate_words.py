"""How a mandate is told: what it allows, what it can cost, and what the contract has against one that is not sound."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.chain.values import ANYONE, BPS, LEAST_AMOUNT, Mandate, Side
from agent.desk.mandate_file import MandateFile
from agent.desk.token import price_text
from agent.desk.worst import worst_of
from agent.errors import Reverted, UsageError
from agent.model.labels import least_barrier_bps, most_slippage_bps
from agent.model.patterns import PATTERNS

__all__ = ["Unsound", "duration", "moment", "sentences", "side_of", "unsound", "worst_sentences"]

_MOST_BARRIER = 2**16 - 1
_YEAR_9999 = 253_402_300_799
_STEPS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


class Unsound(UsageError):
    """A mandate that the contract would not take.

    Attributes
    ----------
    option
        The one that would have to change first; "" where none can help.
    """

    option = ""


def duration(seconds: int) -> str:
    """Return a time exactly, in the words of the command line: ``1 h 30 min``."""
    parts = []
    for name, size in _STEPS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count:,} {name}")
    return " ".join(parts) or "0 s"


def moment(unix: int) -> str:
    """Return a time as a date in UTC, or as unix seconds where it lies beyond all calendars."""
    if unix > _YEAR_9999:
        return f"unix second {unix}"
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M:%S} UTC"


def percent(bps: int) -> str:
    """Return basis points as per cent: ``0.5 %``."""
    whole, rest = divmod(bps, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".") + " %"


def side_of(mandate: Mandate) -> str:
    return mandate.side.name.lower()


# ---- one that exists


def sentences(file: MandateFile) -> list[str]:
    """Return what a mandate says, in plain sentences."""
    mandate, given, taken = file.mandate, file.given, file.taken
    return [
        f"It lets the contract {file.settlement} on chain {file.chain_id} trade {side_of(mandate)} for "
        f"{mandate.owner}: give {given.symbol}, take {taken.symbol}, at the price of the oracle "
        f"{mandate.market.oracle}.",
        f"A trade opens on a signal of the model 0x{mandate.model.hex()}, vouched for by {mandate.source}, with "
        f"{_patterns(mandate)} and a confidence of {percent(mandate.min_confidence_bps)} or more, at most "
        f"{duration(mandate.max_signal_age)} after its bar closed, at a price that is at most "
        f"{duration(mandate.max_price_age)} old{_bounds(file)}.",
        f"It gives {given.text(mandate.min_amount)} to {given.text(mandate.max_amount)}, one trade at a time, "
        f"{_apart(mandate)}.",
        f"At each end the owner gets at most {percent(mandate.max_slippage_bps)} less than the oracle's price"
        f"{_ramp(mandate)}.",
        f"It ends at a profit of {percent(mandate.take_profit_bps)}, at a loss of {percent(mandate.stop_loss_bps)}, "
        f"or {duration(mandate.horizon)} after it opened; its owner can release it at any time.",
        _filler(mandate),
        f"Nothing opens once {given.text(mandate.drawdown_limit)} were lost since the best point so far, nor after "
        f"{moment(mandate.expiry)}.",
    ]


def worst_sentences(file: MandateFile) -> list[str]:
    """Return in two sentences what the worst day could cost, and what a thief could take."""
    worst, given, cooldown = worst_of(file.mandate), file.given, file.mandate.cooldown
    if worst.closes is None or worst.day == worst.total:
        why = (
            f"the drawdown limit of {given.text(file.mandate.drawdown_limit)} and one more trade stopped at a loss of "
            f"{given.text(worst.trade)}"
        )
    else:
        trades = "the one trade" if worst.closes == 1 else f"the {worst.closes:,} trades"
        why = (
            f"{trades} that a cooldown of {duration(cooldown)} lets end in a day, stopped at a loss of "
            f"{given.text(worst.trade)}" + ("" if worst.closes == 1 else " each")
        )
    pace = f"one trip every {duration(cooldown)}" if cooldown else "one trip a block"
    return [
        f"On its worst day it loses {given.text(worst.day)} at most, where the price leaps over no barrier: {why}.",
        f"A stolen model key and a filler together take at most {given.text(worst.trip)} a trip beyond the oracle's own "
        f"move, at most {pace}, and {given.text(worst.total)} in all.",
    ]


def _patterns(mandate: Mandate) -> str:
    if not mandate.patterns:
        return "any pattern"
    named = {pattern.bit: pattern.name for pattern in PATTERNS}
    bits = [bit for bit in range(mandate.patterns.bit_length()) if mandate.patterns >> bit & 1]
    return " or ".join(named.get(bit, f"pattern {bit}") for bit in bits)


def _bounds(file: MandateFile) -> str:
    low, high = (
        price_text(price, file.base, file.quote) if price else ""
        for price in (file.mandate.min_price, file.mandate.max_price)
    )
    said = f" of at least {low}" if low else ""
    return said + (f"{' and' if low else ' of'} at most {high}" if high else "")


def _apart(mandate: Mandate) -> str:
    if not mandate.cooldown:
        return "the next as soon as the last has ended"
    return f"the next no sooner than {duration(mandate.cooldown)} after the last has ended"


def _ramp(mandate: Mandate) -> str:
    if not mandate.ramp:
        return ""
    return f"; at the open that grows from nothing within {duration(mandate.ramp)} of the bar's close"


def _filler(mandate: Mandate) -> str:
    if mandate.filler == ANYONE:
        return "Anyone may take the other side, at the worst price that it accepts."
    return f"Only {mandate.filler} may take the other side; if that account is gone, the owner releases the trade."


# ---- one that the contract would not take


def unsound(file: MandateFile, error: Reverted, *, now: int) -> Unsound:
    """Return why the contract would not take a mandate, in the names of the options that it is made with."""
    if error.name == "InvalidMandate":
        option, problem, cure = _invalid(file, str(error.args_by_name.get("field", "")), now)
    elif error.name == "MandateExists":
        option, problem = "--salt", f"The mandate {file.id} is lodged already."
        cure = "Leave --salt out, or give another, for one more like it."
    elif error.name == "MandateIsCancelled":
        option, problem = "--salt", f"The mandate {file.id} was cancelled, and can never be lodged."
        cure = "Leave --salt out, or give another."
    else:
        option, problem, cure = (
            "",
            f"{file.settlement} would not take the mandate: {error.problem}.",
            "Look at it.",
        )
    told = Unsound(problem, cure=cure)
    told.option = option
    return told


def _invalid(file: MandateFile, field: str, now: int) -> tuple[str, str, str]:
    mandate, given = file.mandate, file.given
    match field:
        case "takeProfitBps":
            return _barrier(mandate, "--take-profit", mandate.take_profit_bps, of=Side.SHORT)
        case "stopLossBps":
            return _barrier(mandate, "--stop-loss", mandate.stop_loss_bps, of=Side.LONG)
        case "filler":
            return "--filler", "--filler is the owner, and nobody trades with itself.", "Name another, or anyone."
        case "minConfidenceBps":
            said = f"--confidence {mandate.min_confidence_bps} is more than certainty."
            return "--confidence", said, f"Give {BPS} at most."
        case "maxSlippageBps":
            said = f"--slippage {mandate.max_slippage_bps} gives up all of the price."
            return "--slippage", said, "Give less than both barriers."
        case "ramp":
            ramp, age = duration(mandate.ramp), duration(mandate.max_signal_age)
            said = f"--ramp {ramp} is longer than --max-signal-age {age}: slippage would never grow to its most."
            return "--ramp", said, f"Give {mandate.max_signal_age}s at most."
        case "horizon":
            return "--horizon", "--horizon is no time: a trade would end as it opens.", "Give more, like 12h."
        case "maxAmount":
            said = f"--max-amount of {given.text(mandate.max_amount)} is too little for any trade."
            return "--max-amount", said, f"The least is {given.text(LEAST_AMOUNT)}."
        case "minAmount":
            least, most = given.text(mandate.min_amount), given.text(mandate.max_amount)
            said = f"--min-amount of {least} is more than --max-amount of {most}."
            return "--min-amount", said, "Give as much at most."
        case "minPrice":
            low = price_text(mandate.min_price, file.base, file.quote)
            said = f"--min-price of {low} is above any price there can be: nothing could ever open."
            return "--min-price", said, "Give less, or none."
        case "maxPrice":
            low, high = (price_text(p, file.base, file.quote) for p in (mandate.min_price, mandate.max_price))
            under = f"--min-price of {low}" if mandate.max_price < mandate.min_price else "any price to open at"
            return "--max-price", f"--max-price of {high} is below {under}.", "Give more, or none."
        case "drawdownLimit":
            return "--drawdown-limit", "--drawdown-limit is nothing.", "Give what may be lost."
        case "expiry":
            said = f"--expiry {moment(mandate.expiry)} has passed: the chain's time is {moment(now)}."
            return "--expiry", said, "Give a later time."
        case _:
            said = f"The deployment's {field.removeprefix('market.')} cannot be that of a mandate."
            return "", said, "Deploy again, or name another deployment."


def _barrier(mandate: Mandate, option: str, barrier: int, *, of: Side) -> tuple[str, str, str]:
    """What is wrong with a barrier: slippage reaches it, or it lies at a price that is none."""
    slippage = mandate.max_slippage_bps
    if most_slippage_bps(barrier, barrier) >= slippage and mandate.side is of:
        said = f"{option} {barrier} of a {side_of(mandate)} lies at a price of zero or below."
        return option, said, f"Give less than {BPS}."
    said = (
        f"--slippage {slippage} reaches {option} {barrier}: a trade at the worst accepted price would end at once, at an "
        f"unmoved price, since ({BPS:,} - {slippage}) * ({BPS:,} + {barrier}) is below 100,010,000."
    )
    most = most_slippage_bps(mandate.take_profit_bps, mandate.stop_loss_bps)
    least = least_barrier_bps(slippage)
    cures = [f"--slippage {most} at most"] if most >= 0 else []
    cures += [f"{option} {least} at least"] if least <= (BPS - 1 if mandate.side is of else _MOST_BARRIER) else []
    # Neither helps where slippage is nearly all of the price and one barrier is none: the slippage is the worse of the two.
    return "--slippage" if most >= 0 else option, said, f"Give {', or '.join(cures) or 'less slippage'}."
