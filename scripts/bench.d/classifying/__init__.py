"""What the measurement of the classifiers stands on: how each is made, how one is tried, and how the table is written."""
