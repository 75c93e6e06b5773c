"""What `patternsettle mandate new` does: asks, has the contract judge, tells what it can cost, and writes."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.text import Text

from agent.chain.contracts import ModelsContract
from agent.chain.values import Mandate, Side
from agent.cli.beforehand import takes_files
from agent.cli.mandate_asking import amount_questions, answers, least_question, on_a_terminal, questions
from agent.cli.mandate_ground import Ground, answered, ground, model_id, verdict
from agent.cli.mandate_words import Unsound, sentences, unsound, worst_sentences
from agent.cli.output import show, show_json
from agent.cli.tables import sections
from agent.desk.mandate_file import MandateFile, address_of
from agent.desk.worst import worst_of
from agent.errors import ChainError, UsageError

__all__ = ["Wish", "document", "make"]

NEEDED = (
    *("--owner", "--side", "--model-id", "--take-profit", "--stop-loss", "--horizon", "--slippage"),
    *("--max-amount", "--drawdown-limit", "--expiry"),
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What `patternsettle mandate new` was asked for.

    Attributes
    ----------
    given
        The parts of the mandate that were given, as text, by option.
    others
        As their options say.

    Raises
    ------
    UsageError
        If its options contradict each other.
    """

    out: Path
    deployment: Path | None
    rpc: str | None
    model: Path | None
    publisher: str | None
    model_key: str | None
    base_decimals: int | None
    quote_decimals: int | None
    given: Mapping[str, str]
    json: bool

    def __post_init__(self) -> None:
        named = (self.model, self.publisher, self.model_key)
        if any(each is not None for each in named):
            if "--model-id" in self.given:
                raise UsageError("--model-id and --model both name the model.", cure="Give one of the two.")
            if any(each is None for each in named):
                raise UsageError(
                    "The id of a saved model is made from its publisher and its key, too.",
                    cure="Give --model, --publisher and --model-key together, or --model-id.",
                )


def make(wish: Wish) -> None:
    """Write a mandate as wished, and tell what it says."""
    _require_free(wish.out)
    with ground(
        wish.deployment, wish.rpc, base_decimals=wish.base_decimals, quote_decimals=wish.quote_decimals
    ) as where:
        file = _sound(_named(wish), where)
        known = _model_of(file, where)
    file.write(wish.out)
    if wish.json:
        show_json({"file": str(wish.out), "model_registered": known, **document(file)})
    else:
        show(_told(file, wish.out, known=known))


def document(file: MandateFile) -> dict[str, Any]:
    """Return all of a mandate for machines: amounts in smallest units, numbers as strings of digits."""
    worst, typed = worst_of(file.mandate), file.typed_data
    return {
        "id": file.id,
        "digest": file.digest,
        "chain_id": file.chain_id,
        "settlement": file.settlement,
        "mandate": typed["message"],
        "tokens": {
            name: {"symbol": token.symbol, "decimals": token.decimals}
            for name, token in (("base", file.base), ("quote", file.quote))
        },
        "says": sentences(file),
        "worst": {
            "trip": str(worst.trip),
            "trade": str(worst.trade),
            "closes_a_day": worst.closes,
            "day": str(worst.day),
            "total": str(worst.total),
            "says": worst_sentences(file),
        },
        "typed_data": typed,
    }


def _named(wish: Wish) -> dict[str, str]:
    """The parts that were given, with the id of the model that was named."""
    given = dict(wish.given)
    if wish.model is not None:
        publisher = address_of(wish.publisher, "--publisher")
        key = address_of(wish.model_key, "--model-key")
        given["--model-id"] = model_id(wish.model, publisher=publisher, key=key)
    return given


def _sound(given: dict[str, str], where: Ground) -> MandateFile:
    """Ask for what is missing, until the contract has nothing against the mandate."""
    asking = on_a_terminal() and any(option not in given for option in NEEDED)
    values = _answered(given, where, asking=asking)
    while True:
        file = _file(values, where)
        refusal = verdict(file.mandate, where)
        if refusal is None:
            return file
        error = unsound(file, refusal, now=where.now)
        if not (asking and error.option):
            raise error
        print(f"  {error}", file=sys.stderr)
        values |= _again(error, file, where)


def _answered(given: Mapping[str, str], where: Ground, *, asking: bool) -> dict[str, Any]:
    salt = "0x" + secrets.token_bytes(32).hex()
    asked = questions(where.base, where.quote, now=where.now, salt=salt)
    values = answers(asked, given, asking=asking, unasked=frozenset({"--salt"}))
    token = where.quote if values["side"] is Side.LONG else where.base
    values |= answers(amount_questions(token), given, asking=asking)
    return values | answers([least_question(token, values["max_amount"])], given, asking=asking)


def _again(error: Unsound, file: MandateFile, where: Ground) -> dict[str, Any]:
    """Ask once more for what would have to change."""
    salt = "0x" + secrets.token_bytes(32).hex()
    amounts = (*amount_questions(file.given), least_question(file.given, file.mandate.max_amount))
    asked = (*questions(where.base, where.quote, now=where.now, salt=salt), *amounts)
    return answers([each for each in asked if each.option == error.option], {}, asking=True)


def _file(values: Mapping[str, Any], where: Ground) -> MandateFile:
    at = where.deployment
    return MandateFile(
        mandate=Mandate(market=at.market, source=at.models, **values),
        chain_id=at.chain_id,
        settlement=at.settlement,
        base=where.base,
        quote=where.quote,
    )


def _model_of(file: MandateFile, where: Ground) -> bool | None:
    """Whether the model is registered; None where nobody can say. One that was revoked is refused: it never signs again."""
    if where.chain is None:
        return None
    models = ModelsContract(where.chain, file.mandate.source)
    found = answered(lambda: models.model_of(file.mandate.model))
    if found is None:
        return None
    key, _, revoked = found
    if revoked:
        raise ChainError(
            f"The model 0x{file.mandate.model.hex()} was revoked: no signal of it is accepted any more.",
            cure="Name another with --model-id.",
        )
    return int(key, 16) != 0


def _require_free(out: Path) -> None:
    """Refuse a place that cannot be written, or holds something: a mandate that is lodged is kept nowhere else."""
    if out.is_dir():
        raise UsageError(f"--out {out} is a folder.", cure="Name a file inside it.")
    if out.exists():
        raise UsageError(f"--out {out} is there already.", cure="Name another file, or put it away first.")
    if not out.parent.is_dir():
        raise UsageError(f"The folder of --out {out} does not exist.", cure="Make it, or name a file elsewhere.")
    if not takes_files(out.parent):
        raise UsageError(f"The folder of --out {out} cannot be written to.", cure="Name a file elsewhere.")


def _told(file: MandateFile, out: Path, *, known: bool | None) -> Group:
    rows = [
        ("mandate", Text(file.id)),
        ("says", Text("\n".join(sentences(file)))),
        ("worst day", Text("\n".join(worst_sentences(file)))),
    ]
    if known is False:
        rows.append(("model", Text("It is not registered on this chain yet: until it is, nothing opens.")))
    return Group(
        sections(rows),
        Text(),
        Text(f"Written to {out}. Its owner signs it in any wallet that takes typed data, or with"),
        Text(f"  cast wallet sign --data --from-file {out}"),
        Text("and anybody lodges it with that signature:"),
        Text(f"  patternsettle mandate lodge {out} --rpc URL --signature 0x..."),
    )
