"""Watching where a model is saved: when what lies there has become another model, and is whole, it is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.desk.swap.request import Request, What
from agent.errors import ArtifactError
from agent.model.artifact import identify

PATIENCE_SECONDS = 10.0  # without any change, after which what cannot be read is damaged and not half-written

_Look = tuple[tuple[str, int, int, int], ...]


class Watched:
    """Looks at a saved model, and asks for it when it has become another one.

    A look costs a listing of its folder; only what has changed is read. What is not whole is looked at again at each
    change, and asked for after `PATIENCE_SECONDS` without one all the same, so that it is refused with its reason.

    Parameters
    ----------
    place
        The model's folder, or its file where it is one.
    seen
        Hash of the artifact that the run began with.
    trusted
        Types that a model may hold beside those known to be safe.
    clock
        Tells seconds.
    """

    def __init__(
        self,
        place: Path,
        *,
        seen: str,
        trusted: tuple[str, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self._seen = seen
        self._trusted = trusted
        self._clock = clock
        self._done: _Look | None = None
        self._last: _Look | None = None
        self._since = 0.0
        self._asked = 0

    def requests(self, *, decided: int, busy: bool) -> Iterator[Request]:
        """Yield a request where there is another model, unless a swap is under way; as in `Source.requests`."""
        if busy or (look := self._look()) == self._done:
            return
        if changed := look != self._last:
            self._last, self._since = look, self._clock()
        waited = self._clock() - self._since >= PATIENCE_SECONDS
        if not (changed or waited):
            return
        try:
            found = identify(self._place)
        except ArtifactError:
            if not waited:
                return
            found = ""  # whoever loads it says what is wrong with it
        self._done = look
        if found == self._seen:
            return
        self._seen = found or self._seen
        self._asked += 1
        yield Request(
            id=f"watch-{self._asked}",
            what=What.SWAP,
            by="watch",
            place=str(self._place),
            expected=found,
            trusted=self._trusted,
        )

    def _look(self) -> _Look:
        """What can be seen of the files without reading them; nothing where there are none at this moment."""
        try:
            found = []
            for path in sorted(self._place.iterdir()) if self._place.is_dir() else [self._place]:
                about = path.stat()
                found.append((path.name, about.st_size, about.st_mtime_ns, about.st_ino))
            return tuple(found)
        except OSError:  # being replaced just now: the next look tells
            return ()
