"""A sweep: models with many parameters on many markets, each point tried as an evaluation would, all judged together."""
