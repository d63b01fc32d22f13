"""Typical decisions for `bench accountability`: a search's receipt of ten memories."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from accountability.operations import record
from liftos.kernel.db.transactions import tenant_pipeline
from liftos.kernel.tenancy.types import Actor, ActorKind

BY = Actor(ActorKind.API_KEY, "bench")


def decide(organisation: UUID, number: int) -> UUID:
    """Record a decision in its own transaction, sent with the COMMIT."""
    with tenant_pipeline(organisation):
        return record_one(organisation, number)


def record_one(
    organisation: UUID,
    number: int,
    parents: tuple[UUID, ...] = (),
    write: Callable[[dict[str, Any]], object] | None = None,
) -> UUID:
    """Record a decision in the caller's transaction, with `write` (default: accountability.operations.record)."""
    return record(
        organisation=organisation,
        by=BY,
        operation="bench.decide",
        reasoning=f"Chose {number} of ten for its score, above all the score of its words.",
        inputs={"query": f"what about {number}", "limit": 10},
        outputs={"count": 10, "candidates": 112},
        memories=[{"id": str(organisation), "score": 0.5 + each / 100} for each in range(10)],
        confidence=0.5,
        confidence_method="bench",
        parents=parents,
        write=write,
    )
