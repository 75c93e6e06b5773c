"""What a sweep does unless told otherwise; nothing heavy is loaded here."""

__all__ = ["LEAST_PATIENCE", "MOST_PATIENCE", "PATIENCE", "TOP"]

TOP = 10
"""Points put to the permutation test."""

PATIENCE = 10.0
"""Seconds to wait for a cluster's scheduler to answer, and for a worker of it to be there."""

LEAST_PATIENCE = 0.1
"""Seconds, in which one on this machine just answers."""

MOST_PATIENCE = 86_400.0
"""Seconds, a day; no timer counts for ever."""
