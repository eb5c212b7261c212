"""One day worked out by hand: 35 fills of two runs, rebates and two funding payments, every figure of the report.

Eighteen times, every 4,800 s: buy 1 at 99.90 with the mid at 100.00, and 2,400 s later sell 1 at 100.20 with the mid
at 100.05; the last sale never comes. Rounds 0 to 8 are a grid's, 9 to 17 a quote's.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.cli.app import run
from pfmm.journal.export import canonical
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors, FundingPayment
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Intents
from pfmm.report.csv_rows import write_csv

DAY_S = 86_400
MARKET = "BTC-PERP"
BUY_FEE, SELL_FEE = Decimal("-0.01998"), Decimal("-0.02004")  # maker rebate of 2 bps on 99.90 and on 100.20

# what the mid was just before a fill, and what it does 1 s, 5 s, 30 s and 5 min after it
AFTER_BUY = ("100.00", "99.99", "99.98", "99.95", "100.02")
AFTER_SALE_OF_THE_GRID = ("100.05", "100.05", "100.10", "100.40", "100.00")  # runs on against the grid
AFTER_SALE_OF_THE_QUOTE = ("100.05", "100.05", "100.10", "100.00", "100.00")
HORIZONS_S = (Decimal("-0.001"), 1, 5, 30, 300)
OF_THE_FILLS_MS = "50.00"  # no figure may know a mid of the very ms of a fill: it is after what filled it


def fill(number: int, side: Side, price: str, fee: Decimal, second: int) -> Fill:
    amounts = (Decimal(price), Decimal(1), fee)
    return Fill(f"f{number}", f"v{number}", f"n-{number}", MARKET, side, *amounts, Liquidity.MAKER, second * 1_000)


def rounds() -> tuple[list[Fill], list[tuple[int | Decimal, str]], list[int]]:
    """The fills, the mids by second, and the round of each fill."""
    fills, round_of = [], []
    mids: list[tuple[int | Decimal, str]] = [(0, "100.00"), (DAY_S, "100.10")]
    for index in range(18):
        buy_s, sell_s = index * 4_800 + 600, index * 4_800 + 3_000
        fills.append(fill(len(fills) + 1, Side.LONG, "99.90", BUY_FEE, buy_s))
        mids += [(buy_s + after, mid) for after, mid in zip(HORIZONS_S, AFTER_BUY, strict=True)]
        mids.append((buy_s, OF_THE_FILLS_MS))
        round_of.append(index)
        if index < 17:
            fills.append(fill(len(fills) + 1, Side.SHORT, "100.20", SELL_FEE, sell_s))
            path = AFTER_SALE_OF_THE_GRID if index < 9 else AFTER_SALE_OF_THE_QUOTE
            mids += [(sell_s + after, mid) for after, mid in zip(HORIZONS_S, path, strict=True)]
            mids.append((sell_s, OF_THE_FILLS_MS))
            round_of.append(index)
    return fills, sorted(mids), round_of


def payment(name: str, second: int, amount: str) -> FundingPayment:
    return FundingPayment(name, MARKET, second * 1_000, Decimal("0.0001"), Decimal(100), Decimal(1), Decimal(amount))


def write_journal(home: Path, *, late: bool = False) -> None:
    fills, mids, round_of = rounds()
    path = home / "state" / "journals" / "paper-default.sqlite3"
    with Journal.open(path, venue="paper", account="default", nonce="n") as journal:
        runs = [
            journal.start_run(kind, MARKET, {}, time_ms=0, wall_ms=0, pid=None).run_id for kind in ("grid", "quote")
        ]

        def place(_: object, first: int) -> Intents:
            """100 orders: the 35 that fill, then 65 that never do."""
            owners = [runs[index >= 9] for index in round_of] + [runs[0]] * 65
            amounts = (Decimal(100), Decimal(1), Decimal(0))
            return Intents(
                tuple(
                    OwnOrder(
                        f"n-{first + at}", run_id, MARKET, f"s{at}", Side.LONG, *amounts, OwnStatus.SENDING, False, 0, 0
                    )
                    for at, run_id in enumerate(owners)
                )
            )

        journal.commit_intents(place, time_ms=0)
        # the first meets the grid's one unit, the second, in the very ms of a purchase, the quote's
        funding = [payment("p1", 30_000, "-0.01"), payment("p2", 58_200, "0.02")]
        journal.absorb(fills=fills[::-1] if late else fills, funding=funding, cursors=Cursors())
        journal.record_mids([(MARKET, int(second * 1_000), Decimal(mid)) for second, mid in mids])
        for second, equity in ((0, "1000"), (43_200, "1010"), (60_000, "989.8"), (DAY_S, "1006.01032")):
            journal.record_equity(second * 1_000, Decimal(equity), None)


@pytest.fixture
def report(pfmm_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs `pfmm report --json` with these further options and answers its envelope; the venue is out of reach."""
    monkeypatch.setenv("PFMM_BASE_URL", "http://127.0.0.1:9")
    write_journal(pfmm_home)

    def asked(*options: str) -> dict[str, Any]:
        assert run(["report", "--json", *options]) == 0
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert len(answer["warnings"]) == 1
        assert "the journal's own view" in answer["warnings"][0]
        found: dict[str, Any] = answer["data"]
        return found

    return asked


