"""What `scripts/bench gas` measures, whom it measures beside it, and how that is told and kept."""
