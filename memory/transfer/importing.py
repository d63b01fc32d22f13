"""Import memories in batches, each in a transaction. A repeated run continues an interrupted one.

Each batch saves an idempotency key in its transaction (`liftos.kernel.http.idempotency`), so it is stored exactly once, with versions, links,
successors, rejections, decision and events. Lines with an id can always be imported again: they are unchanged. A line whose source is
further down in the file is stored at the end.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction

from liftos.kernel.db.prefetch import Ahead
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.http.idempotency.keys import claim, recall, settle
from liftos.kernel.tenancy.models import PrincipalRecord
from memory.bulk.lines import batches, line_result
from memory.index import index_rows, writes
from memory.index.given_vectors import GivenVectors
from memory.index.writes import Row
from memory.operations import IMPORT, Prepared, commit, embed_rows, place_rows
from memory.policies import read_secrets_policy
from memory.queries import existing
from memory.rejection import tombstones
from memory.transfer.batch_reader import OPERATOR, Batch, Report, reader, shortened
from memory.transfer.format import Imported
from memory.transfer.history_writes import Pasts, read_pasts, write_pasts
from memory.transfer.parts import write_parts
from memory.transfer.statements import SET_OWNERS, SET_SUCCESSORS
from memory.trust.versions import database_now
from memory.types import EmbeddingState, LinkDraft, Outcome, Stored, TrustState

BATCH = 500

Line = tuple[int, Imported, Row]
"""A line's number, its memory and its row."""
Ready = tuple[Prepared, Pasts]
"""Embedded rows and pasts, ready to commit."""


def import_lines(
    *,
    organisation: UUID,
    lines: Iterable[bytes],
    name: str,
    given: GivenVectors | None,
    dry_run: bool = False,
    again: bool = False,
) -> Iterator[Report]:
    """Import lines; yield a report of each batch.

    Args:
        organisation: the tenant.
        lines: NDJSON, with or without an export's header.
        name: identifies the stream, to continue an interrupted run.
        given: the vectors that the organisation takes (`memory.index.embeddings.given_vectors`).
        dry_run: roll everything back at the end.
        again: also store batches that an earlier run stored.

    Raises:
        KeyReused: a batch differs from what an earlier run stored; `again` stores it.
    """
    run, secrets = _Run(organisation, dry_run=dry_run, again=again), read_secrets_policy(organisation)
    with ExitStack() as stack:
        if dry_run:
            # lines may depend on earlier batches
            stack.enter_context(tenant_transaction(organisation))
            stack.callback(transaction.savepoint_rollback, transaction.savepoint())
        ahead = Ahead(reader(organisation, name, given, secrets), enumerate(batches(lines, BATCH)))
        for batch in ahead:
            run.store(batch, ahead.make_next)
            yield batch.report
        yield from run.store_waiting()


