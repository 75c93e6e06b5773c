"""A swap that is known from the start: at one bar of a replay, so that the same command shows the same again."""

from __future__ import annotations

from collections.abc import Iterator

from agent.desk.swap.request import Request, What
from agent.model.trained import TrainedModel


class Planned:
    """Asks for a model once a run has decided on so many bars.

    Parameters
    ----------
    after
        How many.
    model
        The model.
    """

    def __init__(self, after: int, model: TrainedModel) -> None:
        self._after = after
        self._model: TrainedModel | None = model

    def requests(self, *, decided: int, busy: bool) -> Iterator[Request]:
        """Yield the request when it is due; as in `Source.requests`."""
        if self._model is not None and decided >= self._after:
            model, self._model = self._model, None
            yield Request(
                id="planned",
                what=What.SWAP,
                by="plan",
                place=model.manifest.name,
                model=model,
                expected=model.id,
            )
