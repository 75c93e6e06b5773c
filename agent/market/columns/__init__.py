"""Which column of a table is which: by its name, by what is in it, or as the caller says."""
