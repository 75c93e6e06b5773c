"""Decisions, signals, the loop that runs them, and its journal and report."""
