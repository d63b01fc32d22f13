"""Margins of products."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from liftos.kernel.functions import Call, register
from liftos.kernel.tenancy.types import Scope
from memory.search.service import search
from memory.search.types import SearchRequest


@register("acme.margin", cacheable=True)
def margin(price: float, cost: float) -> float:
    """Return the share of the price that is left after the cost."""
    return round((price - cost) / price, 4)


@register("acme.margin", version=2, cacheable=True)
def margin_after_tax(price: float, cost: float, tax: float = 0.2) -> float:
    """Return the share of the price without tax that is left after the cost."""
    net = price / (1 + tax)
    return round((net - cost) / net, 4)


class Product(BaseModel):
    """A product's name."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)


# a search embeds its query, which takes too long for the transaction of a step
@register("acme.known_about", schema=Product, scopes=[Scope.MEMORY_READ], outside=True, idempotent=True)
def known_about(call: Call, product: Product) -> dict[str, Any]:
    """Return how many memories answer to a product's name; the caller's sight applies."""
    answer = search(organisation=call.organisation, by=call.by, request=SearchRequest(product.name))
    return {"product": product.name, "found": len(answer.hits)}
