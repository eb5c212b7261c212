"""Counter-based noise: random numbers as a function of a key and a counter, with no generator to carry along.

Pure integer arithmetic, so that every process and every machine draws the same numbers. Layer: paper.
"""

from __future__ import annotations

MASK = 0xFFFF_FFFF_FFFF_FFFF
GOLDEN = 0x9E37_79B9_7F4A_7C15  # the odd number nearest to 2^64 / golden ratio: counters land far apart
FIRST = 0xBF58_476D_1CE4_E5B9
SECOND = 0x94D0_49BB_1331_11EB

BELL_CENTRE = 131_070  # mean of the sum of four 16-bit uniforms: 4 * 65535 / 2
BELL_SD = 37_837.22  # its standard deviation: sqrt(4 * (65536^2 - 1) / 12)
BELL_BOUND = BELL_CENTRE / BELL_SD  # 3.464: a bell draw never exceeds it


def draw(key: int, counter: int) -> int:
    """Draw 64 random bits for `counter` in stream `key` (splitmix64: its state after `counter` steps, finalised)."""
    bits = (key + counter * GOLDEN) & MASK
    bits = ((bits ^ (bits >> 30)) * FIRST) & MASK
    bits = ((bits ^ (bits >> 27)) * SECOND) & MASK
    return bits ^ (bits >> 31)


def stream_key(seed: int, name: str) -> int:
    """Make a key for the stream `name` under `seed`: the bytes of the name folded through `draw` one by one."""
    key = draw(seed & MASK, 0)
    for byte in name.encode():
        key = draw(key, byte + 1)
    return key


def bell(bits: int) -> float:
    """Turn 64 bits into a draw of mean 0, deviation 1, near normal and bounded by 3.464 (four uniforms summed)."""
    total = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return (total - BELL_CENTRE) / BELL_SD
