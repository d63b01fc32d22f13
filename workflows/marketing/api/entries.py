"""`/api/v1/marketing/entries`: store a platform's entries, list them, read one."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import not_before
from liftos.kernel.http.views import NativeView, by_method
from liftos.kernel.tenancy.types import Scope
from memory.inputs import Metadata
from memory.types import trust_of
from workflows.marketing.api.asking import EntriesQuery
from workflows.marketing.entries import StoredEntry, count_entries, get_entry, list_entries
from workflows.marketing.ingesting import PreparedIngest, commit_ingest, prepare_ingest, small_metadata
from workflows.marketing.insights import native_figures
from workflows.marketing.reading import read_entries
from workflows.marketing.types import MAX_ENTRIES, DataSource

PLACE = ("body", "entries")


class EntriesIn(Strict):
    """Entries of a platform as it writes them; the dates are those of entries that name none."""

    data_source: DataSource
    entries: list[Any] = Field(min_length=1, max_length=MAX_ENTRIES)
    date_from: date
    date_to: date
    metadata: Annotated[Metadata, AfterValidator(small_metadata)] | None = None
    partial: bool = False

    _in_order = not_before("date_to", "date_from")


class EntryOut(BaseModel):
    """A stored entry: `outcome` is stored, unchanged or changed; `index` is its place in the request."""

    index: int
    id: UUID
    memory_id: UUID
    outcome: str
    figures: dict[str, float | int | None]


class EntriesOut(BaseModel):
    """The result of a batch; `rejected` has the errors of entries that were not stored, with `partial`."""

    stored: int
    unchanged: int
    changed: int
    decision_id: UUID | None
    results: list[EntryOut]
    rejected: list[dict[str, Any]]


class EntriesStore(NativeView):
    """Stores entries of platforms."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}
    costly = True
    large_json = True

    def prepare(self) -> PreparedIngest:
        """Read and analyse the entries."""
        asked = self.body(EntriesIn)
        batch = read_entries(asked.data_source, asked.entries, asked.date_from, asked.date_to, loc=PLACE)
        return prepare_ingest(
            organisation=self.organisation,
            batch=batch,
            metadata=asked.metadata or {},
            partial=asked.partial,
            trust=trust_of(self.principal),
        )

    @described("marketing_entries_store", request=EntriesIn, responses={200: EntriesOut})
    @once(prepare=prepare)
    def post(self, request: Request, prepared: PreparedIngest) -> Response:
        """Store up to 10,000 entries, all or none; with `partial` those that can be stored."""
        partial = self.body(EntriesIn).partial
        result = commit_ingest(**self.caller, prepared=prepared, partial=partial, loc=PLACE)
        outcomes = [each.outcome for each in result.entries.values()]
        return Response(
            {
                "stored": outcomes.count("stored"),
                "unchanged": outcomes.count("unchanged"),
                "changed": outcomes.count("changed"),
                "decision_id": result.decision and str(result.decision),
                "results": [
                    {
                        "index": index,
                        "id": str(each.entry_id),
                        "memory_id": str(each.memory_id),
                        "outcome": each.outcome,
                        "figures": native_figures(each.draft.figures),
                    }
                    for index, each in result.entries.items()
                ],
                # without what was sent, which may be a person's
                "rejected": [
                    {name: each[name] for name in ("type", "loc", "msg")} for each in result.rejected
                ],
            }
        )


class EntriesListQuery(EntriesQuery, PageQuery):
    """A page of entries."""


class StoredEntryOut(BaseModel):
    """A stored entry: `id` is the entry's, `counts` whether sums have it; figures are null where the source does not say."""

    id: UUID
    memory_id: UUID
    data_source: str
    source_id: str
    date_from: date
    date_to: date
    campaign_id: str
    campaign_name: str
    channel: str
    geo: str
    currency: str
    time_zone: str
    counts: bool
    figures: dict[str, float | int | None]


class StoredEntryPage(BaseModel):
    """A page of entries, newest stored first; `total` counts those of all pages."""

    results: list[StoredEntryOut]
    next: str | None
    total: int


def _rendered(entry: StoredEntry) -> dict[str, Any]:
    fields = dict(entry.fields)
    return {
        "id": str(fields.pop("entry_id")),
        "memory_id": str(fields.pop("memory_id")),
        "date_from": fields.pop("starts_on").isoformat(),
        "date_to": fields.pop("ends_on").isoformat(),
        **fields,
        "figures": native_figures(entry.figures),
    }


class EntriesList(NativeView):
    """Lists entries of platforms."""

    scopes = {"GET": Scope.MEMORY_READ}

    @described("marketing_entries_list", query=EntriesListQuery, responses={200: StoredEntryPage})
    def get(self, request: Request) -> Response:
        """List the entries that count, newest stored first, by source, days, campaign, channel, region and currency."""
        asked = self.query(EntriesListQuery)
        entries = asked.asked()
        with tenant_transaction(self.organisation):
            rows = list_entries(
                organisation=self.organisation, asked=entries, limit=asked.limit + 1, before=asked.before
            )
            total = count_entries(organisation=self.organisation, asked=entries)
        shown = page(request._request, rows, asked.limit, [_rendered(each) for each in rows])
        return Response(shown | {"total": total})


class EntryDetail(NativeView):
    """An entry of a platform."""

    scopes = {"GET": Scope.MEMORY_READ}

    @described("marketing_entry", responses={200: StoredEntryOut})
    def get(self, request: Request, entry: UUID) -> Response:
        """Return an entry by its id or its memory's."""
        with tenant_transaction(self.organisation):
            return Response(_rendered(get_entry(organisation=self.organisation, entry=entry)))


Entries = by_method(get=EntriesList, post=EntriesStore)
