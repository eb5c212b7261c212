"""The colours of the live screens, each readable on black and on white; they repeat what words and signs say.

A terminal of sixteen colours shows the nearest of its own. Layer: cli.
"""

from __future__ import annotations

from typing import Final

GOOD: Final = "color(28)"  # a buy, a gain, all is well
BAD: Final = "color(160)"  # a sell, a loss
NOTE: Final = "color(163)"  # something to read
