"""`python -m agent`, and the command `patternsettle`: whoever ends it while it still begins is told so in one line."""

from __future__ import annotations

import atexit
import os
import signal
from types import FrameType


def _leave(number: int, frame: FrameType | None) -> None:
    # Not raised: half of what is being imported would make something else of it. And there is nothing to tidy yet.
    os.write(2, b"patternsettle: interrupted.\n")
    os._exit(128 + number)


def main() -> None:
    """Run the command line."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from agent.cli import main as run  # here, for it takes most of a second
    from agent.cli.stopping import ignore_from_here_on, leave_at_once

    # What is registered first runs last, after what libraries tidy up.
    atexit.register(ignore_from_here_on)
    signal.signal(signal.SIGINT, before)
    try:
        run()
    except SystemExit as end:
        leave_at_once(end.code)
        raise


if __name__ == "__main__":
    main()
