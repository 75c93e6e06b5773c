"""`patternsettle models`: which models can be asked for by name, and what each is for."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from agent.cli.options import JsonOption
from agent.cli.output import show, show_json
from agent.model.named import DEFAULT, MODELS, NamedModel


def models(json: JsonOption = False) -> None:
    """List the models that have a name, and what each is for.

    Whichever command takes a --model takes these names, and your own as MODULE:FACTORY.
    """
    if json:
        show_json({"models": [_document(model) for model in MODELS]})
    else:
        show(_table())


def _document(model: NamedModel) -> dict[str, object]:
    return {
        "name": model.name,
        "purpose": model.purpose,
        "default": model is DEFAULT,
        "extra": model.extra,
        "available": model.available,
    }


def _table() -> Group:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for model in MODELS:
        table.add_row(model.name, _told(model))
    return Group(
        table,
        Text(),
        Text("Your own is MODULE:FACTORY; patternsettle new-model NAME writes one to begin with."),
        Text("A saved one is its folder or .psm file, or an .onnx file with its manifest beside it."),
    )


def _told(model: NamedModel) -> Text:
    if model.available:
        return Text(model.purpose)
    return Text.assemble(model.purpose, "\n", (f"Needs: {model.cure}", "yellow"))
