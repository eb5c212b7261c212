"""Every setting of pfmm in one table: its name, kind, range, default and meaning, and the typed sections built from it.

Pure: knows no file, no environment and no command line; those hand raw values in and get checked ones back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

Kind = Literal["text", "integer", "number", "decimal", "flag", "choice", "account", "url", "variable", "path", "words"]

MAX_DIGITS: Final = 30
MAX_EXPONENT: Final = 18
NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

# patterns, not compiled ones: most commands never match one, and `re` caches those that do
_NUMBER = r"(?a)[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?"
_WHOLE = r"(?a)[+-]?\d{1,18}"
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `minimum` and `maximum` are inclusive unless `open_minimum`; a default of None means optional."""

    name: str
    kind: Kind
    default: Any
    help: str
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    open_minimum: bool = False
    choices: tuple[str, ...] = ()

    @property
    def secret(self) -> bool:
        """True where a careless user may have typed the key itself: the value never appears in a message."""
        return self.name.startswith("secret.")


class Section:
    """A frozen group of settings, declared by annotations alone.

    Frozen by hand: a frozen dataclass with slots costs about a millisecond each to define, and every command
    defines all of these.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        for name in type(self).__annotations__:
            object.__setattr__(self, name, values[name])

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: cannot set {name} to {value!r}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({inside})"


class SecretSource(Section):
    """Where the key comes from; at most one is set. Never the key itself."""

    env: str | None
    file: str | None
    command: tuple[str, ...] | None
    keyring: str | None


class RunSettings(Section):
    """How a loop runs and when it stops; USD, seconds."""

    interval_s: float
    on_exit: str
    on_restart: str
    max_inventory_usd: Decimal
    max_loss_usd: Decimal | None
    dead_man_s: int
    stale_after_s: float


class GridSettings(Section):
    """The grid: prices in USD per base unit, size in USD a line."""

    levels: int
    size_usd: Decimal
    spacing: str
    lower: Decimal | None
    upper: Decimal | None
    on_breakout: str
    range_pct: Decimal | None


class QuoteSettings(Section):
    """The two-sided quote: gamma in 1/USD, kappa per bp of mid, sigma annualised in percent, sizes in USD."""

    model: str
    gamma: float
    kappa_per_bp: float
    intensity_per_s: float
    sigma_annual_pct: float
    horizon_s: float
    half_spread_bps: float
    min_spread_bps: float
    size_usd: Decimal
    fair: str
    tolerance_bps: float
    size_tolerance: float
    drift_bps: float
    min_order_age_s: float
    on_limit: str
    calibrate: bool


class LadderSettings(Section):
    """The multi-level quote: offsets in bps of mid, size of the first level in USD."""

    levels: int
    spacing_bps: float
    size_usd: Decimal
    growth: float
    threshold_bps: float


class FundingSettings(Section):
    """The funding rule: bps per 8 h, tilt as a fraction of the inventory limit."""

    min_bps: float
    tilt_max: float


class VolatilitySettings(Section):
    """Samples of the quotes' estimator; and what a grid's own range follows from where no trades tell the volatility, a
    fraction a year (0.5 = 50 %). Quotes have quote.sigma_annual_pct for that."""

    window: int
    default: float


class FlattenSettings(Section):
    """The emergency path: bps past the best price, seconds in all."""

    max_slippage_bps: Decimal
    timeout_s: float


def _choice(name: str, default: str, choices: tuple[str, ...], text: str) -> Setting:
    return Setting(name, "choice", default, text, choices=choices)


def _positive(name: str, kind: Kind, default: Any, maximum: str, text: str) -> Setting:
    return Setting(name, kind, default, text, Decimal(0), Decimal(maximum), open_minimum=True)


def _between(name: str, kind: Kind, default: Any, limits: tuple[str, str], text: str) -> Setting:
    return Setting(name, kind, default, text, Decimal(limits[0]), Decimal(limits[1]))


_MOST_USD: Final = "1000000000"
_SETTINGS: Final = (
    _choice("venue", "paper", ("paper", "purpleflea"), "where orders go"),
    Setting("account", "account", "default", "account on the venue"),
    Setting("base_url", "url", "", "address of the venue; empty = its own (paper: in this process)"),
    Setting("secret.env", "variable", None, "name of the environment variable that holds the key"),
    Setting("secret.file", "path", None, "file that holds the key, mode 0600"),
    Setting("secret.command", "words", None, "command that prints the key"),
    Setting("secret.keyring", "text", None, "service name in the OS keyring (extra: keyring)"),
    _positive("run.interval_s", "number", 3.0, "86400", "seconds between cycles"),
    _choice("run.on_exit", "cancel", ("cancel", "keep", "flatten"), "orders when a loop ends"),
    _choice("run.on_restart", "adopt", ("adopt", "cancel", "abort"), "orders that an earlier run left"),
    _positive("run.max_inventory_usd", "decimal", Decimal(500), _MOST_USD, "limit of the net position, USD"),
    _positive("run.max_loss_usd", "decimal", None, _MOST_USD, "loss of a run that stops it, USD"),
    _between("run.dead_man_s", "integer", 60, ("0", "86400"), "venue's dead-man switch, seconds; 0 = off"),
    _positive("run.stale_after_s", "number", 15.0, "3600", "age of market data that is too old to act on, seconds"),
    _between("grid.levels", "integer", 10, ("2", "500"), "number of steps between lower and upper"),
    _positive("grid.size_usd", "decimal", Decimal(20), _MOST_USD, "size of each order, USD"),
    _choice("grid.spacing", "arithmetic", ("arithmetic", "geometric"), "equal steps in price or in percent"),
    _positive("grid.lower", "decimal", None, _MOST_USD, "lowest line, USD; unset = from volatility"),
    _positive("grid.upper", "decimal", None, _MOST_USD, "highest line, USD; unset = from volatility"),
    _choice("grid.on_breakout", "hold", ("hold", "flatten", "trail"), "what to do beyond the range"),
    _positive("grid.range_pct", "decimal", None, "90", "half-width of the range in percent of mid"),
    _choice("quote.model", "glft", ("glft", "as", "fixed"), "spread model"),
    _positive("quote.gamma", "number", 0.05, "1000000", "risk aversion, 1/USD"),
    _positive("quote.kappa_per_bp", "number", 0.5, "1000000", "decay of fill intensity per bp of mid"),
    _positive("quote.intensity_per_s", "number", 1.0, "1000000", "fill intensity at the mid, per second"),
    _positive("quote.sigma_annual_pct", "number", 50.0, "100000", "volatility where none is measured, % a year"),
    _positive("quote.horizon_s", "number", 300.0, "31536000", "rolling horizon, seconds"),
    _positive("quote.half_spread_bps", "number", 8.0, "5000", "half-spread of the fixed model, bps"),
    _between("quote.min_spread_bps", "number", 1.0, ("0", "5000"), "least full spread, bps"),
    _positive("quote.size_usd", "decimal", Decimal(50), _MOST_USD, "size of each side, USD"),
    _choice("quote.fair", "mid", ("mid", "microprice"), "fair price"),
    _between("quote.tolerance_bps", "number", 2.0, ("0", "5000"), "price change that leaves an order alone, bps"),
    _between("quote.size_tolerance", "number", 0.2, ("0", "1"), "size change that leaves an order alone, fraction"),
    _between("quote.drift_bps", "number", 5.0, ("0", "5000"), "drift of the mid that moves the quotes, bps"),
    _between("quote.min_order_age_s", "number", 0.0, ("0", "86400"), "age before a safe order may move, seconds"),
    _choice("quote.on_limit", "reduce", ("reduce", "pause"), "what to quote at 90 % of the limit"),
    Setting("quote.calibrate", "flag", default=True, help="fit kappa and intensity to the trades seen"),
    _between("ladder.levels", "integer", 5, ("1", "50"), "orders on each side"),
    _positive("ladder.spacing_bps", "number", 10.0, "1000", "distance between levels, bps"),
    _positive("ladder.size_usd", "decimal", Decimal(50), _MOST_USD, "size of the first level, USD"),
    _between("ladder.growth", "number", 0.5, ("0", "10"), "growth of size per level, fraction"),
    _between("ladder.threshold_bps", "number", 5.0, ("0", "5000"), "drift of the mid that moves the ladder, bps"),
    _between("funding.min_bps", "number", 3.0, ("0", "10000"), "8 h rate below which funding is neutral, bps"),
    _between("funding.tilt_max", "number", 0.25, ("0", "1"), "most inventory that funding may ask for, of the limit"),
    _between("volatility.window", "integer", 20, ("3", "100000"), "samples of the estimator"),
    _positive("volatility.default", "number", 0.5, "1000", "annual volatility for a grid's range if none is seen"),
    _positive("flatten.max_slippage_bps", "decimal", Decimal(50), "5000", "furthest from the best price, bps"),
    _positive("flatten.timeout_s", "number", 30.0, "3600", "time to prove flatness, seconds"),
)
SCHEMA: Final[Mapping[str, Setting]] = {setting.name: setting for setting in _SETTINGS}
SECTIONS: Final = tuple(dict.fromkeys(name.split(".")[0] for name in SCHEMA if "." in name))
MARKET_SECTIONS: Final = tuple(section for section in SECTIONS if section not in {"secret", "flatten"})
# one process may run many markets, and has one of each of these
_OF_THE_PROCESS: Final = frozenset({"run.interval_s", "run.on_exit", "run.on_restart", "run.dead_man_s"})
SECRET_WORDS: Final = frozenset({"value", "key", "api_key", "secret", "token", "password"})


def differs_by_market(name: str) -> bool:
    """True where a market's own section may hold the setting."""
    return name.partition(".")[0] in MARKET_SECTIONS and name not in _OF_THE_PROCESS


