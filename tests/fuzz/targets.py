"""What is fuzzed: each target takes any bytes, and lets pass only errors of the project's own tree.

`seeds` are valid inputs to begin from. The first byte of an input chooses among the readers of a target.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from pfmm import assertions
from pfmm.config import resolve
from pfmm.errors import PfmmError
from pfmm.model import numbers, units
from pfmm.venue import purpleflea_json as own
from pfmm.venue import wire
from pfmm.venue.hyperliquid import reads
from pfmm.venue.wire import Record

MARKET = "BTC-PERP"
NAMES = ["data.csv", "data.json", "data.jsonl", "data.csv.gz", "data.zip", "data.parquet", "data.feather", "data.npz"]


class Target(NamedTuple):
    """One thing that reads what others wrote, and inputs that it accepts."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]


def _chosen(data: bytes, readers: Sequence[Any]) -> tuple[Any, bytes]:
    return (readers[data[0] % len(readers)], data[1:]) if data else (readers[0], b"")


def _rows(found: object, where: str) -> list[Record]:
    return [Record(one, where) for one in found] if isinstance(found, list) else [Record(found, where)]


ANSWERS: list[Callable[[object], object]] = [
    lambda found: own.venue_time(Record(found, "time")),
    lambda found: own.instrument(Record(found, "market")),
    lambda found: own.ticker(Record(found, "ticker"), asked=MARKET, observed_ms=1_760_000_000_000),
    lambda found: own.book(Record(found, "book"), MARKET),
    lambda found: own.trades(Record(found, "trades"), MARKET),
    lambda found: own.funding_rates(Record(found, "funding"), MARKET),
    lambda found: own.mids(Record(found, "mids"), MARKET),
    lambda found: reads.listings(Record(found, "meta")),
    lambda found: [reads.context(one) for one in _rows(found, "contexts")],
    lambda found: reads.book(Record(found, "l2Book"), "BTC"),
    lambda found: [reads.trade(one) for one in _rows(found, "trades")],
    lambda found: reads.candles(_rows(found, "candles")),
    lambda found: reads.funding_rates(_rows(found, "fundingHistory")),
    lambda found: [reads.open_order(one) for one in _rows(found, "openOrders")],
    lambda found: reads.order_status(Record(found, "orderStatus")),
    lambda found: reads.fills(_rows(found, "userFills")),
    lambda found: [reads.funding_payment(one) for one in _rows(found, "userFunding")],
    lambda found: reads.positions(Record(found, "clearinghouseState")),
    lambda found: reads.account(_rows(found, "clearinghouseState"), "0x" + "0" * 40),
]


def venue_answers(data: bytes) -> None:
    """An answer of a venue, as JSON and then as what was asked for."""
    reader, body = _chosen(data, ANSWERS)
    with suppress(PfmmError):
        reader(wire.parse(body, "fuzz"))


def answer_seeds() -> list[bytes]:
    """A small answer of each kind."""
    book = {"coin": "BTC", "time": 1, "levels": [[{"px": "1", "sz": "2", "n": 1}], [{"px": "3", "sz": "2", "n": 1}]]}
    trade = {
        "coin": "BTC",
        "side": "A",
        "px": "1.5",
        "sz": "2",
        "time": 1,
        "hash": "0x1",
        "tid": 7,
        "users": ["a", "b"],
    }
    candle = {"t": 1, "T": 2, "s": "BTC", "i": "1m", "o": "1", "c": "1", "h": "1", "l": "1", "v": "3", "n": 4}
    order = {"coin": "BTC", "side": "B", "limitPx": "1", "sz": "1", "origSz": "1", "oid": 3, "timestamp": 5}
    fill = {**trade, "oid": 3, "startPosition": "0", "dir": "Open Long", "closedPnl": "0", "fee": "0", "crossed": True}
    margin = {"accountValue": "1", "totalNtlPos": "0", "totalRawUsd": "1", "totalMarginUsed": "0"}
    state = {
        "assetPositions": [],
        "marginSummary": margin,
        "crossMarginSummary": margin,
        "withdrawable": "1",
        "time": 1,
    }
    ticker = {"market": MARKET, "bid": 1.5, "ask": 2.5, "mark": 2, "index": 2, "funding_rate_8h": 0.0001, "time_ms": 1}
    shapes: list[object] = [
        {"time_ms": 1, "speed": 1, "state": "open"},
        ticker,
        {"market": MARKET, "bids": [[1, 2]], "asks": [[3, 4]], "time_ms": 1},
        book,
        [trade],
        [candle],
        [order],
        [fill],
        state,
    ]
    return [bytes([place]) + json.dumps(shape).encode() for place in range(len(ANSWERS)) for shape in shapes]


