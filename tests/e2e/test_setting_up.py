"""`paper account` and `profile create` for a venue with accounts, against the served paper exchange."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from tests.dialects import need_signing
from tests.e2e.driver import Completed, run, run_here
from tests.e2e.terminal import OnTerminal


@pytest.fixture(autouse=True)
def _libraries() -> None:
    need_signing()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "exchange.sqlite3"
    exchange = Exchange.open(path, lambda _: SyntheticFeed(7), lambda: time.time_ns() // 1_000_000)
    exchange.open_account("desk")
    with PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server:
        yield server.url
    exchange.close()


def create(home: Path, url: str, *more: object, venue: str = "hyperliquid") -> Completed:
    return run("profile", "create", "live", "--venue", venue, "--url", url, *more, "--json", home=home)


def key_of(home: Path, name: str, file: Path) -> str:
    return str(run("paper", "account", name, "--key-file", file, "--json", home=home).data["address"])


def test_the_key_of_a_paper_account_is_shown_on_request_only(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "desk.key"
    shown = run("paper", "account", "desk", "--json", home=home).data
    assert (shown["account"], shown["key"], shown["key_file"]) == ("desk", None, None)
    address = shown["address"]
    assert len(address) == 42
    assert address == address.lower()
    written = run("paper", "account", "desk", "--key-file", file, "--json", home=home).data
    assert (written["key"], written["key_file"]) == (None, str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = run("paper", "account", "desk", "--show-key", "--json", home=home).data["key"]
    assert file.read_text().strip() == key
    again = run("paper", "account", "desk", "--key-file", file, "--json", home=home)
    assert (again.code, "exists already" in again.error["message"]) == (2, True)
    assert run("paper", "account", "--json", home=home).data["account"] == "default"
    assert run("paper", "account", "desk", home=home).out == f"paper account desk   address {address}\n"


def test_a_profile_is_made_after_a_look_at_its_account(tmp_path: Path, url: str) -> None:
    home, file = tmp_path / "home", tmp_path / "desk.key"
    address = key_of(home, "desk", file)
    made = create(home, url, "--account", address, "--key-file", file)
    shown = made.data
    assert (shown["venue"], shown["money"], shown["account"], shown["secret"]) == (
        "hyperliquid-local", "play", address, "set",
    )  # fmt: skip
    assert (shown["equity"], shown["positions"], shown["open_orders"], shown["checked"]) == ("10000", 0, 0, True)
    stored = run("profile", "show", "live", "--json", home=home).data
    assert (stored["venue"], stored["account"], stored["settings"]["network"]) == ("hyperliquid", address, "testnet")
    config = (home / "config.toml").read_text()
    assert file.read_text().strip() not in config
    assert str(file) in config
    assert run("inventory", "--profile", "live", "--json", home=home).data["account"]["equity"] == "10000"


def test_what_does_not_fit_together_makes_no_profile(tmp_path: Path, url: str) -> None:
    home, file, other = tmp_path / "home", tmp_path / "desk.key", tmp_path / "other.key"
    address = key_of(home, "desk", file)
    key_of(home, "other", other)
    for more, code, words in (
        ((), 2, "which account"),
        (("--account", "0x12"), 3, "addresses"),
        (("--account", address, "--key-file", other), 4, address),
        (("--account", address, "--key-file", tmp_path / "no.key"), 3, "no.key"),
        (("--account", address, "--key-file", file, "--key-env", "K"), 2, "one place"),
        (("--account", address, "--network", "moon"), 2, "network"),
    ):
        refused = create(home, url, *more)
        assert (refused.code, words in refused.out) == (code, True), refused.out
    assert {one["name"] for one in run("profile", "list", "--json", home=home).data["profiles"]} == {"paper"}
    unreachable = create(home, "http://127.0.0.1:1", "--account", address, "--key-file", file)
    assert unreachable.code == 5
    unchecked = create(home, "http://127.0.0.1:1", "--account", address, "--key-file", file, "--no-check")
    assert unchecked.data["checked"] is False
    assert any("nothing was checked" in one for one in unchecked.envelope["warnings"])


def test_without_a_venue_it_is_loudly_a_paper_profile(tmp_path: Path) -> None:
    done = run("profile", "create", "mine", home=tmp_path / "home")
    assert "PAPER profile" in done.err
    assert "paper money" in done.err


def test_on_a_terminal_it_asks_for_what_is_missing(tmp_path: Path, url: str) -> None:
    home, file = tmp_path / "home", tmp_path / "desk.key"
    address = key_of(home, "desk", file)
    key = file.read_text().strip()
    line = ("profile", "create", "live", "--venue", "hyperliquid", "--url", url)
    with OnTerminal(*line, home=home, columns=100, lines=30, term="xterm") as shown:
        shown.wait_for("network: testnet or mainnet [testnet]")
        shown.type("")
        shown.wait_for("address of the account")
        shown.type(address)
        shown.wait_for("key that may act for it")
        shown.type(key)
        shown.wait_for("`pfmm --profile live")
        assert shown.end() == 0
    assert key not in shown.seen
    assert f"profile live: hyperliquid-local, play money, account {address}" in shown.seen
    assert "equity 10000.00 USD" in shown.seen
    kept = home / "keys" / "live.key"
    assert (kept.read_text().strip(), stat.S_IMODE(kept.stat().st_mode)) == (key, 0o600)
    with OnTerminal("--profile", "live", "funding", "BTC", home=home, columns=100, lines=30, term="xterm") as shown:
        assert shown.end() == 0
    assert shown.seen.startswith("play money: hyperliquid-local")


def test_every_screen_begins_with_its_money(tmp_path: Path) -> None:
    shown = run_here("quote", "show", "BTC", home=tmp_path, screen=True)
    assert shown.code == 0
    assert shown.out.startswith("paper money: the embedded exchange\n")
    assert "paper money" not in run("quote", "show", "BTC", home=tmp_path).err


@pytest.mark.parametrize("columns", [60, 72, 100])
def test_the_question_before_a_live_start_is_broken_between_words(tmp_path: Path, url: str, columns: int) -> None:
    home, file = tmp_path / "home", tmp_path / "desk.key"
    address = key_of(home, "desk", file)
    assert create(home, url, "--account", address, "--key-file", file).code == 0
    line = ("--profile", "live", "grid", "start", "BTC", "--once", "--yes-unprotected")
    with OnTerminal(*line, home=home, columns=columns, lines=30, term="xterm") as shown:
        shown.wait_for("[y/N]: ")
        shown.type("n")
        assert shown.end() == 130
    text = shown.seen.replace("\r", "")
    assert text.endswith("pfmm: declined: nothing was sent or changed\n")
    asked = text[text.index("Start grid") : text.index("[y/N]:") + len("[y/N]:")]
    assert asked.split() == (
        f"Start grid on BTC-PERP with play money at hyperliquid-local account {address}? [y/N]:".split()
    )
    assert all(len(one) < columns for one in asked.split("\n"))