def numbers(pnl: dict[str, str]) -> dict[str, Decimal]:
    return {name: Decimal(text) for name, text in pnl.items()}


def test_the_profit_and_where_it_came_from(report: Any) -> None:
    found = report()
    assert found["fills"] == 35
    assert found["period"] == {"start": "1970-01-01T00:00:00.000Z", "end": "1970-01-02T00:00:00.000Z", "days": 1.0}
    assert numbers(found["pnl"]) == {
        # 17 * 100.20 - 18 * 99.90 = -94.80, 1 left at 100.10: 5.30; + 0.70032 + 0.01
        "total": Decimal("6.01032"),
        # 18 * (100.00 - 99.90) + 17 * (100.20 - 100.05) = 1.80 + 2.55
        "spread_capture": Decimal("4.35"),
        # 18 * -0.05; sold 9 times before +0.35, 8 times before -0.05: -0.90 - 3.15 + 0.40
        "adverse_selection": Decimal("-3.65"),
        # from each 30 s mid to the last mid 100.10: 18 * 0.15 + 9 * 0.30 - 8 * 0.10 = 2.70 + 2.70 - 0.80
        "inventory": Decimal("4.60"),
        # 18 * -0.01998 + 17 * -0.02004 = -0.35964 - 0.34068
        "fees": Decimal("-0.70032"),
        "fees_effect": Decimal("0.70032"),
        "funding": Decimal("0.01"),
    }
    assert found["by_market"] == [{"market": MARKET, "fills": 35, "pnl": found["pnl"]}]


def test_each_strategy_has_its_own_part(report: Any) -> None:
    grid, quote = report()["by_strategy"]
    assert (grid["strategy"], grid["fills"], quote["strategy"], quote["fills"]) == ("grid", 18, "quote", 17)
    assert numbers(grid["pnl"]) == {
        "total": Decimal("3.05018"),  # 9 * 0.30 + 0.36018 - 0.01
        "spread_capture": Decimal("2.25"),  # 9 * 0.10 + 9 * 0.15
        "adverse_selection": Decimal("-3.60"),  # 9 * -0.05 + 9 * -0.35
        "inventory": Decimal("4.05"),  # 9 * 0.15 + 9 * 0.30
        "fees": Decimal("-0.36018"),  # 9 * -0.01998 + 9 * -0.02004
        "fees_effect": Decimal("0.36018"),
        "funding": Decimal("-0.01"),
    }
    assert numbers(quote["pnl"]) == {
        "total": Decimal("2.96014"),  # 8 * 100.20 - 9 * 99.90 + 100.10 = 2.60, + 0.34014 + 0.02
        "spread_capture": Decimal("2.10"),  # 9 * 0.10 + 8 * 0.15
        "adverse_selection": Decimal("-0.05"),  # 9 * -0.05 + 8 * 0.05
        "inventory": Decimal("0.55"),  # 9 * 0.15 - 8 * 0.10
        "fees": Decimal("-0.34014"),  # 9 * -0.01998 + 8 * -0.02004
        "fees_effect": Decimal("0.34014"),
        "funding": Decimal("0.02"),
    }


