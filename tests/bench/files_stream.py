"""The benches' stream of trades and quotes as the files that people have: CSV, Parquet, a raw capture; and the bare
reads that those are measured against. `python -m tests.bench.files_stream FOLDER ROWS` writes them, with `fastmm`
before these FastMM's own.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.bench import backtest_stream as stream

CHUNK = 100_000
HEADER = "time_ms,kind,price,size,side,bid,bid_size,ask,ask_size"
NUMBERS = ("price", "size", "bid", "bid_size", "ask", "ask_size")


def csv_line(row: list[int]) -> str:
    time_ms, kind, a, b, c, d = row
    if kind:
        return f"{time_ms},trade,{a / 10:.1f},{b / 1000:.3f},{'buy' if c > 0 else 'sell'},,,,"
    return f"{time_ms},quote,,,,{a / 10:.1f},{b / 1000:.3f},{c / 10:.1f},{d / 1000:.3f}"


def capture_line(number: int, row: list[int]) -> str:
    time_ms, kind, a, b, c, d = row
    if kind:
        data = (
            f'"stream":"btcusdt@trade","data":{{"e":"trade","E":{time_ms},"T":{time_ms},"s":"BTCUSDT","t":{number},'
            f'"p":"{a / 10:.1f}","q":"{b / 1000:.3f}","X":"MARKET","m":{"true" if c < 0 else "false"}}}'
        )
    else:
        data = (
            f'"stream":"btcusdt@bookTicker","data":{{"e":"bookTicker","u":{number},"s":"BTCUSDT","b":"{a / 10:.1f}",'
            f'"B":"{b / 1000:.3f}","a":"{c / 10:.1f}","A":"{d / 1000:.3f}","T":{time_ms},"E":{time_ms}}}'
        )
    return f"{time_ms}000000 {{{data}}}"


def write(folder: Path, count: int) -> None:
    """table.csv, empty.csv (its first rows), capture, and table.parquet."""
    table = stream.rows(count=count)
    stream.write_pfmm(table, folder / "binary")
    with (folder / "table.csv").open("w") as rows, (folder / "capture").open("w") as lines:
        rows.write(HEADER + "\n")
        for start in range(0, count, CHUNK):
            part = table[start : start + CHUNK].tolist()
            rows.write("".join(csv_line(row) + "\n" for row in part))
            lines.write("".join(capture_line(start + n, row) + "\n" for n, row in enumerate(part)))
    with (folder / "table.csv").open() as rows, (folder / "empty.csv").open("w") as few:
        few.writelines(line for _, line in zip(range(50), rows, strict=False))
    import pyarrow as pa
    from pyarrow import csv, parquet

    types = {name: pa.decimal128(23, 8) for name in NUMBERS}
    options = csv.ConvertOptions(column_types=types)
    with csv.open_csv(folder / "table.csv", convert_options=options) as reader:
        floats = pa.schema([(f.name, pa.float64() if f.name in NUMBERS else f.type) for f in reader.schema])
        with parquet.ParquetWriter(folder / "table.parquet", floats) as target:
            for batch in reader:
                target.write_batch(pa.RecordBatch.from_arrays(
                    [one.cast(kind) for one, kind in zip(batch.columns, floats.types, strict=True)], schema=floats
                ))  # fmt: skip


def write_fastmm(folder: Path, count: int) -> None:
    """fastmm.csv: the same stream as FastMM's rows. A best price that moved takes its old level away."""
    table = stream.rows(count=count)
    last: dict[str, tuple[int, int]] = {}
    with (folder / "fastmm.csv").open("w") as rows:
        rows.write("ts_ns,type,inst,side,price,qty,seq\n")
        for start in range(0, count, CHUNK):
            for number, row in enumerate(table[start : start + CHUNK].tolist(), start + 1):
                rows.write("".join(fastmm_lines(number, row, last)))


def fastmm_lines(number: int, row: list[int], last: dict[str, tuple[int, int]]) -> list[str]:
    time_ms, kind, a, b, c, d = row
    if kind:
        return [f"{time_ms}000000,T,0,{'B' if c > 0 else 'A'},{a / 10:.1f},{b / 1000:.3f},{number}\n"]
    found, word = [], "D" if last else "S"
    for side, level in (("B", (a, b)), ("A", (c, d))):
        old = last.get(side)
        if old is not None and old[0] != level[0]:
            found.append(f"{time_ms}000000,D,0,{side},{old[0] / 10:.1f},0,{number}\n")
        if old != level:
            found.append(f"{time_ms}000000,{word},0,{side},{level[0] / 10:.1f},{level[1] / 1000:.3f},{number}\n")
        last[side] = level
    return found


def bare(kind: str, path: Path) -> float:
    """CPU seconds of the chosen library's bare read: the same columns as decimals, or every line's JSON."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    if kind == "orjson":
        import orjson

        began = time.process_time()
        with path.open("rb") as lines:
            for line in lines:
                orjson.loads(line[line.find(b" ") + 1 :])
        return time.process_time() - began
    began = time.process_time()
    if kind == "csv":
        types: dict[str, pa.DataType] = {name: pa.decimal128(23, 8) for name in NUMBERS}
        types |= {"kind": pa.dictionary(pa.int32(), pa.string()), "side": pa.dictionary(pa.int32(), pa.string())}
        csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types))
    else:
        found = parquet.read_table(path)
        for name in NUMBERS:
            found.column(name).cast(pa.decimal128(23, 8), safe=False)
    return time.process_time() - began


if __name__ == "__main__":
    if sys.argv[1] == "bare":
        sys.stdout.write(f"{bare(sys.argv[2], Path(sys.argv[3])):.4f}\n")
    elif sys.argv[1] == "fastmm":
        write_fastmm(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        write(Path(sys.argv[1]), int(sys.argv[2]))
