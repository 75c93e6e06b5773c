"""`patternsettle swap`: put another model to work while a desk runs, or go back to the one before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.choice import RequestsOption, TrustOption
from agent.cli.options import JsonOption
from agent.cli.run import JOURNAL
from agent.desk.swap.request import MOST_SHADOW_BARS


def swap(
    model: Annotated[
        Path | None,
        typer.Argument(metavar="MODEL", help="A saved model to put to work.", show_default=False),
    ] = None,
    back: Annotated[
        bool, typer.Option("--back", help="Go back to the model before, or end a swap that is under way.")
    ] = False,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="With --back: revoke the model that is left, for good.")
    ] = False,
    agree: Annotated[
        list[str] | None,
        typer.Option(
            "--agree",
            metavar="OWNER",
            help="An owner, by number or address, who agrees to be moved; can be repeated.",
            show_default=False,
        ),
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Show what became of each request.")] = False,
    shadow: Annotated[
        int | None,
        typer.Option(
            "--shadow-bars",
            metavar="N",
            min=0,
            max=MOST_SHADOW_BARS,
            help="Bars to hear the model in the shadow of the live one (as many as the run says, unless given).",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the model is live, not only until it is heard.")
    ] = False,
    trust: TrustOption = None,
    journal: Annotated[
        str, typer.Option("--journal", metavar="PLACE", help="Journal of the desk: a file, or a PostgreSQL URL.")
    ] = JOURNAL,
    requests: RequestsOption = None,
    json: JsonOption = False,
) -> None:
    """Swap the model of a desk that runs, between two of its bars.

    The desk that writes to the journal checks the model, registers it under a key of its own, hears it in the shadow of the
    live one, and then lets it decide. Owners who did not agree stay with the model that their mandates name; open trades
    keep their barriers. Of the two owners of a desk, the first agrees beforehand.
    """
    from agent.cli.swapping import Wish, carry_out  # here, for it takes longer than `--help` should

    carry_out(
        Wish(
            model=model,
            back=back,
            revoke=revoke,
            agree=tuple(agree or ()),
            status=status,
            shadow=shadow,
            wait=wait,
            trust=tuple(trust or ()),
            journal=journal,
            requests=requests,
            json=json,
        )
    )
