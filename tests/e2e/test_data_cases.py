"""Files as people have them, from the command line: what once was refused, misread or taken without a word."""

from __future__ import annotations

import gzip
import lzma
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from tests.e2e.driver import Completed, run
from tests.unit.tape.made_files import (
    BARS,
    CANDLE_FILES,
    MINUTE_MS,
    PRINT_FILES,
    QUOTE_FILES,
    START_MS,
    TICK_FILES,
    csv,
)

CANDLES = CANDLE_FILES["candles"]
SIZE = ("--set", "grid.size_usd=100")


ROWS = CANDLES.splitlines()


def with_17_decimals(cell: str) -> str:
    return f"{Decimal(float(cell)):.17f}" if "." in cell else cell


def described(home: Path, name: str, content: str | bytes, code: int = 0) -> Completed:
    path = home / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = run("backtest", "data", path, "--json", home=home)
    assert done.code == code, done.out
    return done


def grid(home: Path, *args: object) -> Completed:
    return run("backtest", "run", "grid", "BTC", *args, "--json", home=home)


def test_times_in_seconds_are_read_as_seconds_and_said(tmp_path: Path) -> None:
    rows = [f"{START_MS // 1000 + n // 7},quote,,,,{64000 + n % 5},1.5,{64001 + n % 5},2" for n in range(100)]
    head = TICK_FILES["table"].split("\n", 1)[0]
    (found,) = described(tmp_path, "ticks.csv", csv(head, rows)).data["files"]
    assert found["time_unit"] == "s"
    assert [found["markets"][0][end] for end in ("from", "to")] == [
        "2025-01-01T00:00:00.000Z", "2025-01-01T00:00:14.000Z",
    ]  # fmt: skip
    assert run("backtest", "run", "quote", "BTC", "--data", tmp_path / "ticks.csv", "--json", home=tmp_path).code == 0


def test_a_period_is_given_and_answered_in_any_form(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_text(CANDLES)
    half = grid(tmp_path, "--data", path, "--from", START_MS // 1000 + 1800, *SIZE)
    assert half.data["period"]["start"] == "2025-01-01T00:30:00.000Z"
    early = grid(tmp_path, "--data", path, "--from", "2024-12-31", *SIZE)
    assert any(
        "--from 2024-12-31T00:00:00Z is before the data, which begins at 2025-01-01T00:00:00Z" in warning
        for warning in early.envelope["warnings"]
    )
    turned = grid(tmp_path, "--data", path, "--from", "2025-01-01T00:40:00Z", "--to", "2025-01-01T00:20:00Z", *SIZE)
    assert turned.code == 2
    assert turned.error["message"] == "--to 2025-01-01T00:20:00Z is before --from 2025-01-01T00:40:00Z"
    nothing = grid(tmp_path, "--data", path, "--from", "2025-01-01T00:30", "--to", START_MS // 1000 + 1800, *SIZE)
    assert nothing.error["message"] == "--to 2025-01-01T00:30:00Z is the same as --from 2025-01-01T00:30:00Z"
    after = grid(tmp_path, "--data", path, "--from", "2026-01-01", *SIZE)
    assert (after.code, "no data from 2026-01-01T00:00:00Z" in after.error["message"]) == (13, True)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + CANDLES,
        CANDLES + "\n\n",
        CANDLES.replace("\n", "\r\n"),
        "".join(",".join(f'"{cell}"' for cell in row.split(",")) + "\n" for row in CANDLES.splitlines()),
        "".join(",".join([*map(with_17_decimals, row.split(",")[:5]), row.split(",")[5]]) + "\n" for row in ROWS),
        CANDLES.replace(str(START_MS)[:5], str(START_MS)[:5]).replace("time_ms", "Date"),
        *CANDLE_FILES.values(),
        CANDLE_FILES["binance-klines"].split("\n", 1)[1],
        CANDLE_FILES["binance-klines"].split("\n", 1)[1].replace("0000,", "0000000,").replace("9999,", "9999999,"),
    ],
    ids=["bom", "blank end", "crlf", "quoted", "17 decimals", "date", *CANDLE_FILES, "no header", "no header, us"],
)  # fmt: skip
def test_candles_are_read_in_every_form(tmp_path: Path, text: str) -> None:
    (found,) = described(tmp_path, "candles", text).data["files"]
    (market,) = found["markets"]
    assert (market["from"], market["to"], market["bars"]) == (
        "2025-01-01T00:00:00.000Z", "2025-01-01T01:00:00.000Z", 60,
    )  # fmt: skip
    done = grid(tmp_path, "--data", tmp_path / "candles", *SIZE)
    assert done.code == 0, done.out
    assert done.data["scenarios"]["pessimistic"]["orders"] > 0


def test_packed_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "candles.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("candles.csv", CANDLES)
    assert described(tmp_path, "candles.zip", path.read_bytes()).data["files"][0]["markets"][0]["bars"] == 60
    recording = described(tmp_path, "a.ndjson.xz", lzma.compress(TICK_FILES["recording"].encode()))
    assert recording.data["files"][0]["markets"][0]["quotes"] == 60
    assert described(tmp_path, "bom.ndjson", "\ufeff" + TICK_FILES["recording"]).data["files"][0]["usable"]


@pytest.mark.parametrize(
    ("quotes", "prints"), [("binance-bookticker", "binance-aggtrades"), ("vendor-quotes", "vendor-trades"),
                           ("hyperliquid-l2book", "bybit-trades")],
)  # fmt: skip
def test_quotes_and_prints_of_two_archives_run_together(tmp_path: Path, quotes: str, prints: str) -> None:
    (tmp_path / "q.csv.gz").write_bytes(gzip.compress(QUOTE_FILES[quotes].encode()))
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress(PRINT_FILES[prints].encode()))
    files = ("--data", tmp_path / "q.csv.gz", "--data", tmp_path / "p.csv.gz")
    done = run("backtest", "run", "quote", "BTC", *files, "--json", home=tmp_path)
    assert done.code == 0, done.out
    whole = run("backtest", "run", "quote", "BTC", "--data", table(tmp_path), "--json", home=tmp_path)
    assert done.data["scenarios"] == whole.data["scenarios"]


