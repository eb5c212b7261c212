"""A start with real money on Hyperliquid's mainnet, against scripted traffic: what it says, asks, and is refused for.

The paper exchange answers in that dialect in the place of the network; what is signed is signed for mainnet.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.contract import Question
from pfmm.app.edge_note import edge_lines
from pfmm.app.flatten import FlattenRequest, flatten
from pfmm.app.loop import start
from pfmm.app.once import once
from pfmm.app.session import Session
from pfmm.app.starting import StartRequest
from pfmm.cli.prompt import question_text
from pfmm.config.resolve import load_settings
from pfmm.errors import AuthenticationError, CannotDoThis, Halted, PfmmError, RiskRefused
from pfmm.model.fees import Fees
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.messages import PlaceRequest
from pfmm.paper.wire import hyperliquid_keys as keys
from pfmm.paper.wire.wsgi import make_app
from pfmm.runner.locks import FLATTEN
from pfmm.venue.client import IN_PROCESS_URL, HttpClient
from pfmm.venue.http import in_process
from pfmm.venue.hyperliquid.adapter import Hyperliquid
from pfmm.venue.hyperliquid.signing import Signer
from tests.dialects import need_signing
from tests.e2e.driver import run
from tests.e2e.homes import own_session, stepped_home
from tests.unit.app.test_starting import Recorder

D = Decimal
GRID = StartRequest("grid", ("BTC",), yes_unprotected=True)
TOO_LITTLE = "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $0."
_numbers = count(time.time_ns() // 1_000_000)


@pytest.fixture(autouse=True)
def _libraries() -> None:
    need_signing()


def answer(respond: Callable[..., Any], payload: Any) -> Iterable[bytes]:
    respond("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(payload).encode()]


@dataclass
class Mainnet:
    """The venue's side: its exchange, what it was sent, and answers that a test puts in the place of its own."""

    exchange: Exchange
    home: Path
    sent: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    agreed: bool = True
    grants_dead_man: bool = True
    opened: list[Session] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._app: Any = make_app(self.exchange)

    def __call__(self, environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
        asked = json.loads(body)
        if environ["PATH_INFO"] == "/exchange":
            self.sent.append(asked)
            if asked["action"]["type"] == "scheduleCancel" and not self.grants_dead_man:
                return answer(respond, {"status": "err", "response": TOO_LITTLE})
        elif asked["type"] in self.answers:
            return answer(respond, self.answers[asked["type"]])
        return self._app({**environ, "wsgi.input": BytesIO(body)}, respond)  # type: ignore[no-any-return]

    def session(self, *, key: str = "desk", **overrides: Any) -> Session:
        """A command's session with real money; `overrides` are its flags."""
        env = {
            "PFMM_HOME": str(self.home), "PFMM_VENUE": "hyperliquid", "PFMM_ACCOUNT": keys.address("desk"),
            "PFMM_API_KEY": keys.test_key(key),
        }  # fmt: skip
        made = Session(load_settings(env, overrides=overrides))
        made.venue = Hyperliquid(
            HttpClient(IN_PROCESS_URL, transport=in_process(self)),  # type: ignore[arg-type]
            account=made.account,
            mainnet=made.real_money,
            signer=lambda: Signer(keys.test_key(key)),
            nonce=lambda: next(_numbers),
            name=made.venue_name,
        )
        self.opened.append(made)
        return made

    def confirm(self, question: Question) -> bool:
        self.asked.append(question)
        return self.agreed

    def once(self, session: Session, request: StartRequest = GRID) -> Any:
        return once(request, session=session, confirm=self.confirm, tell=self.told.append)

    @property
    def resting(self) -> int:
        return len(self.exchange.orders("desk"))


@pytest.fixture
def mainnet(tmp_path: Path) -> Iterator[Mainnet]:
    exchange = Exchange.open(tmp_path / "x.sqlite3", lambda _: SyntheticFeed(7), lambda: time.time_ns() // 1_000_000)
    exchange.open_account("desk")
    venue = Mainnet(exchange, tmp_path / "home")
    yield venue
    for session in venue.opened:
        session.close()
    exchange.close()


def test_it_says_fees_break_even_and_margin_asks_with_real_money_and_goes_through(mainnet: Mainnet) -> None:
    done = mainnet.once(mainnet.session())
    (question,) = mainnet.asked
    assert question_text(question) == (
        f"Start grid on BTC-PERP with REAL money at hyperliquid account {keys.address('desk')}?"
    )
    assert (done.venue, done.runs[0].placed, mainnet.resting) == ("hyperliquid", 10, 10)
    text = "\n".join(mainnet.told)
    wanted = (
        "BTC-PERP: cross margin at 5x, which pfmm never changes; 500.00 USD long is liquidated at ",
        "10 % against a full inventory leaves 9943.12 USD before liquidation",  # 10,000 - 50 - 550 x 0.0125 = 9,943.125
        "fees maker ",
        " bps (hyperliquid)",
        "break-even maker fee: not measured here; `pfmm record BTC-PERP … --break-even grid` measures it",
        "the venue grants its dead-man switch from 1,000,000",
        "order actions left",
    )
    assert [words for words in wanted if words not in text] == [], text
    assert "claim" not in text, "which a test network's figures carry none of"


def test_what_it_sends_is_signed_for_mainnet(mainnet: Mainnet) -> None:
    mainnet.once(mainnet.session())
    orders = [one for one in mainnet.sent if one["action"]["type"] == "order"]
    assert sum(len(one["action"]["orders"]) for one in orders) == 10
    for one in mainnet.sent:
        signed = keys.signers(one["action"], one["nonce"], None, one["expiresAfter"], one["signature"])
        assert signed[0] == keys.address("desk"), "the first is that of source a"


def test_a_no_sends_nothing(mainnet: Mainnet) -> None:
    mainnet.agreed = False
    assert mainnet.once(mainnet.session()) is None
    assert (mainnet.sent, mainnet.resting) == ([], 0)


def looped(mainnet: Mainnet, **flags: Any) -> tuple[Recorder, object]:
    """A loop of two cycles, and the exit code of the process that it ends."""
    seen = Recorder()
    request = StartRequest("grid", ("BTC",), cycles=2, yes_unprotected=flags.pop("yes_unprotected", False))
    session = mainnet.session(**{"run.watchdog": "off", "run.interval_s": 0.2, **flags})
    with pytest.raises(SystemExit) as ended:
        start(request, session=session, confirm=mainnet.confirm, tell=mainnet.told.append, display=seen)
    return seen, ended.value.code


@pytest.mark.parametrize(
    ("granted", "flags", "protection"),
    [
        (True, {}, "armed"),
        (False, {"run.max_loss_usd": D(20)}, "stop"),
        (False, {"yes_unprotected": True}, "unprotected"),
        (False, {}, None),
    ],
)
def test_a_loop_says_that_its_money_is_real_and_what_protects_it(
    mainnet: Mainnet, granted: bool, flags: dict[str, Any], protection: str | None
) -> None:
    """Without anything that does it is refused."""
    mainnet.grants_dead_man = granted
    seen, code = looped(mainnet, **flags)
    assert code == (0 if protection else RiskRefused.exit_code)
    assert (seen.shown[0].real_money, mainnet.asked[0].real_money, mainnet.resting) == (True, True, 0)
    assert {cycle.data["dead_man"] for cycle in seen.cycles} == ({protection} if protection else set())
    if protection is None:
        ((failure, _, _),) = seen.words
        assert isinstance(failure, RiskRefused)
        assert "no dead-man switch, and no stop can wait there on BTC-PERP" in failure.message
        assert {one["action"]["type"] for one in mainnet.sent} == {"scheduleCancel"}, "which was refused"


def held(mainnet: Mainnet) -> None:
    mainnet.exchange.place("desk", PlaceRequest("BTC-PERP", "long", "market", size_usd=D(100)))


def nothing(_: Mainnet) -> None:
    """The account is as it was made."""


def halted(mainnet: Mainnet) -> None:
    mainnet.session().locks.halt(halted_by=FLATTEN, reason="flatten", since="2026-01-01T00:00:00.000Z")


def answered(kind: str, answer: Any) -> Callable[[Mainnet], None]:
    return lambda mainnet: mainnet.answers.update({kind: answer})


QUOTE = StartRequest("quote", ("BTC",), yes_unprotected=True)
SPENT = {"cumVlm": "2000.0", "nRequestsUsed": 9_400, "nRequestsCap": 10_000}


@pytest.mark.parametrize(
    ("before", "request_", "flags", "error", "words"),
    [
        (held, GRID, {}, RiskRefused, "BTC-PERP that no run of pfmm ever held"),
        (nothing, replace(GRID, yes_unprotected=False), {}, RiskRefused, "nothing watches what rests"),
        (nothing, GRID, {"run.max_inventory_usd": D(90_000)}, RiskRefused, "leaves -237.50 USD before liquidation"),
        (halted, GRID, {}, Halted, "flatten"),
        (nothing, GRID, {"grid.size_usd": D(200)}, RiskRefused, "max_inventory"),
        (answered("userRateLimit", SPENT), QUOTE, {}, RiskRefused, r"they would be spent in \d+\.\d hours"),
        (answered("userAbstraction", "portfolioMargin"), GRID, {}, CannotDoThis, "portfolio margin"),
        (answered("userRole", {"role": "missing"}), GRID, {}, AuthenticationError, "knows no account"),
    ],
)
def test_where_it_is_refused_before_anything_is_sent(
    mainnet: Mainnet,
    before: Callable[[Mainnet], None],
    request_: StartRequest,
    flags: dict[str, Any],
    error: type[PfmmError],
    words: str,
) -> None:
    before(mainnet)
    with pytest.raises(error, match=words):
        mainnet.once(mainnet.session(**flags), request_)
    assert (mainnet.asked, mainnet.sent, mainnet.resting) == ([], [], 0), "nobody is asked about what cannot be"


def test_a_key_of_another_account_is_refused(mainnet: Mainnet) -> None:
    mainnet.exchange.open_account("other")
    with pytest.raises(AuthenticationError, match="may not act for the account"):
        mainnet.once(mainnet.session(key="other"))
    assert (mainnet.sent, mainnet.asked) == ([], [])


def test_a_position_is_kept_apart_by_its_word(mainnet: Mainnet) -> None:
    held(mainnet)
    done = mainnet.once(mainnet.session(**{"run.position": "base"}))
    assert (done.runs[0].inventory, mainnet.resting > 0) == (0, True)
    assert any(line.startswith("base: the account holds") for line in mainnet.told)


@pytest.mark.slow
def test_its_break_even_is_told_from_what_the_strategy_traded_before(tmp_path: Path) -> None:
    """On play money it carries no claim."""
    stepped_home(tmp_path, seed=5)
    done = run("quote", "start", "BTC", "--cycles", 300, "--json", home=tmp_path)
    fills = [event for event in done.events if event["event"] == "fill"]
    with own_session(tmp_path) as session:
        fees, edge = edge_lines(session, "quote", ("BTC-PERP",), {"BTC-PERP": Fees(D(-2), D(5), "paper")})
        _, other = edge_lines(session, "grid", ("BTC-PERP",), {})
    assert fills
    assert fees == "fees maker -2, taker 5 bps (paper)"
    assert re.fullmatch(
        r"break-even maker fee: 5s [+-]\d.*, of the last week's quote here \(play money: no claim of an edge\)", edge
    )
    assert "not measured here" in other


@pytest.mark.waits
def test_flatten_asks_with_real_money_and_ends_flat(mainnet: Mainnet) -> None:
    held(mainnet)
    done = flatten(FlattenRequest(), session=mainnet.session(), confirm=mainnet.confirm)
    assert done is not None
    assert (done.venue, done.state.value) == ("hyperliquid", "flat")
    assert [one.size_base for one in mainnet.exchange.positions("desk")] == [0]
    assert "with REAL money at hyperliquid account" in question_text(mainnet.asked[0])
