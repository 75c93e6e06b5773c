"""`patternsettle mandate`: an owner's standing instruction, written for a wallet to sign, explained, lodged and ended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.options import JsonOption
from agent.cli.output import kept_for_results
from agent.cli.place import places_judged

mandate = typer.Typer(
    help="Write, explain, lodge, release and cancel an owner's mandate.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

FileArgument = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="What `patternsettle mandate new` wrote.", show_default=False),
]
NodeOption = Annotated[str, typer.Option("--rpc", metavar="URL", help="Address of the node.")]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="File with the private key of who sends, as hex, that nobody else may read; none takes it from PATTERNSETTLE_MNEMONIC.",
        show_default=False,
    ),
]
NODE = "http://127.0.0.1:8545"


def _option(name: str, metavar: str, told: str) -> Any:
    return typer.Option(name, metavar=metavar, help=told, show_default=False)


@mandate.callback()
def common(context: typer.Context) -> None:
    """Write, explain, lodge, release and cancel an owner's mandate."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def new(
    out: Annotated[Path, _option("--out", "FILE", "File to write; it must not be there yet.")],
    deployment: Annotated[
        Path | None,
        _option("--deployment", "FILE", "Where the contracts are, as `patternsettle deploy --out` tells."),
    ] = None,
    rpc: Annotated[
        str | None,
        _option("--rpc", "URL", "Address of a node: of `patternsettle chain`, or one for --deployment."),
    ] = None,
    owner: Annotated[str | None, _option("--owner", "ADDRESS", "Whose ledger balance is traded.")] = None,
    side: Annotated[
        str | None, _option("--side", "SIDE", "Long gives quote and takes base; short the other way around.")
    ] = None,
    patterns: Annotated[
        str | None, _option("--patterns", "NAMES", "Accepted patterns with commas between; any unless given.")
    ] = None,
    model_id: Annotated[
        str | None, _option("--model-id", "HEX", "Id on chain of the model whose signals are accepted.")
    ] = None,
    model: Annotated[
        Path | None, _option("--model", "MODEL", "In place of --model-id: the saved model, with the next two.")
    ] = None,
    publisher: Annotated[str | None, _option("--publisher", "ADDRESS", "With --model: who registers it.")] = None,
    model_key: Annotated[
        str | None, _option("--model-key", "ADDRESS", "With --model: whose signature vouches for its signals.")
    ] = None,
    confidence: Annotated[
        str | None, _option("--confidence", "BPS", "Lowest accepted confidence; 0 unless given.")
    ] = None,
    take_profit: Annotated[
        str | None, _option("--take-profit", "BPS", "Distance of the take-profit from the entry.")
    ] = None,
    stop_loss: Annotated[
        str | None, _option("--stop-loss", "BPS", "Distance of the stop-loss from the entry.")
    ] = None,
    horizon: Annotated[
        str | None, _option("--horizon", "TIME", "After which a trade ends at any price, like 12h.")
    ] = None,
    slippage: Annotated[
        str | None, _option("--slippage", "BPS", "How much less than the oracle's price is accepted, at each end.")
    ] = None,
    max_amount: Annotated[
        str | None, _option("--max-amount", "TOKENS", "Most that a trade gives, in whole tokens.")
    ] = None,
    min_amount: Annotated[
        str | None, _option("--min-amount", "TOKENS", "Least that a trade gives; half of the most unless given.")
    ] = None,
    drawdown_limit: Annotated[
        str | None,
        _option("--drawdown-limit", "TOKENS", "Loss since the best point so far, after which nothing opens."),
    ] = None,
    cooldown: Annotated[
        str | None, _option("--cooldown", "TIME", "Between a trade's end and the next; 5m unless given.")
    ] = None,
    max_signal_age: Annotated[
        str | None, _option("--max-signal-age", "TIME", "Since the close of a signal's bar; 10m unless given.")
    ] = None,
    ramp: Annotated[
        str | None,
        _option("--ramp", "TIME", "Over which slippage grows to its most after the bar; 0 unless given."),
    ] = None,
    max_price_age: Annotated[
        str | None, _option("--max-price-age", "TIME", "Since the oracle's last update; 1h unless given.")
    ] = None,
    min_price: Annotated[
        str | None, _option("--min-price", "PRICE", "Lowest price to open at, in whole tokens; none unless given.")
    ] = None,
    max_price: Annotated[
        str | None, _option("--max-price", "PRICE", "Highest price to open at; none unless given.")
    ] = None,
    filler: Annotated[
        str | None, _option("--filler", "ADDRESS", "The only account to trade with; anyone unless given.")
    ] = None,
    expiry: Annotated[
        str | None, _option("--expiry", "WHEN", "After which nothing opens: 2030-01-31, 2030-01-31T12:00Z or 30d.")
    ] = None,
    salt: Annotated[
        str | None, _option("--salt", "HEX", "Tells equal mandates apart: 32 bytes, random unless given.")
    ] = None,
    base_decimals: Annotated[
        int | None,
        typer.Option(
            "--base-decimals",
            metavar="N",
            min=0,
            max=77,
            help="Of the base token, where no node can be asked.",
            show_default=False,
        ),
    ] = None,
    quote_decimals: Annotated[
        int | None,
        typer.Option(
            "--quote-decimals",
            metavar="N",
            min=0,
            max=77,
            help="Of the quote token, where no node can be asked.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write a mandate, and what its owner's wallet signs, into a file.

    On a terminal it asks for what is needed and not given; elsewhere it refuses. Amounts and prices are in whole tokens, ratios in
    basis points, times like 45s, 10m, 12h or 30d. The contract judges the mandate before anything is written.
    """
    from agent.cli.mandate_making import Wish, make  # here, for it takes a second that `--help` should not wait

    given = {
        "--owner": owner,
        "--side": side,
        "--patterns": patterns,
        "--model-id": model_id,
        "--confidence": confidence,
        "--take-profit": take_profit,
        "--stop-loss": stop_loss,
        "--horizon": horizon,
        "--slippage": slippage,
        "--max-amount": max_amount,
        "--min-amount": min_amount,
        "--drawdown-limit": drawdown_limit,
        "--cooldown": cooldown,
        "--max-signal-age": max_signal_age,
        "--ramp": ramp,
        "--max-price-age": max_price_age,
        "--min-price": min_price,
        "--max-price": max_price,
        "--filler": filler,
        "--expiry": expiry,
        "--salt": salt,
    }
    make(
        Wish(
            out=out,
            deployment=deployment,
            rpc=rpc,
            model=model,
            publisher=publisher,
            model_key=model_key,
            base_decimals=base_decimals,
            quote_decimals=quote_decimals,
            given={option: text for option, text in given.items() if text is not None},
            json=json,
        )
    )


def show(file: FileArgument, json: JsonOption = False) -> None:
    """Explain a mandate in plain sentences; no chain is needed."""
    from agent.cli.mandate_looking import explain

    explain(file, json=json)


def check(file: FileArgument, rpc: NodeOption = NODE, json: JsonOption = False) -> None:
    """Tell how a mandate stands on its chain, and what it waits for."""
    from agent.cli.mandate_looking import look

    look(file, rpc, json=json)


def lodge(
    file: FileArgument,
    rpc: NodeOption = NODE,
    signature: Annotated[
        str | None,
        _option("--signature", "HEX", "The owner's, of the typed data; then anybody may send it."),
    ] = None,
    key_file: KeyOption = None,
    json: JsonOption = False,
) -> None:
    """Lodge a mandate, with its owner's key or its owner's signature."""
    from agent.cli.mandate_sending import lodge as send

    send(file, rpc, signature=signature, key_file=key_file, json=json)


def release(
    file: FileArgument, rpc: NodeOption = NODE, key_file: KeyOption = None, json: JsonOption = False
) -> None:
    """End the open trade and give its owner what it holds.

    That goes to the owner's ledger balance. It needs no oracle, no filler and nobody's leave. The mandate may open another trade: who means to leave cancels it first.
    """
    from agent.cli.mandate_sending import release as send

    send(file, rpc, key_file=key_file, json=json)


def cancel(
    file: FileArgument, rpc: NodeOption = NODE, key_file: KeyOption = None, json: JsonOption = False
) -> None:
    """Cancel a mandate for good: nothing opens any more.

    An open trade stays open until a barrier closes it or its owner releases it. One that was not lodged yet can never be.
    """
    from agent.cli.mandate_sending import cancel as send

    send(file, rpc, key_file=key_file, json=json)


for command in (new, show, check, lodge, release, cancel):
    mandate.command()(kept_for_results()(places_judged(command)))