def is_key(name: str) -> bool:
    """True where `name` can only be meant to hold a key itself, which no setting does."""
    return name.rpartition(".")[2].lower() in SECRET_WORDS


def describe_range(setting: Setting) -> str:
    """What the setting accepts, for help and messages: `2 to 500`, `above 0, at most 3600`, `hold | flatten`."""
    if setting.choices:
        return " | ".join(setting.choices)
    if setting.minimum is not None and setting.maximum is not None:
        high = format(setting.maximum, "f")
        return f"above {setting.minimum}, at most {high}" if setting.open_minimum else f"{setting.minimum} to {high}"
    return {"flag": "true | false", "words": "a command and its arguments", "account": "a name"}.get(
        setting.kind, "text"
    )


def nearest(name: str, known: Mapping[str, object] | tuple[str, ...], cutoff: float = 0.6) -> str | None:
    """The known name that looks most like `name`, or None: grid.levls → grid.levels."""
    import difflib

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def plain_market(market: str) -> str:
    """One spelling for a market's own section: btc, BTC and BTC-PERP are all BTC."""
    return market.strip().upper().removesuffix("-PERP")


def parse_decimal(text: str) -> Decimal:
    """A finite plain decimal from text: "1.5" → 1.5. Raises ValueError for NaN, infinity and absurd sizes."""
    if not re.fullmatch(_NUMBER, text):
        raise ValueError(f"must be a number, not {text!r}")
    try:
        value = Decimal(text)
    except InvalidOperation as error:  # an exponent that the decimal module itself refuses
        raise ValueError(f"must be a number, not {text!r}") from error
    if len(value.as_tuple().digits) > MAX_DIGITS or abs(value.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"must be a number of a sane size, not {text}")
    return value


