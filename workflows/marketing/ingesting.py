"""Ingest entries: each becomes a memory, and by `entry_rows` a typed row. A batch is one transaction with one decision.

Small batches are embedded at once. Larger ones are left to the workers that heal pending vectors, because the model would take
seven milliseconds an entry; words and figures can be searched at once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic_core import PydanticCustomError

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.ids import new_id
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.errors import ExternalIdTaken
from memory.operations import Prepared, commit, embed_rows, raise_refusal, read_drafts
from memory.policy_types import Secrets
from memory.secrets.screening import screen
from memory.trust.revision import PreparedRevision, commit_revision, prepare_revision
from memory.types import VISIBLE, MemoryDraft, Outcome, Stored, TrustState
from workflows.marketing.calendar import calendar_of
from workflows.marketing.entry_rows import insert_entries, rows_written_by_ingest
from workflows.marketing.measures import number
from workflows.marketing.queries import Known, find_entries
from workflows.marketing.reading import Batch
from workflows.marketing.types import DataSource, EntryDraft

OPERATION = "memory.ingest_marketing"
AT_ONCE = 100
"""Entries up to which a batch is embedded by the request that ingests it."""
MAX_METADATA_BYTES = 8_192
NAMES = {
    DataSource.META_BUSINESS: "Meta", DataSource.GOOGLE_ADS: "Google Ads", DataSource.WOOCOMMERCE: "WooCommerce",
    DataSource.AMAZON_SELLER_CENTRAL: "Amazon Seller Central", DataSource.HUBSPOT: "HubSpot", DataSource.PAYPAL: "PayPal",
    DataSource.TIKTOK: "TikTok", DataSource.ZOHO_CRM: "Zoho CRM", DataSource.LINKEDIN_ADS: "LinkedIn Ads", DataSource.X_ADS: "X Ads",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PreparedIngest:
    """A batch ready to commit.

    Attributes:
        batch: the entries as they were read.
        new: the memories of those that are not stored yet, by index.
        prepared: the rows of `new`, in their order.
        changed: the revisions of those that are stored with other figures, by index.
        known: those that are stored, by index.
    """

    batch: Batch
    new: Mapping[int, UUID]
    prepared: Prepared
    changed: Mapping[int, PreparedRevision] = field(default_factory=dict)
    known: Mapping[int, Known] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ingested:
    """An entry after its ingest: `outcome` is stored, unchanged or changed."""

    entry_id: UUID
    memory_id: UUID
    outcome: str
    draft: EntryDraft


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a batch: its entries by index, and the 422 items of those that were not stored."""

    entries: dict[int, Ingested]
    rejected: list[dict[str, Any]]
    decision: UUID | None = None


def small_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return a request's metadata, which every entry's memory gets, if they are small."""
    if len(json.dumps(metadata)) > MAX_METADATA_BYTES:
        raise PydanticCustomError(
            "metadata_too_long",
            "Metadata should have at most {most} bytes as JSON",
            {"most": MAX_METADATA_BYTES},
        )
    return metadata


def prepare_ingest(
    *,
    organisation: UUID,
    batch: Batch,
    metadata: Mapping[str, Any],
    partial: bool,
    trust: TrustState = TrustState.ACTIVE,
) -> PreparedIngest:
    """Make the memories of a batch, and analyse them. Calls the model: don't call inside a transaction.

    Args:
        organisation: the tenant.
        batch: the entries.
        metadata: of the request, which each memory gets.
        partial: whether the entries that could be read are stored although others could not.
        trust: the highest trust state the caller may store.

    Raises:
        InvalidRequest: entries can't be read, and not `partial`.
    """
    if batch.problems and not partial:
        raise InvalidRequest(batch.items)
    stored = find_entries(organisation=organisation, drafts=batch.drafts)
    entry_ids = {index: new_id() for index in batch.drafts if index not in stored}
    drafts = {
        index: memory_of(batch.drafts[index], entry_id, metadata) for index, entry_id in entry_ids.items()
    }
    changed = {}
    restated = {
        index: draft
        for index, known in stored.items()
        if ((draft := memory_of(batch.drafts[index], known.entry_id, metadata)).content, draft.metadata)
        != (known.content, known.metadata)
    }
    for index, draft in restated.items():
        revision = prepare_revision(
            organisation=organisation,
            memory=stored[index].memory_id,
            changes={"content": draft.content, "metadata": draft.metadata},
            version=None,
            embed=len(restated) <= AT_ONCE,
        )
        if revision.row is not None:
            changed[index] = revision
    # one scan for the batch instead of thirty for each entry
    secrets = None if _may_have_secrets(batch, metadata) else Secrets.ALLOW
    rows = read_drafts(organisation, list(drafts.values()), trust, secrets=secrets)
    prepared = embed_rows(organisation, rows) if len(rows) <= AT_ONCE else Prepared(tuple(rows), None)
    return PreparedIngest(batch, entry_ids, prepared, changed, stored)


def _may_have_secrets(batch: Batch, metadata: Mapping[str, Any]) -> bool:
    """Return whether any text of a batch looks like a secret. Ids of digits are no card numbers."""
    texts = {
        text
        for each in batch.drafts.values()
        for text in (
            each.source_id,
            each.campaign_id,
            each.campaign_name,
            each.channel,
            each.geo,
            each.time_zone,
        )
        if text and not text.isdigit()
    }
    found = screen(MemoryDraft("\n".join(sorted(texts)), dict(metadata)), lambda: Secrets.FLAG)[1]
    return found is not None


def commit_ingest(
    *, organisation: UUID, by: Actor, prepared: PreparedIngest, partial: bool, loc: tuple[str | int, ...]
) -> Result:
    """Store a prepared batch in one transaction: all of it or nothing, unless `partial`.

    Args:
        organisation: the tenant.
        by: the actor.
        prepared: the batch.
        partial: whether the other entries are stored if some are refused.
        loc: where the entries stand in the request.

    Raises:
        InvalidRequest: entries are refused, and not `partial`.
    """
    rejected = list(prepared.batch.items)
    entries: dict[int, Ingested] = {}
    decision = None
    count = len(prepared.batch.drafts)
    observed = observe_operation(OPERATION, organisation=str(organisation), count=count)
    with observed.count_in(prepared.prepared.took_ns), tenant_transaction(organisation):
        stored = _store(organisation, by, prepared) if prepared.new else []
        for (index, entry_id), each in zip(prepared.new.items(), stored, strict=True):
            refusal = _refusal(each, (*loc, index))
            if refusal is not None:
                rejected.append(refusal)
                continue
            decision = each.decision
            entries[index] = Ingested(entry_id, each.id, str(each.outcome), prepared.batch.drafts[index])
        if rejected and not partial:
            raise InvalidRequest(rejected)
        for index, known in prepared.known.items():
            outcome = "unchanged"
            if index in prepared.changed:
                commit_revision(
                    organisation=organisation,
                    by=by,
                    prepared=prepared.changed[index],
                    reason="The platform has restated the entry.",
                )
                outcome = "changed"
            entries[index] = Ingested(known.entry_id, known.memory_id, outcome, prepared.batch.drafts[index])
    return Result(dict(sorted(entries.items())), rejected, decision)


def _store(organisation: UUID, by: Actor, prepared: PreparedIngest) -> list[Stored]:
    """Store the new entries' memories with their rows."""
    with rows_written_by_ingest():
        stored = commit(organisation, by, prepared.prepared, operation=OPERATION)
    written = [
        (
            each.id,
            entry_id,
            prepared.batch.drafts[index],
            row.state in VISIBLE and "state" not in each.mark,
            row.draft.scope,
        )
        for (index, entry_id), row, each in zip(
            prepared.new.items(), prepared.prepared.rows, stored, strict=True
        )
        if each.outcome is Outcome.STORED
    ]
    insert_entries(organisation, written)
    return stored


