"""Words and sentences with an obvious order, for testing dimensions."""

import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parents[1] / "data" / "orders" / "orders.jsonl"


@dataclass(frozen=True, slots=True)
class Order:
    """A dimension's poles, and texts with their tiers from 0, lowest first."""

    name: str
    low: list[str]
    high: list[str]
    texts: list[str]
    tiers: list[int]


def read_orders() -> list[Order]:
    """Return all dimensions of the file."""
    return [_order(json.loads(line)) for line in FILE.read_text("utf-8").splitlines()]


def read_order(name: str) -> Order:
    """Return one dimension by its name."""
    return next(each for each in read_orders() if each.name == name)


def _order(row: dict) -> Order:
    pairs = [(text, tier) for tier, texts in enumerate(row["tiers"]) for text in texts]
    return Order(
        row["name"], row["low"], row["high"], [text for text, _ in pairs], [tier for _, tier in pairs]
    )