def parse_integer(text: str) -> int:
    """A whole number from text. Raises ValueError for anything else."""
    if not re.fullmatch(_WHOLE, text):
        raise ValueError(f"must be a whole number, not {text!r}")
    return int(text)


def from_text(setting: Setting, text: str) -> Any:
    """The value of a setting typed by a person (a flag, the environment). Raises ValueError naming it."""
    if setting.kind == "flag":
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError(f"{setting.name} must be true or false, not {text!r}")
        return word in _TRUE
    if setting.kind == "words":
        import shlex

        try:
            text.encode()  # a command line may hold bytes that are no text, a config file may not
            return from_value(setting, shlex.split(text))
        except ValueError as error:
            raise ValueError(f"{setting.name} must be a command and its arguments") from error
    if setting.kind in {"integer", "number", "decimal"}:
        try:
            value = parse_integer(text) if setting.kind == "integer" else parse_decimal(text)
        except ValueError as error:
            raise ValueError(f"{setting.name} {error}") from None
        return from_value(setting, value)
    return from_value(setting, text)


def from_value(setting: Setting, raw: Any) -> Any:
    """The checked value of a setting given as int, Decimal, float, bool, str or list. Raises ValueError naming it."""
    if setting.kind in {"integer", "number", "decimal"}:
        return _number(setting, raw)
    if setting.kind == "flag":
        if not isinstance(raw, bool):
            raise ValueError(f"{setting.name} must be true or false, not {raw!r}")
        return raw
    if setting.kind == "words":
        if not isinstance(raw, (list, tuple)) or not raw or not all(isinstance(word, str) and word for word in raw):
            raise ValueError(f"{setting.name} must be a list of words")
        return tuple(raw)
    return _text(setting, raw)


