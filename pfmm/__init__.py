"""pfmm: a command-line market-making toolkit for perpetual futures."""

__version__ = "0.1.0"