class _Run:
    """The state of an import across batches."""

    def __init__(self, organisation: UUID, *, dry_run: bool, again: bool) -> None:
        self.organisation, self.dry_run, self.again = organisation, dry_run, again
        # ids in the file to existing ids of the same memories
        self.aliases: dict[UUID, UUID] = {}
        self.waiting: list[Line] = []
        self.successors: dict[UUID, tuple[UUID, str, int]] = {}
        # links by id whose target is not stored yet, by target
        self.links: dict[UUID, list[tuple[UUID, LinkDraft]]] = {}

    def store(self, batch: Batch, meanwhile: Callable[[], None] | None) -> None:
        """Store a batch in one transaction, or recall its results; updates its report."""
        lines = list(zip(batch.numbers, batch.read, batch.rows, strict=True))
        is_guarded = not (self.again or self.dry_run)
        if is_guarded:
            with tenant_transaction(self.organisation):
                known = recall(batch.key)
                if known is not None:
                    self._recall(known.body, batch.report, lines)
                    return
        ready = self._prepare(lines)
        with tenant_transaction(self.organisation):
            # waits for another run of the same import
            known = claim(batch.key) if is_guarded else None
            if known is not None:
                self._recall(known.body, batch.report, lines)
                return
            stored, aliases = self._carry_out(lines, ready, meanwhile)
            waiting = self._report(batch.report, lines, stored)
            if is_guarded or (self.again and claim(batch.key) is None):
                body = {
                    "stored": batch.report.stored,
                    "refused": _kept(batch.report.refused, lines),
                    "aliases": {str(one): str(other) for one, other in aliases.items()},
                    "waiting": waiting,
                }
                settle(batch.key, status=200, body=body)

    def store_waiting(self) -> Iterator[Report]:
        """Store lines whose source came later, repeatedly while any can be stored; refuse the rest."""
        while self.waiting:
            lines, self.waiting = self.waiting, []
            report = Report()
            ready = self._prepare(lines)
            with tenant_transaction(self.organisation):
                stored, _ = self._carry_out(lines, ready, None)
                self._report(report, lines, stored)
            if len(self.waiting) == len(lines):
                report.refused += [
                    shortened(line_result(number, read.draft, each))
                    for (number, read, _), each in zip(lines, stored, strict=True)
                ]
                self.waiting = []
            yield report

    def _prepare(self, lines: list[Line]) -> Ready:
        """Embed lines and their pasts; a dry run omits vectors, because it is a single transaction."""
        rows, _ = place_rows(self.organisation, [row for _, _, row in lines])
        if self.dry_run:
            return Prepared(tuple(rows), None), read_pasts(self.organisation, rows, embed=False)
        return embed_rows(self.organisation, rows), read_pasts(self.organisation, rows)

    def _carry_out(
        self, lines: list[Line], ready: Ready, meanwhile: Callable[[], None] | None
    ) -> tuple[list[Stored], dict[UUID, UUID]]:
        """Store lines with their pasts and rejections; return their results and new aliases."""
        prepared, pasts = ready
        rows = [self._of_here(row) for row in prepared.rows]
        stored = self._store_rows(rows, prepared.model, meanwhile)
        new = [row for row, each in zip(rows, stored, strict=True) if each.outcome is Outcome.STORED]
        if new:
            decision = next(each.decision for each in stored if each.decision is not None)
            self._set_owners(new)
            write_parts(self.organisation, new, database_now())
            write_pasts(self.organisation, new, pasts, decision)
            self._reject_values(new, decision)
        aliases = self._link_aliases(rows, stored)
        self._point_to_successors(lines)
        self._link_by_id(lines)
        return stored, aliases

    def _set_owners(self, new: list[Row]) -> None:
        """Give memories to the principals that owned them, as far as this organisation has principals of their names."""
        named = {row.id: row.draft.past.owner for row in new if row.draft.past and row.draft.past.owner}
        if not named:
            return
        rows = PrincipalRecord.objects.filter(organisation_id=self.organisation, name__in=set(named.values()))
        known = dict(rows.values_list("name", "id"))
        owners = [(memory, known[name]) for memory, name in named.items() if name in known]
        if owners:
            values = dict(zip(("memories", "owners"), index_rows.columns(owners), strict=True))
            with raw_cursor() as cursor:
                cursor.execute(SET_OWNERS, values | {"organisation": self.organisation})

    def _recall(self, body: dict[str, Any], report: Report, lines: list[Line]) -> None:
        self.aliases |= {UUID(one): UUID(other) for one, other in body.get("aliases", {}).items()}
        again = [line for line in lines if line[0] in body.get("waiting", ())]
        self.waiting += again
        report.skipped = len(lines) - len(again)
        # external ids were not saved; take them from the lines
        read = {number: read.draft for number, read, _ in lines}
        for each in body.get("refused", ()):
            if each["line"] in read:
                name = read[each["line"]].external_id
                report.refused.append(each | ({"external_id": name} if name else {}))
        self._point_to_successors(lines)
        self._link_by_id(lines)

    def _of_here(self, row: Row) -> Row:
        """Return a row with its sources' ids replaced by aliases."""
        if not self.aliases.keys() & set(row.draft.derived_from):
            return row
        sources = tuple(self.aliases.get(each, each) for each in row.draft.derived_from)
        return replace(row, draft=replace(row.draft, derived_from=sources))

    def _store_rows(
        self, rows: list[Row], model: int | None, meanwhile: Callable[[], None] | None
    ) -> list[Stored]:
        """Store rows, without those whose source is refused."""
        if any(row.state is TrustState.REJECTED for row in rows):
            # take all value locks in order, to prevent deadlocks between imports
            tombstones.lock_values(self.organisation, [key for row in rows for key in row.keys])
        barred: set[UUID] = set()
        while True:
            undo = transaction.savepoint()
            chosen = [row for row in rows if row.id not in barred]
            stored = (
                commit(
                    self.organisation,
                    OPERATOR,
                    Prepared(tuple(chosen), model),
                    operation=IMPORT,
                    meanwhile=meanwhile,
                )
                if chosen
                else []
            )
            became = {row.id: each for row, each in zip(chosen, stored, strict=True)}
            without = {
                row.id
                for row in chosen
                if became[row.id].outcome is Outcome.STORED
                and any(
                    source in became and became[source].outcome not in (Outcome.STORED, Outcome.UNCHANGED)
                    for source in row.draft.derived_from
                )
            }
            if not without:
                break
            transaction.savepoint_rollback(undo)
            barred |= without
            meanwhile = None
        transaction.savepoint_commit(undo)
        return [
            became.get(row.id, Stored(row.id, Outcome.UNKNOWN_SOURCE, EmbeddingState.PENDING)) for row in rows
        ]

    def _link_aliases(self, rows: list[Row], stored: list[Stored]) -> dict[UUID, UUID]:
        """Record memories that exist under another id, and link derived memories of this batch to them."""
        aliases = {
            row.id: each.id
            for row, each in zip(rows, stored, strict=True)
            if each.outcome is Outcome.UNCHANGED and each.id != row.id
        }
        links = [
            (row.id, aliases[source])
            for row, each in zip(rows, stored, strict=True)
            if each.outcome is Outcome.STORED
            for source in row.draft.derived_from
            if source in aliases
        ]
        if links:
            writes.link_sources(self.organisation, links)
        self.aliases |= aliases
        return aliases

    def _report(self, report: Report, lines: list[Line], stored: list[Stored]) -> list[int]:
        """Count results in the report; return the numbers of lines that wait for a source."""
        waiting = []
        for (number, read, row), each in zip(lines, stored, strict=True):
            if each.outcome is Outcome.STORED:
                report.stored += 1
            elif each.outcome is Outcome.UNCHANGED:
                report.unchanged += 1
            elif each.outcome is Outcome.UNKNOWN_SOURCE:
                self.waiting.append((number, read, row))
                waiting.append(number)
            else:
                report.refused.append(shortened(line_result(number, read.draft, each)))
        return waiting

    def _reject_values(self, new: list[Row], decision: UUID) -> None:
        """Reject the values of imported rejected memories."""
        for row in new:
            if row.state is TrustState.REJECTED and row.keys:
                tombstones.reject_value(
                    organisation=self.organisation,
                    scope=row.draft.scope,
                    text=row.draft.content,
                    memory=row.id,
                    decision=decision,
                    at=database_now(),
                )

    def _point_to_successors(self, lines: list[Line]) -> None:
        """Set the successors of memories if both exist."""
        here = set()
        for _, read, row in lines:
            here.add(row.id)
            past = read.draft.past
            if past is not None and read.superseded_by is not None:
                self.successors[row.id] = (read.superseded_by, str(past.state), past.version)
        due = [
            (memory, *named)
            for memory, named in self.successors.items()
            if memory in here or named[0] in here
        ]
        if not due:
            return
        names = ("memories", "successors", "states", "versions")
        values = dict(zip(names, index_rows.columns(due), strict=True))
        with raw_cursor() as cursor:
            pointed = cursor.execute(SET_SUCCESSORS, values | {"organisation": self.organisation}).fetchall()
        for (memory,) in pointed:
            del self.successors[memory]

    def _link_by_id(self, lines: list[Line]) -> None:
        """Write links by id between memories that exist; keep those whose target may come later."""
        due: list[tuple[UUID, LinkDraft]] = []
        for _, read, row in lines:
            due += [(row.id, link) for link in read.links]
            due += self.links.pop(row.id, ())
        if not due:
            return

        def of_here(memory: UUID) -> UUID:
            return self.aliases.get(memory, memory)

        ends = [(of_here(memory), of_here(link.target), link) for memory, link in due if link.target]
        known = existing(organisation=self.organisation, memories=[end for each in ends for end in each[:2]])
        writes.insert_links(
            self.organisation,
            [
                (memory, "", replace(link, target=target))
                for memory, target, link in ends
                if {memory, target} <= known
            ],
        )
        for memory, link in due:
            if link.target and of_here(link.target) not in known:
                self.links.setdefault(link.target, []).append((memory, link))


def _kept(refused: list[dict[str, Any]], lines: list[Line]) -> list[dict[str, Any]]:
    """Return the results of refused lines to save with a batch's key, without content of the lines."""
    read = {number for number, _, _ in lines}
    return [
        {name: value for name, value in each.items() if name != "external_id"}
        for each in refused
        if each["line"] in read
    ]