def _number(setting: Setting, raw: Any) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, Decimal)):
        raise ValueError(f"{setting.name} must be a number, not {raw!r}")
    value = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
    if not value.is_finite():
        raise ValueError(f"{setting.name} must be finite, not {raw}")
    low, high = setting.minimum, setting.maximum
    too_low = low is not None and (value <= low if setting.open_minimum else value < low)
    if too_low or (high is not None and value > high):
        raise ValueError(f"{setting.name} must be {describe_range(setting)}, not {raw}")
    if setting.kind == "decimal":
        return value
    if setting.kind == "number":
        return float(value)
    if value != value.to_integral_value():
        raise ValueError(f"{setting.name} must be a whole number, not {raw}")
    return int(value)


def _text(setting: Setting, raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"{setting.name} must be text{'' if setting.secret else f', not {raw!r}'}")
    if not raw.isprintable():
        raise ValueError(f"{setting.name} must not hold control characters")
    if setting.kind == "choice" and raw not in setting.choices:
        guess = nearest(raw, setting.choices)
        raise ValueError(
            f"{setting.name} must be {describe_range(setting)}, not {raw!r}"
            + (f" (did you mean {guess}?)" if guess else "")
        )
    if setting.kind == "account" and not re.fullmatch(NAME_PATTERN, raw):
        raise ValueError(f"{setting.name} must be letters, digits, dot, dash or underscore, not {raw!r}")
    if setting.kind == "variable" and (not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", raw) or raw.startswith("sk_")):
        raise ValueError(f"{setting.name} must be the NAME of an environment variable, not a key")
    if setting.kind == "url":
        return _url(setting.name, raw)
    if setting.secret and not raw:
        raise ValueError(f"{setting.name} must not be empty")
    return raw


def _url(name: str, text: str) -> str:
    if not text:
        return text
    from urllib.parse import urlsplit

    # what stands before an @ or behind a ? may be a password or a key, and messages go to logs
    private = any(mark in text for mark in "@?#")
    shown = " without user name, query and fragment" if private else f", not {text!r}"

    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{name} must be an http(s) address{shown}" + ("" if private else f": {error}")) from error
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{name} must not hold a user name or a password")
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise ValueError(f"{name} must be an http(s) address{shown}")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError(f"{name} must use https, except on this machine: {text!r} would send the key in clear")
    return text.rstrip("/")
