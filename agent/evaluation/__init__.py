"""Whether a model is any good: tried on bars it has not seen, with costs, beside baselines and luck."""