def test_the_six_figures(report: Any) -> None:
    found = [
        (one["name"], Decimal(one["value"]), one["unit"], one["target"], one["verdict"], one["n"])
        for one in report()["metrics"]
    ]
    assert found == [
        ("fill_rate", Decimal(35), "%", "15-40", "in", 100),  # 35 of 100
        # 17 matched: (1703.40 - 1698.30) / ((1703.40 + 1698.30) / 2) = 5.10 / 1700.85
        ("realized_spread", Decimal("0.29985"), "%", ">0.05", "in", 35),
        # 3501.60 USD a day; held 17 * 2,400 s + 4,200 s of 86,400 s at 99.90: 52.03125 USD in the mean
        ("inventory_turnover", Decimal("67.298018"), "x/day", ">5", "in", 35),
        # the grid's 9 sales: 0.15 - 0.35 + 0.02004 < 0; every other edge is positive
        ("adverse_selection_ratio", Decimal("25.714286"), "%", "<30", "in", 35),
        ("daily_pnl", Decimal("0.601032"), "%/day", "0.1-0.5", "above", 35),  # 6.01032 of 1,000
        ("max_drawdown", Decimal(2), "%", "<10", "in", 4),  # (1010 - 989.8) / 1010
    ]


def test_markouts_and_edge(report: Any) -> None:
    found = report()
    # on 18 * 100.00 + 17 * 100.05 = 3500.85 USD
    assert found["markouts_bps"] == {
        "1s": -0.514161,  # 18 * -0.01 = -0.18
        "5s": -3.456303,  # 18 * -0.02 + 17 * -0.05 = -1.21
        "30s": -10.426039,  # -3.65
        "300s": 3.456303,  # 18 * 0.02 + 17 * 0.05 = 1.21
    }
    edge = found["edge"]
    # capture + what moved after 5 s, 30 s and 300 s, of the 3,500.85 USD: 4.35 - 1.21, 4.35 - 3.65, 4.35 + 1.21
    assert edge["break_even_maker_bps"] == {
        "5s": pytest.approx(3.14 / 3500.85 * 1e4, abs=1e-6),
        "30s": pytest.approx(0.70 / 3500.85 * 1e4, abs=1e-6),
        "300s": pytest.approx(5.56 / 3500.85 * 1e4, abs=1e-6),
    }
    # 35 minutes of one order, without a pause of more than an hour: purchases gain 0.08 on 100.00, sales 0.10 on 100.05
    ratio = 3.14 / 3500.85
    squares = 18 * (0.08 - ratio * 100) ** 2 + 17 * (0.10 - ratio * 100.05) ** 2
    assert edge["se_bps"]["5s"] == pytest.approx((35 / 34 * squares) ** 0.5 / 3500.85 * 1e4, abs=1e-6)
    assert (edge["horizon_s"], edge["error_by"], edge["mid_age_ms"]) == (5, "minute", 1)
    assert [edge[f"n_{name}"] for name in ("fills", "orders", "blocks", "sessions", "exits")] == [35, 35, 35, 1, 0]
    paid = -0.70032 / 3501.60 * 1e4  # of 18 * 99.90 + 17 * 100.20 USD: -2
    assert (edge["paid_maker_bps"], edge["net_bps"]) == (
        pytest.approx(paid, abs=1e-6), pytest.approx(ratio * 1e4 - paid, abs=1e-6),
    )  # fmt: skip
    assert edge["net_after_exits_bps"] == edge["net_bps"]
    # what is left of 6.01032 without the rebates of 0.70032
    assert (Decimal(edge["gross_usd"]), Decimal(edge["rebates_usd"])) == (Decimal("5.31"), Decimal("0.70032"))


def test_the_equity_curve_is_the_recorded_one(report: Any) -> None:
    assert report()["equity_curve"] == [
        ["1970-01-01T00:00:00.000Z", "1000"],
        ["1970-01-01T12:00:00.000Z", "1010"],
        ["1970-01-01T16:40:00.000Z", "989.8"],
        ["1970-01-02T00:00:00.000Z", "1006.01032"],
    ]