def table(folder: Path) -> Path:
    path = folder / "table.csv"
    path.write_text(TICK_FILES["table"])
    return path


def test_prints_alone_are_told_to_lack_quotes(tmp_path: Path) -> None:
    done = described(tmp_path, "trades.csv", PRINT_FILES["bybit-trades"], code=13)
    assert "no quotes, so there is no market: give a file of quotes beside it" in done.error["message"]


def test_an_archive_of_funding_states_each_interval(tmp_path: Path) -> None:
    (tmp_path / "candles.csv").write_text(csv(CANDLES.split("\n", 1)[0], long_bars()))
    rows = [f"{START_MS + 3_600_000 * hour + 2},4,{rate}" for hour, rate in ((4, "0.001"), (8, "-0.0005"))]
    (tmp_path / "rates.csv").write_text(csv("calc_time,funding_interval_hours,last_funding_rate", rows))
    done = grid(tmp_path, "--data", tmp_path / "candles.csv", "--funding", tmp_path / "rates.csv", *SIZE)
    assert done.code == 0, done.out
    assert not any("no rate" in warning for warning in done.envelope["warnings"])
    (found,) = described(tmp_path, "rates.csv", (tmp_path / "rates.csv").read_text()).data["files"]
    assert (found["format"], found["markets"][0]["funding"]) == ("binance-funding", 2)


def long_bars() -> list[str]:
    return [",".join(map(str, (START_MS + MINUTE_MS * n, *BARS[n % 60][1:]))) for n in range(9 * 60)]


