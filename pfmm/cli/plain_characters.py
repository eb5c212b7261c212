"""ASCII for terminals that can show no other characters: words and figures, never escapes or question marks.

Layer: cli. Imports next to nothing: every command asks it.
"""

from __future__ import annotations

import codecs

TYPE_CHECKING = False
if TYPE_CHECKING:  # spelled so, since `typing` alone would double the time of --help
    from collections.abc import Mapping

HANDLER = "pfmm-plain"
_WORDS = {
    "±": "+/-", "−": "-", "–": "-", "—": "-", "…": "...", "→": "->", "←": "<-", "·": "*", "×": "x", "≤": "<=",
    "≥": ">=", "≈": "~", "≠": "!=", "²": "^2", "³": "^3", "½": "1/2", "√": "sqrt", "∞": "inf", "Σ": "Sum",
    "Δ": "delta", "σ": "sigma", "κ": "kappa", "γ": "gamma", "δ": "delta", "λ": "lambda", "μ": "mu", "µ": "u",
    "τ": "tau", "α": "alpha", "β": "beta", "φ": "phi", "π": "pi", "ε": "epsilon", "η": "eta", "ρ": "rho",
    "θ": "theta", "ν": "nu", "ω": "omega", "▁": "_", "▂": "_", "▃": ".", "▄": "-", "▅": "-", "▆": "=", "▇": "#",
    "█": "#", "‘": "'", "’": "'", "“": '"', "”": '"', "│": "|", "─": "-", "\u00a0": " ", "\u202f": " ",
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "⁴": "^4", "₁": "_1",
    "₂": "_2", "∓": "-/+", "€": "EUR", "£": "GBP", "ζ": "zeta", "ξ": "xi", "└": "+", "├": "+", "┤": "+", "░": ".",
    "▒": ":", "▓": "#", "▲": "^", "▽": "v", "÷": "/",
}  # fmt: skip


def plain_locale(environ: Mapping[str, str]) -> bool:
    """Tell whether the environment names the locale C or POSIX. LC_CTYPE=C.UTF-8 beside LANG=C is Python's own
    doing."""
    if environ.get("LC_ALL"):
        return _plain(environ["LC_ALL"])
    ctype, language = environ.get("LC_CTYPE", ""), environ.get("LANG", "")
    if ctype and ctype != "C.UTF-8":
        return _plain(ctype)
    return _plain(language)


def _plain(name: str) -> bool:
    return name in {"C", "POSIX"}


def register() -> None:
    """Make `errors=HANDLER` known to every stream."""
    codecs.register_error(HANDLER, _replaced)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for the characters that could not be encoded, escaped where nothing does, and where they
    end."""
    assert isinstance(error, UnicodeEncodeError)
    found = error.object[error.start : error.end]
    words = [_WORDS.get(one) or one.encode("ascii", "backslashreplace").decode() for one in found]
    joined = words[0]
    for before, one, word in zip(found, found[1:], words[1:], strict=False):
        product = _greek(one) and (_greek(before) or before in "²³")  # κδ is kappa*delta
        joined += "*" + word if product else word
    if found[-1] == "√" and error.object[error.end : error.end + 1].isalpha():
        joined += " "
    return joined, error.end


def _greek(letter: str) -> bool:
    return "Α" <= letter <= "ω"
