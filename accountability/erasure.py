"""Erasure of decision payloads: of decisions about an erased memory, that cite it, or that quote it.

The records and their proofs stay: a leaf holds only a salted commitment to the payload, and the salt is erased too. The erasure's
record lists the decisions, so that verification finds a payload that is missing for another reason (accountability.ledger.verification).
"""

from collections.abc import Iterable, Sequence
from typing import cast
from uuid import UUID

from accountability.statements import (
    ABOUT_MEMORIES,
    CITE,
    CITED_BY,
    COUNT_BY_PERSON,
    ERASE_PAYLOADS,
    FORGET_CITATIONS,
    PAYLOADS_BY_PERSON,
    WITHOUT_ERASURES,
)
from liftos.kernel.db.transactions import raw_cursor, read_column, read_value, whole_tenant
from liftos.kernel.erasure.sweep import Place, quoting
from liftos.kernel.erasure.types import Going

# key in the outputs of an erasure's record: the decisions whose payloads it erased
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
FACTS_BY_PERSON = "facts of decisions by the person"


def cite(*, organisation: UUID, decision: UUID, memories: Iterable[UUID]) -> None:
    """Record that a decision's payload may quote memories that are not its subject.

    Searches are not recorded: their payloads hold ids and scores alone.
    """
    cited = list(memories)
    if cited:
        raw_cursor().execute(CITE, (organisation, decision, cited))


def payloads_of(going: Going, *, scrub_quoting: bool) -> list[UUID]:
    """Return the decisions whose payloads an erasure lists and erases, of all scopes.

    They are the person's, about one of the memories, cite one or, with `scrub_quoting`, quote one. Afterwards all of them cite only the first
    memory, the subject of the erasure's record: Postgres erases no payload that does not.

    Args:
        going: what is being erased. Its `kept` counts what stays: quoting payloads, unless erased, and decisions whose facts
            quote (who, when, about what), since the log's leaves hash these.
        scrub_quoting: the organisation's policy.
    """
    with whole_tenant(going.organisation):
        return _payloads_of(going, scrub_quoting=scrub_quoting)


def _payloads_of(going: Going, *, scrub_quoting: bool) -> list[UUID]:
    first, *others = going.memories
    facts = quoting(going, _FACTS)
    if facts:
        going.kept[FACTS] = len(facts)
    about = set(payloads_about(organisation=going.organisation, memories=going.memories))
    theirs = {"organisation": going.organisation, **going.person.values}
    about.update(read_column(PAYLOADS_BY_PERSON, theirs))
    if count := read_value(COUNT_BY_PERSON, theirs):
        going.kept[FACTS_BY_PERSON] = count
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

    The application's role may not delete payloads: `liftos_erase_payloads` does, given such a record.

    Args:
        organisation: whose.
        memory: the erased memory, the record's subject.
        erasure: the record of `memory.delete`, with decisions about or citing the memory under LISTED in its outputs.

    Raises:
        psycopg.errors.InsufficientPrivilege: the record is not of this transaction, or lists a decision of another memory.
    """
    with whole_tenant(organisation):
        erased = read_value(ERASE_PAYLOADS, [erasure])
    raw_cursor().execute(FORGET_CITATIONS, (organisation, [memory]))
    return cast("int", erased)


def payloads_about(*, organisation: UUID, memories: Sequence[UUID]) -> list[UUID]:
    """Return the decisions about these memories, or citing one, that still have a payload."""
    values = {
        "organisation": organisation,
        "memories": list(memories),
        "subjects": [str(each) for each in memories],
    }
    return read_column(ABOUT_MEMORIES, values)
