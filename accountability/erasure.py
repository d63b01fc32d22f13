"""Erasing what decisions said of memories: those about one, those that cite one, and those that quote one in their own words.

The records stay, and so do their proofs: a leaf holds only a salted commitment to the payload, and the salt goes with it. The record of
the erasure lists them, so that a payload that is missing without one is found (accountability.ledger.verification).
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from accountability.statements import (
    ABOUT_MEMORIES,
    CITE,
    CITED_BY,
    ERASE_PAYLOADS,
    FORGET_CITATIONS,
    WITHOUT_ERASURES,
)
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.erasure.sweep import Place, quoting
from liftos.kernel.erasure.types import Going

# where the outputs of an erasure's record list the decisions whose payloads it scrubbed
LISTED = "erased_decisions"

_PAYLOADS = Place(
    "accountability_decisionpayload", ("decision_id",), documents=("body",), order="decision_id"
)
_FACTS = Place(
    "accountability_decisionrecord",
    ("id",),
    texts=(
        "operation",
        "decision_point",
        "subject_kind",
        "subject_id",
        "confidence_method",
        "on_behalf_of",
        "correlation_id",
    ),
    values=("versions",),
)
QUOTING = "decision payloads that quote"
FACTS = "facts of decisions"


def cite(*, organisation: UUID, decision: UUID, memories: Iterable[UUID]) -> None:
    """Note that a decision's payload may quote memories that are not its subject. Searches name ids alone: not noted."""
    wanted = list(memories)
    if wanted:
        with raw_cursor() as cursor:
            cursor.execute(CITE, (organisation, decision, wanted))


def payloads_of(going: Going, *, scrub_quoting: bool) -> list[UUID]:
    """Return the decisions whose payloads an erasure lists and scrubs.

    They are those about one of the memories, those that cite one, and, where the organisation wants it, those that quote one. From
    here on all of them cite the first of the memories alone, which the erasure's record is about: Postgres scrubs no others.

    Args:
        going: what is being erased. It is told what stays: payloads that quote, where they are kept, and the facts of decisions (who,
            when, about what), which are what the log's leaves are made of.
        scrub_quoting: the organisation's policy.
    """
    first, *others = going.memories
    facts = quoting(going, _FACTS)
    if facts:
        going.kept[FACTS] = len(facts)
    about = set(payloads_about(organisation=going.organisation, memories=going.memories))
    quotes = [row[0] for row in quoting(going, _PAYLOADS) if row[0] not in about]
    with raw_cursor() as cursor:
        if quotes:
            quotes = [
                row[0] for row in cursor.execute(WITHOUT_ERASURES, (going.organisation, quotes)).fetchall()
            ]
        if quotes and not scrub_quoting:
            going.kept[QUOTING] = len(quotes)
            quotes = []
        listed = sorted(about.union(quotes))
        if listed:
            cursor.execute(CITED_BY, (going.organisation, first, listed))
        if others:
            cursor.execute(FORGET_CITATIONS, (going.organisation, others))
    return listed


def erase_payloads(*, organisation: UUID, memory: UUID, erasure: UUID) -> int:
    """Delete the payloads that an erasure's record lists, in the transaction that wrote it; return how many.

    The application itself may delete none: Postgres does (`liftos_erase_payloads`), and only on the word of a record.

    Args:
        organisation: whose.
        memory: the erased memory that the record is about.
        erasure: the record of `memory.delete`, with decisions about or citing the memory under LISTED in its outputs.

    Raises:
        psycopg.errors.InsufficientPrivilege: the record is none of this transaction, or lists a decision of another memory.
    """
    with raw_cursor() as cursor:
        row = cursor.execute(ERASE_PAYLOADS, [erasure]).fetchone()
        cursor.execute(FORGET_CITATIONS, (organisation, [memory]))
    return row[0] if row else 0


def payloads_about(*, organisation: UUID, memories: Sequence[UUID]) -> list[UUID]:
    """Return the decisions about these memories, or that cite one, whose payload is there."""
    values = {
        "organisation": organisation,
        "memories": list(memories),
        "subjects": [str(each) for each in memories],
    }
    with raw_cursor() as cursor:
        return [row[0] for row in cursor.execute(ABOUT_MEMORIES, values).fetchall()]
