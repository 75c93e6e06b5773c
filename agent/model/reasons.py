"""What another library said, made fit to end a sentence of ours."""

from __future__ import annotations

__all__ = ["reason"]


def reason(error: BaseException) -> str:
    """Return an error's message on one line and without its full stop; its type where it says nothing."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