def test_sizes_step_as_the_volumes_are_written_or_as_stated(tmp_path: Path) -> None:
    fine = CANDLES.replace(BARS[0][5] + "\n", BARS[0][5] + "937\n")
    (tmp_path / "fine.csv").write_text(fine)
    assert not raised(grid(tmp_path, "--data", tmp_path / "fine.csv"))  # orders of 20 USD at 64,000
    (tmp_path / "coarse.csv").write_text(CANDLES)
    assert raised(grid(tmp_path, "--data", tmp_path / "coarse.csv"))
    assert not raised(grid(tmp_path, "--data", tmp_path / "coarse.csv", "--size-step", "0.00001"))
    refused = grid(tmp_path, "--data", table(tmp_path), "--size-step", "1", *SIZE)
    assert (refused.code, "coarser than the sizes in the data" in refused.error["message"]) == (13, True)


def raised(done: Completed) -> bool:
    """Whether the default size did not fit."""
    assert done.code == 0, done.out
    return any("size raised from 20" in warning for warning in done.envelope["warnings"])


def test_damaged_rows_are_passed_over_only_when_asked_and_said(tmp_path: Path) -> None:
    rows = TICK_FILES["table"].splitlines(keepends=True)
    path = tmp_path / "bad.csv"
    path.write_text("".join([*rows[:9], "damaged\n", *rows[9:]]))
    refused = run("backtest", "run", "quote", "BTC", "--data", path, "--json", home=tmp_path)
    assert (refused.code, f"{path}, line 10: must have 9 cells" in refused.error["message"]) == (13, True)
    done = run("backtest", "run", "quote", "BTC", "--data", path, "--skip-bad", 3, "--json", home=tmp_path)
    assert done.code == 0
    assert any("1 rows that make no sense were passed over" in warning for warning in done.envelope["warnings"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("BTCUSDT-1m.csv", CANDLE_FILES["binance-klines"]),
        ("BTCUSDT-bookTicker.csv", QUOTE_FILES["binance-bookticker"]),
        ("capture", TICK_FILES["bybit-stream"]),
        ("table.csv", TICK_FILES["table"]),
    ],
)
def test_replay_reads_what_backtest_reads(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    more = ("--market", "BTC") if name == "table.csv" else ()
    if more:
        nameless = run("paper", "feed", "replay", tmp_path / name, "--json", home=tmp_path)
        assert (nameless.code, nameless.error["hint"]) == (2, "give --market, such as BTC")
    done = run("paper", "feed", "replay", tmp_path / name, "--speed", 0, *more, "--json", home=tmp_path)
    assert done.code == 0, done.out
    began = datetime.fromisoformat(done.data["time"]).astimezone(UTC)
    assert began.strftime("%Y-%m-%d %H:%M:%S") == "2025-01-01 00:00:00"
    assert run("markets", "--json", home=tmp_path).data["markets"][0]["market"] == "BTC-PERP"


def test_files_are_converted_to_one_tape(tmp_path: Path) -> None:
    for name in ("binance-bookticker", "binance-aggtrades"):
        (tmp_path / f"BTCUSDT-{name}.csv").write_text({**QUOTE_FILES, **PRINT_FILES}[name])
    files = sorted(tmp_path.glob("*.csv"))
    done = run("backtest", "data", *files, "--convert", tmp_path / "both.tape", "--json", home=tmp_path)
    assert (done.code, done.data["converted"]) == (0, str(tmp_path / "both.tape"))
    answers = [
        run("backtest", "run", "quote", "BTC", *given, "--json", home=tmp_path).data["scenarios"]
        for given in (("--data", tmp_path / "both.tape"), ("--data", files[0], "--data", files[1]))
    ]
    assert answers[0] == answers[1]
    again = run("backtest", "data", *files, "--convert", tmp_path / "both.tape", "--json", home=tmp_path)
    assert (again.code, "exists already" in again.error["message"]) == (2, True)


def test_a_byte_order_mark_at_the_head_of_the_config_is_passed_over(tmp_path: Path) -> None:
    text = b'\xef\xbb\xbfschema = 1\n\n[profiles.desk]\nvenue = "paper"\n\n[profiles.desk.grid]\nlevels = 7\n'
    (tmp_path / "config.toml").write_bytes(text)
    done = run("profile", "show", "desk", "--json", home=tmp_path)
    assert done.code == 0, done.out
    assert done.data["settings"]["grid.levels"] == 7