def config_file(data: bytes) -> None:
    """A config file, read as a command reads it, and as `flatten` does."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "config").mkdir()
        environment = {"PFMM_HOME": folder}
        path = resolve.Paths.from_env(environment).config_file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        for read in (resolve.load_settings, resolve.emergency_settings):
            with suppress(PfmmError):
                read(environment)


def config_seeds() -> list[bytes]:
    """Files that users have."""
    return [
        b'active = "a"\n[profiles.a]\nvenue = "paper"\n[profiles.a.grid]\nlevels = 10\nrange_pct = 1.5\n',
        b'[profiles.live]\nvenue = "purpleflea"\n[profiles.live.secret]\ncommand = "pass x"\n[profiles.live.quote]\n'
        b'skew_at_limit = 1.0\nmodel = "glft"\n',
        b"\xef\xbb\xbf[profiles]\r\n",
    ]


def data_file(data: bytes) -> None:
    """A file of market data, by rows and by blocks, as events, bars and rates."""
    from pfmm.backtest.candles import read_candles
    from pfmm.backtest.rates import read_funding
    from pfmm.tape import ReadOptions
    from pfmm.tape.gather import Gathering
    from pfmm.tape.reading import TapeReader

    name, content = _chosen(data, NAMES)
    options = ReadOptions(market=MARKET)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        with suppress(PfmmError):
            for _ in TapeReader(options).entries([path]):
                pass
        with suppress(PfmmError), Gathering(options, Path(folder)) as gathering:
            gathering.read([path])
        with suppress(PfmmError):
            read_candles([path], MARKET, options)
        with suppress(PfmmError):
            read_funding(path, MARKET)


def data_seeds() -> list[bytes]:
    """The head of a file in every format that is text."""
    from tests.unit.tape import made_files as made

    kinds = {**made.QUOTE_FILES, **made.PRINT_FILES, **made.TICK_FILES, **made.CANDLE_FILES, **made.FUNDING_FILES}
    texts = ["\n".join(text.splitlines()[:6]) + "\n" for text in kinds.values()]
    return [bytes([text[:1] in "[{"]) + text.encode() for text in texts]


def assertion(data: bytes) -> None:
    """An expression of `--assert`, held against a row."""
    row = {"pnl": Decimal("1.5"), "fills": 3, "state": "flat", "rate_8h_bps": 0.25, "missing": None}
    with suppress(PfmmError):
        assertions.evaluate(assertions.parse(data.decode("utf-8", "replace")), row)


def assertion_seeds() -> list[bytes]:
    """Expressions with every operator."""
    return [
        b"pnl > 1 and not (fills == 3 or state != 'flat')",
        b"abs(rate_8h_bps) <= 0.30",
        b"missing >= -1e3",
        b'state in ("flat", "x")',
    ]


WORDS: list[Callable[[str], object]] = [
    numbers.parse_decimal,
    numbers.parse_integer,
    units.moment_ms,
    units.span_ms,
    units.parse_seconds,
    lambda text: units.since_ms(text, 1_760_000_000_000),
]


def words(data: bytes) -> None:
    """A number, a moment or a duration as it is typed."""
    reader, text = _chosen(data, WORDS)
    with suppress(PfmmError, ValueError):
        reader(text.decode("utf-8", "replace"))


def word_seeds() -> list[bytes]:
    """What people type."""
    typed = [
        "60k",
        "60_000",
        "3s",
        "5m",
        "2h",
        "7d",
        "1M",
        "2026-11-29",
        "2026-11-29T10:00:00Z",
        "1760000000000",
        "1.5%",
    ]
    return [bytes([place]) + text.encode() for place in range(len(WORDS)) for text in typed]


TARGETS: dict[str, Target] = {
    "answers": Target(venue_answers, answer_seeds),
    "config": Target(config_file, config_seeds),
    "data": Target(data_file, data_seeds),
    "assertions": Target(assertion, assertion_seeds),
    "words": Target(words, word_seeds),
}
