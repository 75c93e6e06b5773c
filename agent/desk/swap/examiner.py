"""The process in which a model is examined while the desk trades: prints one JSON document, and ends."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from agent.errors import PatternSettleError
from agent.model.artifact import load
from agent.model.conformity import check_model


def report(place: str, trusted: Sequence[str]) -> dict[str, Any]:
    """Return what there is to say of the model in a folder: its id and its checks, or why it is none."""
    try:
        model = load(place, trusted=trusted)
        return {"model": model.id, "conformity": check_model(model, trusted=trusted).to_json()}
    except PatternSettleError as error:
        return {"refused": str(error)}


def main() -> None:
    """Examine the model that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place")
    parser.add_argument("--trust", action="append", default=[])
    asked = parser.parse_args()
    print(json.dumps(report(asked.place, asked.trust)))


if __name__ == "__main__":
    main()
