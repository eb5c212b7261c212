"""Sends signed actions, and says of each order what is known of it afterwards. Layer: venue.

Nothing here is sent twice. One batch becomes up to four kinds of requests, each with a number and an expiry of its
own; an item without a usable answer is unknown, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from pfmm.errors import BadVenueData, OutcomeUnknown, PfmmError, RateLimited, VenueRefused, VenueUnreachable
from pfmm.model.order import (
    AmendOrder,
    Batch,
    BatchAnswer,
    CancelOrder,
    NewOrder,
    Order,
    OrderStatus,
    OrderType,
    Refusal,
    TimeInForce,
)
from pfmm.model.refusal import RefusalReason
from pfmm.venue.batch import NOT_SENT, OUTCOME_UNKNOWN, failed_item, lane_of
from pfmm.venue.client import HttpClient
from pfmm.venue.hyperliquid import actions
from pfmm.venue.hyperliquid.action_budget import ActionBudget
from pfmm.venue.hyperliquid.actions import Action
from pfmm.venue.hyperliquid.refusals import ACTIONS_SPENT_S, item_refusal, request_error
from pfmm.venue.hyperliquid.signing import Signer
from pfmm.venue.ratelimit import Lane
from pfmm.venue.wire import Record

EXCHANGE = "/exchange"

Some = TypeVar("Some", AmendOrder, NewOrder)

Item = CancelOrder | AmendOrder | NewOrder
Answer = Order | Refusal


class Link:
    """Signs actions with one key and posts them."""

    def __init__(
        self,
        http: HttpClient,
        signer: Callable[[], Signer],
        nonce: Callable[[], int],
        *,
        mainnet: bool,
        vault: Callable[[str], str | None],
    ) -> None:
        """Keep what signs and posts. `vault` tells, of the signer's address, which address to name as the one that is
        traded for, and raises AuthenticationError where the key may not act for the account."""
        self._http = http
        self._signer = signer
        self._nonce = nonce
        self._mainnet = mainnet
        self._vault_of = vault
        self._vault: str | None = None
        self._proven = False

    def prove_key(self) -> None:
        """Find out, once, whether the key may act for the account. Raises AuthenticationError where it may not."""
        if not self._proven:
            self._vault = self._vault_of(self._signer().address)
            self._proven = True

    def _prove_before(self, lane: Lane) -> None:
        """Refuse to place anything by a key that is not proven. A cancel is sent even where that cannot be found out:
        by another account's key it does nothing."""
        try:
            self.prove_key()
        except (VenueUnreachable, VenueRefused):
            if lane is not Lane.CANCEL:
                raise

    def act(self, action: Action, lane: Lane, expires_after_ms: int | None = None, items: int = 1) -> Record:
        """Sign one action, send it, and return the `response` where it was carried out.

        Raises what the client raises, and what a refusal of the whole action means.
        """
        self._prove_before(lane)
        nonce = self._nonce()
        signature = self._signer().sign(
            action, nonce=nonce, mainnet=self._mainnet, vault=self._vault, expires_after_ms=expires_after_ms
        )
        body = {
            "action": action,
            "nonce": nonce,
            "signature": signature.as_json(),
            "vaultAddress": self._vault,
            "expiresAfter": expires_after_ms,
        }
        what = f"{action['type']} at {self._http.place}"
        answer = self._http.act("POST", EXCHANGE, body, lane=lane, signed=False, weight=1 + items // 40)
        try:
            record = Record(answer, what)
            if record.text("status") == "ok":
                return record.record("response")
        except BadVenueData as error:
            raise OutcomeUnknown(f"{error.message}: the request may or may not have acted") from None
        raise request_error(record.words("response") or "refused without a word", what)

    def dead_man(self, action: Action) -> None:
        """Send a scheduled cancel."""
        self.act(action, Lane.DEAD_MAN)


@dataclass(frozen=True, slots=True)
class _Part:
    """One request: its action, and the places in the batch of the items that it carries."""

    action: Action
    items: Sequence[Item]
    places: Sequence[int]


class Desk:
    """One batch on its way. `shown` is what rested in the newest snapshot, by the venue's id, and `newest_ms` the
    newest venue time that was seen: answers to actions carry none, and one that is invented would make the next
    snapshot look old. What comes to rest is added to `shown`; what is sent is counted in `budget`."""

    def __init__(
        self, link: Link, assets: Mapping[str, int], shown: dict[str, Order], newest_ms: int, budget: ActionBudget
    ) -> None:
        self._budget = budget
        self._link = link
        self._assets = assets
        self._by_id = shown
        self._by_client_id = {one.client_order_id: one for one in shown.values() if one.client_order_id}
        self._newest_ms = newest_ms

    def submit(self, batch: Batch) -> BatchAnswer:
        """Send the batch and return one answer an item.

        Every action is made before the first leaves (RiskRefused). When the first request fails as a whole its error
        is raised; when a later one fails, its items carry what that means and the rest is not sent.
        """
        cancels, amends = len(batch.cancel), len(batch.cancel) + len(batch.amend)
        answers: list[Answer] = [Refusal(NOT_SENT, "not sent after another request failed", 0)] * len(batch)
        changed: list[tuple[int, AmendOrder]] = []
        for place, one in enumerate(batch.amend, cancels):
            if actions.too_small(one):
                answers[place] = Refusal(RefusalReason.BELOW_MINIMUM, "not sent: the old order would be gone for it", 0)
            else:
                changed.append((place, one))
        parts = [
            *self._cancels(batch.cancel),
            *self._parts(changed, lambda some: actions.replace(some, self._assets)),
            *self._parts(list(enumerate(batch.place, amends)), lambda some: actions.place(some, self._assets)),
        ]
        for number, part in enumerate(parts):
            try:
                found = self._send(part)
            except PfmmError as error:
                if number == 0:
                    raise
                found = [failed_item(error)] * len(part.items)
                for place, answer in zip(part.places, found, strict=True):
                    answers[place] = answer
                break
            for place, answer in zip(part.places, found, strict=True):
                answers[place] = answer
        return BatchAnswer(tuple(answers[:cancels]), tuple(answers[cancels:amends]), tuple(answers[amends:]))

    def _cancels(self, cancels: Sequence[CancelOrder]) -> list[_Part]:
        parts = []
        for by_id in (True, False):
            chosen = [(place, one) for place, one in enumerate(cancels) if (one.order_id is not None) is by_id]
            for start in range(0, len(chosen), actions.MAX_ITEMS):
                some = chosen[start : start + actions.MAX_ITEMS]
                items = [one for _, one in some]
                action = next(one for one in actions.cancel(items, self._assets) if one is not None)
                parts.append(_Part(action, items, [place for place, _ in some]))
        return parts

    @staticmethod
    def _parts(items: Sequence[tuple[int, Some]], action: Callable[[Sequence[Some]], Action]) -> list[_Part]:
        """Make one request for each 39 items, which come with their places in the whole batch."""
        parts = []
        for start in range(0, len(items), actions.MAX_ITEMS):
            some = items[start : start + actions.MAX_ITEMS]
            wanted = [one for _, one in some]
            parts.append(_Part(action(wanted), wanted, [place for place, _ in some]))
        return parts

    def _send(self, part: _Part) -> list[Answer]:
        lane, count = lane_of(part.items), len(part.items)
        if lane is Lane.PLACE and not self._budget.may_place(count):
            raise RateLimited(
                f"{count} orders were not sent: the account's actions at the venue are spent but for a reserve for "
                "cancels",
                retry_after_s=ACTIONS_SPENT_S,
                hint="trading volume earns new actions; a wider tolerance or a longer --interval spends fewer",
            )
        expiries = [one.valid_until_ms for one in part.items if not isinstance(one, CancelOrder) and one.valid_until_ms]
        self._budget.spend(count, self._newest_ms)
        response = self._link.act(part.action, lane, min(expiries) if expiries else None, count)
        try:
            statuses = list(response.record("data").items("statuses"))
        except BadVenueData as error:
            raise OutcomeUnknown(f"{error.message}: the batch may or may not have acted") from None
        missing = len(part.items) - len(statuses)
        return [
            *(self._answer(item, status) for item, status in zip(part.items, statuses, strict=False)),
            *([Refusal(OUTCOME_UNKNOWN, "the answer does not speak of this item", 0)] * missing),
        ]

    def _answer(self, item: Item, status: object) -> Answer:
        try:
            if isinstance(status, dict) and "error" in status:
                return item_refusal(Record(status, "statuses").words("error"))
            if isinstance(item, CancelOrder):
                return self._cancelled(item, status)
            new = item.replacement if isinstance(item, AmendOrder) else item
            assert new is not None  # or no action could have been made of it
            return self._placed(new, status)
        except BadVenueData as error:
            return Refusal(OUTCOME_UNKNOWN, error.message, 0)

    def _cancelled(self, item: CancelOrder, status: object) -> Answer:
        """Return the order as it was last seen, now cancelled; its fills since then come with the next read."""
        if status != "success":
            raise BadVenueData(f"cancel: the answer {ascii(status)[:60]} is not known")
        known = self._by_id.get(item.order_id or "") or self._by_client_id.get(item.client_order_id or "")
        if known is not None:
            return replace(known, status=OrderStatus.CANCELLED, updated_ms=self._newest_ms)
        # how much of it was filled is not known here: the next snapshot, and a question by its id, settle it
        return Refusal("order_not_found", "cancelled, of an order that the newest snapshot did not show", 0)

    def _placed(self, item: NewOrder, status: object) -> Answer:
        record = Record(status, "order")
        if record.given("resting"):
            found = self._order(item, record.record("resting"), Decimal(0), OrderStatus.OPEN)
            self._by_id[found.order_id] = found
            return found
        if not record.given("filled"):
            raise BadVenueData(f"order: the answer {ascii(status)[:60]} is not known")
        done = record.record("filled")
        filled = done.positive_text("totalSz")
        rests = item.time_in_force is not TimeInForce.IOC
        partly = OrderStatus.OPEN if rests else OrderStatus.CANCELLED
        found = self._order(item, done, filled, OrderStatus.FILLED if filled >= item.size else partly)
        return replace(found, avg_fill_price=done.positive_text("avgPx"))

    def _order(self, item: NewOrder, answer: Record, filled: Decimal, status: OrderStatus) -> Order:
        return Order(
            order_id=str(answer.whole("oid", 0, 10**20)),
            client_order_id=item.client_order_id,
            market=item.market,
            side=item.side,
            type=OrderType.LIMIT,
            price=item.price,
            size=item.size,
            filled=filled,
            status=status,
            post_only=item.post_only,
            reduce_only=item.reduce_only,
            created_ms=self._newest_ms,
            updated_ms=self._newest_ms,
        )
