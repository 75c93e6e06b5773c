"""What `patternsettle mandate show` and `check` do: a mandate that exists, explained alone and on its chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.text import Text

from agent.cli.mandate_ground import connected, require_tokens
from agent.cli.mandate_making import document
from agent.cli.mandate_standing import OpenTrade, Standing, standing_of
from agent.cli.mandate_words import moment, sentences, worst_sentences
from agent.cli.output import show, show_json
from agent.cli.tables import sections
from agent.desk.mandate_file import MandateFile
from agent.desk.token import price_text

__all__ = ["explain", "look"]


def explain(path: Path, *, json: bool) -> None:
    """Tell what a mandate says."""
    file = MandateFile.read(path)
    if json:
        show_json({"file": str(path), **document(file)})
        return
    show(
        sections(
            [
                ("mandate", Text(file.id)),
                ("says", Text("\n".join(sentences(file)))),
                ("worst day", Text("\n".join(worst_sentences(file)))),
            ]
        )
    )


def look(path: Path, rpc: str, *, json: bool) -> None:
    """Tell how a mandate stands on its chain."""
    file = MandateFile.read(path)
    with connected(file, rpc) as chain:
        require_tokens(chain, file)
        standing = standing_of(file, chain)
    if json:
        show_json({"file": str(path), **_document(standing)})
    else:
        show(sections([(label, Text(said)) for label, said in _rows(standing)]))


def _document(standing: Standing) -> dict[str, Any]:
    file, state, price, model = standing.file, standing.state, standing.price, standing.model
    return {
        "id": file.id,
        "chain_id": file.chain_id,
        "settlement": file.settlement,
        "block": standing.block,
        "time": standing.time,
        "state": standing.word,
        "lodged": standing.is_lodged,
        "usable_from": state.usable_from or None,
        "cancelled": state.cancelled,
        "expired": standing.is_expired,
        "trade": None if standing.trade is None else _trade_document(standing.trade, file),
        "cooldown_until": standing.cooling_until,
        "drawdown": str(state.drawdown),
        "drawdown_limit": str(file.mandate.drawdown_limit),
        "balance": str(standing.balance),
        "min_amount": str(file.mandate.min_amount),
        "price": None if price is None else {"value": str(price.value), "updated_at": price.updated_at},
        "oracle": {
            "base": None if standing.pair is None else standing.pair[0],
            "quote": None if standing.pair is None else standing.pair[1],
            "prices_the_market": standing.prices_the_market,
        },
        "model": {
            "registered": standing.is_registered,
            "revoked": standing.is_revoked,
            "key": model[0] if model is not None and standing.is_registered else None,
            "publisher": model[1] if model is not None and standing.is_registered else None,
        },
        "waits_for": [{"what": wait.what, "says": wait.says} for wait in standing.waits_for()],
    }


def _trade_document(trade: OpenTrade, file: MandateFile) -> dict[str, Any]:
    return {
        "given": str(trade.given),
        "holds": str(trade.taken),
        "token": file.mandate.taken_token,
        "take_profit": str(trade.levels.take_profit),
        "stop_loss": str(trade.levels.stop_loss),
        "horizon": trade.levels.horizon,
        "touched": trade.touched.name.lower() if trade.touched else None,
    }


def _rows(standing: Standing) -> list[tuple[str, str]]:
    file, state = standing.file, standing.state
    limit = file.mandate.drawdown_limit
    rows = [
        ("mandate", file.id),
        ("state", standing.word),
        ("at", f"block {standing.block:,}, {moment(standing.time)}"),
        ("waits for", "\n".join(wait.says for wait in standing.waits_for())),
    ]
    if standing.trade is not None:
        given, held = file.given.text(standing.trade.given), file.taken.text(standing.trade.taken)
        rows.append(("trade", f"It gave {given}, and holds {held}."))
        if state.cancelled:
            rows.append(("", "The mandate is cancelled: nothing opens after this trade."))
    return [
        *rows,
        ("drawdown", f"{file.given.text(state.drawdown)} of {file.given.text(limit)}"),
        ("ledger", f"{file.given.text(standing.balance)} to give"),
        ("price", _price(standing)),
        ("oracle", _oracle(standing)),
        ("model", _model(standing)),
    ]


def _price(standing: Standing) -> str:
    price, file = standing.price, standing.file
    if price is None or price.value == 0:
        return "The oracle has none."
    return (
        f"{price_text(price.value, file.base, file.quote)} for a {file.base.symbol}, of {moment(price.updated_at)}"
    )


def _oracle(standing: Standing) -> str:
    if standing.pair is None:
        return "It does not say which tokens it prices: who signs this mandate has to know."
    if standing.prices_the_market:
        return "It prices the tokens of this market."
    base, quote = standing.pair
    return f"It prices {base} in {quote}, which is another market: cancel this mandate."


def _model(standing: Standing) -> str:
    if standing.model is None:
        return "The source does not say whether it knows the model."
    if not standing.is_registered:
        return "It is not registered."
    return "It was revoked." if standing.is_revoked else f"It is registered, and signs with {standing.model[0]}."