def _refusal(stored: Stored, loc: tuple[str | int, ...]) -> dict[str, Any] | None:
    if stored.outcome is Outcome.CONFLICT:
        # another request has stored it meanwhile, or a memory that is not an entry has its external id
        error: Any = ExternalIdTaken(stored.id)
        return item(error.code, (*loc, "id"), error.message)
    try:
        raise_refusal(stored)
    except Exception as refused:  # noqa: BLE001  those of raise_refusal
        code = getattr(refused, "code", "liftos.error")
        return item(code, loc, getattr(refused, "message", "Refused"))
    return None


def memory_of(entry: EntryDraft, entry_id: UUID, metadata: Mapping[str, Any]) -> MemoryDraft:
    """Return the memory of an entry: a sentence with its figures, and the figures as metadata."""
    calendar = calendar_of(entry.starts_on)
    optional = {
        "campaign_name": entry.campaign_name,
        "geo": entry.geo,
        "currency": entry.currency,
        "time_zone": entry.time_zone,
    }
    own = {
        "data_source": str(entry.source),
        "source_id": entry.source_id,
        "date_range_start": entry.starts_on.isoformat(),
        "date_range_end": entry.ends_on.isoformat(),
        "entry_id": str(entry_id),
        "campaign_id": entry.campaign_id,
        "channel": entry.channel,
        **{name: number(amount) for name, amount in entry.figures.items()},
        **{name: calendar[name] for name in ("date", "year", "quarter", "month", "season")},
        **{name: value for name, value in optional.items() if value},
    }
    return MemoryDraft(
        content=sentence(entry),
        metadata=dict(metadata) | own,
        memory_type=entry.memory_type,
        source=str(entry.source),
        external_id=external_id(entry),
    )


def external_id(entry: EntryDraft) -> str:
    """Return what an entry's memory is known by within its source."""
    return f"{entry.source_id}@{entry.starts_on}..{entry.ends_on}"


def sentence(entry: EntryDraft) -> str:
    """Return an entry as a readable sentence."""
    name = NAMES.get(entry.source, str(entry.source).replace("_", " ").title())
    campaign = " ".join(filter(None, (entry.campaign_name, entry.campaign_id and f"({entry.campaign_id})")))
    days = str(entry.starts_on)
    if entry.ends_on != entry.starts_on:
        days += f" to {entry.ends_on}"
    currency = f" {entry.currency}" if entry.currency else ""
    said = [
        f"{measure} {amount.normalize():,f}{currency if measure in ('spend', 'revenue') else ''}"
        for measure, amount in entry.figures.items()
        if amount is not None
    ]
    where = "".join((f", campaign {campaign}" if campaign else "", f" in {entry.geo}" if entry.geo else ""))
    return f"{name}{where}, {days}: {', '.join(said) or 'no figures'} (entry {entry.source_id})."
