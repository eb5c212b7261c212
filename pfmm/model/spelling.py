"""Which market a spelling means: people and venues write one market in a dozen ways. Layer: model. Pure.

BTC, btc, BTC-PERP, BTC_PERP, BTCPERP, BTCUSDT, BTC-USDC, BTC/USDC:USDC, BTC-USDT-SWAP and BTC-PERPETUAL are about BTC.
A spelling that could mean two listed markets means none: whoever typed it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

QUOTE_CURRENCIES = ("USDT", "USDC", "FDUSD", "BUSD", "USDH", "USD")
LONG_WORD = 6  # letters
CONTRACTS = ("PERPETUAL", "PERP", "SWAP")
# what people call a coin that no market is listed as; only ever suggested
COINS: Mapping[str, str] = {
    "XBT": "BTC", "BITCOIN": "BTC", "WBTC": "BTC", "ETHEREUM": "ETH", "ETHER": "ETH", "WETH": "ETH", "SOLANA": "SOL",
    "RIPPLE": "XRP", "DOGECOIN": "DOGE", "CARDANO": "ADA", "POLKADOT": "DOT", "AVALANCHE": "AVAX", "LITECOIN": "LTC",
    "MATIC": "POL", "CHAINLINK": "LINK",
}  # fmt: skip


def each(spellings: Iterable[str]) -> tuple[str, ...]:
    """Take words apart at commas: `BTC,ETH SOL` is BTC, ETH and SOL; each once, in their order.

    A word without a name in it stays as it is: it must be refused by whoever reads it, never be taken for no word,
    which may mean every market.
    """
    found: list[str] = []
    for text in spellings:
        found += [word.strip() for word in text.split(",") if word.strip()] or [text]
    return tuple(dict.fromkeys(found))


def bases_of(spelling: str) -> tuple[str, ...]:
    """Name what a spelling may be about, likeliest first: BTC-PERP → BTC; BTCUSDT → BTCUSDT, BTC; BTC-PREP → none."""
    text = spelling.strip().upper().removesuffix(".P")
    if "/" in text:
        text = text.partition(":")[0]  # the currency that it settles in
    first, *rest = [part for part in re.split(r"[-_/ ]", text) if part] or [""]
    if any(part not in QUOTE_CURRENCIES and part not in CONTRACTS for part in rest):
        return ()
    found = [first]
    for endings in (CONTRACTS, QUOTE_CURRENCIES):
        ending = next((one for one in endings if found[-1].endswith(one) and found[-1] != one), None)
        if ending is not None:
            found.append(found[-1].removesuffix(ending))
    return tuple(found) if first else ()


def base_of(spelling: str) -> str:
    """Name what a spelling is about, whatever is listed: BTCUSDT → BTC. What has no known form is its own base."""
    found = bases_of(spelling)
    return found[-1] if found else spelling.strip().upper()


def market_name(symbol: str) -> str:
    """Name the market of a venue's symbol: BTCUSDT is BTC-PERP, 1000PEPEUSDT is 1000PEPE-PERP."""
    return f"{base_of(symbol)}-PERP"


def spelled(spelling: str, names: Collection[str]) -> str | None:
    """Choose the one of `names` that `spelling` means, or None; first of all as it stands, then by its base."""
    wanted = spelling.strip()
    by_name = {name.upper(): name for name in names} | {name: name for name in names}
    tried = (wanted, wanted.upper(), f"{wanted.upper()}-PERP")
    found = next((by_name[name] for name in tried if name in by_name), None)
    if found is not None or not wanted:
        return found
    listed: dict[str, list[str]] = {}
    for name in names:
        listed.setdefault(base_of(name), []).append(name)
    alike = next((listed[base] for base in bases_of(wanted) if base in listed), [])
    return alike[0] if len(alike) == 1 else None


def near(spelling: str, names: Collection[str], most: int = 3) -> tuple[str, ...]:
    """Choose the listed markets that `spelling` may be a slip for: those of its base first (BTC-PREP → BTC-PERP)."""
    listed = {base_of(name): name for name in names}
    first = re.split(r"[-_/: ]", spelling.strip().upper())[0]
    bases = [*reversed(bases_of(spelling)), first, *_without_multiple(first), COINS.get(base_of(spelling), "")]
    known = [listed[base] for base in bases if base in listed]
    folded = {_folded(base): name for base, name in listed.items()}
    known += [folded[_folded(base)] for base in bases if base and _folded(base) in folded]
    if not known:
        typed = base_of(spelling) if bases_of(spelling) else first
        called = {base: base for base in listed} | {name: base for name, base in COINS.items() if base in listed}
        known = [listed[called[name]] for name in (*_slips(typed, called), *_beginnings(typed, listed))]
    return tuple(dict.fromkeys(known))[:most]


def _slips(typed: str, bases: Iterable[str]) -> list[str]:
    """Choose the bases that a slip of the pen makes `typed` of, the nearest first: one letter wrong, missing, too many
    or changed with its neighbour; two in a long word. Of equal ones those that begin alike come first."""
    most = 1 if len(typed) < LONG_WORD else 2
    found = [(distance, base[:1] != typed[:1], base) for base in bases if (distance := _distance(typed, base)) <= most]
    return [base for *_, base in sorted(found, key=lambda one: one[:2])]


def _beginnings(typed: str, bases: Iterable[str]) -> list[str]:
    """Choose the bases that the word begins with, the longest first: ETHPREP is about ETH."""
    return sorted((base for base in bases if len(base) > 2 and typed.startswith(base)), key=len, reverse=True)


def _distance(one: str, other: str) -> int:
    """Count the letters to change, add, leave out or swap with their neighbour that make one word of the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        oldest, before, row = before, row, [at]
        for place, there in enumerate(other, 1):
            least = min(before[place] + 1, row[place - 1] + 1, before[place - 1] + (letter != there))
            if at > 1 and place > 1 and (letter, one[at - 2]) == (other[place - 2], there):
                least = min(least, oldest[place - 2] + 1)
            row.append(least)
    return row[-1]


def _folded(base: str) -> str:
    """Take off a base what says how many coins a contract is of: kPEPE and 1000PEPE are PEPE."""
    return re.sub(r"^(K(?=[A-Z]{4})|10{3,6}(?=[A-Z]))", "", base)


def _without_multiple(base: str) -> tuple[str, ...]:
    plain = _folded(base)
    return () if plain == base else (plain,)
