"""patternsettle: patterns found by a model, trades settled by a contract, everything traceable."""

__version__ = "0.1.0"