def test_the_last_hour_alone(report: Any) -> None:
    """82,800 s to 86,400 s: nothing fills, 1 is held from the mid 100.02 of 82,500 s to 100.10."""
    found = report("--since", "1h")
    assert found["fills"] == 0
    assert numbers(found["pnl"]) == {
        "total": Decimal("0.08"), "spread_capture": 0, "adverse_selection": 0, "inventory": Decimal("0.08"),
        "fees": 0, "fees_effect": 0, "funding": 0,
    }  # fmt: skip


def test_a_period_begins_with_the_equity_that_was_last_read(report: Any) -> None:
    """The last 670 minutes begin at 46,200 s, after the reading of 1,010 and before the fall to 989.8."""
    found = report("--since", "670m")
    assert found["equity_curve"][:2] == [["1970-01-01T12:50:00.000Z", "1010"], ["1970-01-01T16:40:00.000Z", "989.8"]]
    figures = {one["name"]: Decimal(one["value"]) for one in found["metrics"] if one["value"] is not None}
    assert figures["max_drawdown"] == 2  # 20.2 / 1,010
    daily = next(one for one in found["metrics"] if one["name"] == "daily_pnl")
    assert (daily["value"], daily["verdict"], daily["reason"]) == (None, "n/a", "under a day of data (11.2 h)")


@pytest.mark.waits
def test_a_deposit_is_neither_a_gain_nor_the_end_of_a_drawdown(report: Any, pfmm_home: Path) -> None:
    """500 come in at 64,800 s, when 999.90 of a peak of 1,010 are left; 2 % of what is there then are lost at once."""
    path = pfmm_home / "state" / "journals" / "paper-default.sqlite3"
    with Journal.open(path, venue="paper", account="default", nonce="n") as journal:
        for second, equity, deposits in (
            (0, "1000", 1_000), (43_200, "1010", 1_000), (60_000, "999.90", 1_000), (64_800, "1469.902", 1_500),
            (DAY_S, "1506.01032", 1_500),
        ):  # fmt: skip
            journal.record_equity(second * 1_000, Decimal(equity), Decimal(deposits))
    found = report()
    assert [Decimal(value) for _, value in found["equity_curve"]] == [
        1_000, 1_010, Decimal("999.9"), Decimal("969.902"), Decimal("1006.01032"),
    ]  # fmt: skip
    assert found["cash_flows"] == [["1970-01-01T18:00:00.000Z", "500"]]
    figures = {one["name"]: Decimal(one["value"]) for one in found["metrics"]}
    assert figures["max_drawdown"] == Decimal("2.98")  # 1 - 999.9 / 1,010 * 1,469.902 / 1,499.9 = 1 - 0.99 * 0.98
    assert figures["daily_pnl"] == Decimal("0.534251")  # 6.01032 on 1,000 for a day and 500 for a quarter: 1,125
    part = report("--strategy", "quote")
    assert Decimal(part["equity_curve"][-1][1]) == Decimal("1002.96014")
    assert next(one["value"] for one in part["metrics"] if one["name"] == "daily_pnl") == "0.263124"  # 2.96014 of 1,125
    last = report("--since", "1h")
    assert last["cash_flows"] == []
    assert [Decimal(value) for _, value in last["equity_curve"]] == [Decimal("1469.902"), Decimal("1506.01032")]


