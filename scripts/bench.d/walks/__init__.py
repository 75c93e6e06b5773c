"""Series in which nothing is to be found, each with a fault that real prices have."""