def test_figures_and_files_are_of_one_moment(
    pfmm_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A loop beside records a fill after the first line of the export, one before the CSV, one before the page."""
    write_journal(pfmm_home)
    path = pfmm_home / "state" / "journals" / "paper-default.sqlite3"
    drawn: list[Any] = []

    def filled() -> None:
        with Journal.open(path, venue="paper", account="default", nonce="n") as beside:
            newer = fill(beside.newest_fill() + 1, Side.LONG, "99.90", BUY_FEE, DAY_S - 1)
            beside.absorb(fills=[newer], funding=[], cursors=Cursors())

    def exported(journal: Any) -> Any:
        records = canonical(journal)
        yield next(records)
        filled()
        yield from records

    def written(*asked: Any) -> int:
        filled()
        return write_csv(*asked)

    monkeypatch.setattr("pfmm.journal.export.canonical", exported)
    monkeypatch.setattr("pfmm.report.csv_rows.write_csv", written)
    monkeypatch.setattr("pfmm.report.html.page", lambda _, shown: drawn.extend(shown.fills) or shown.heading)
    files = [tmp_path / name for name in ("export.ndjson", "fills.csv", "page.html")]
    options = [word for pair in zip(("--export", "--csv", "--html"), map(str, files), strict=True) for word in pair]
    assert run(["report", "--json", *options]) == 0
    export, csv, _ = (file.read_text("utf-8").splitlines() for file in files)
    found = json.loads(capsys.readouterr().out)["data"]
    assert [json.loads(line)["record"] for line in export].count("fill") == 35
    assert (found["fills"], len(csv) - 1, len(drawn)) == (35, 35, 35)
    with Journal.open_readonly(path) as journal:
        assert journal.newest_fill() == 37


def test_one_strategy_alone_keeps_the_capital_and_earns_its_own_part(report: Any) -> None:
    found = report("--strategy", "quote", "--market", "btc")
    assert found["fills"] == 17
    assert Decimal(found["pnl"]["total"]) == Decimal("2.96014")
    assert Decimal(found["equity_curve"][0][1]) == 1_000
    assert Decimal(found["equity_curve"][-1][1]) == Decimal("1002.96014")
    placed = next(one for one in found["metrics"] if one["name"] == "fill_rate")
    assert (placed["value"], placed["n"]) == ("100", 17)  # its 17 orders all filled


def test_what_a_flatten_closed_of_an_ended_run_is_the_runs(report: Any, pfmm_home: Path, tmp_path: Path) -> None:
    """The quote's run ends with its one unit; a flatten sells it at 100.00 for 0.05 before the mid goes to 100.10."""
    path = pfmm_home / "state" / "journals" / "paper-default.sqlite3"
    with Journal.open(path, venue="paper", account="default", nonce="n") as journal:
        journal.end_run(journal.runs(kind="quote")[0].run_id, status="halted", reason="flatten", time_ms=82_300_000)
        amounts = (Decimal("100.00"), Decimal(1), Decimal("0.05"))
        closing = Fill("f36", "v36", "flatten-1", MARKET, Side.SHORT, *amounts, Liquidity.TAKER, 83_000_000)
        journal.absorb(fills=[closing], funding=[], cursors=Cursors())
    file = tmp_path / "fills.csv"
    found = report("--csv", str(file))
    grid, quote = found["by_strategy"]
    assert (grid["strategy"], grid["fills"], quote["strategy"], quote["fills"]) == ("grid", 18, "quote", 18)
    assert Decimal(grid["pnl"]["total"]) == Decimal("3.05018")  # as without the flatten
    # 8 * 100.20 - 9 * 99.90 + 100.00 = 2.50, + 0.34014 - 0.05 + 0.02
    assert Decimal(quote["pnl"]["total"]) == Decimal("2.81014")
    assert Decimal(quote["pnl"]["fees"]) == Decimal("-0.29014")
    assert report("--strategy", "quote")["pnl"] == quote["pnl"]
    assert [line.split(",")[2] for line in file.read_text("utf-8").splitlines() if "flatten-1" in line] == ["quote"]


def test_fills_that_the_venue_told_late_change_no_profit(report: Any, pfmm_home: Path) -> None:
    """Books fold in the order of recording: a payment is split by the shares that were known when it was recorded. Its
    whole stays what it is."""
    in_order = report()
    (pfmm_home / "state").rename(pfmm_home / "before")
    write_journal(pfmm_home, late=True)
    late = report()
    assert [name for name in in_order if late[name] != in_order[name]] == ["by_strategy"]
    assert [sum(float(row["pnl"]["total"]) for row in found["by_strategy"]) for found in (late, in_order)] == [
        pytest.approx(float(in_order["pnl"]["total"]))
    ] * 2
