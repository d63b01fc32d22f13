"""Celery tasks of memory."""

from uuid import UUID

from celery import shared_task
from django.conf import settings

from liftos.kernel.embedding import EmbedderUnavailable
from liftos.kernel.http.idempotency.keys import list_organisations_with_stale_keys, prune
from liftos.kernel.jobs import send_hint
from memory.bulk.jobs import list_organisations_with_bulk_work, work_on_next_chunk
from memory.conversations.extraction.work import (
    configured_extractor,
    extract_next,
    list_organisations_with_waiting_turns,
)
from memory.documents.jobs import list_organisations_with_document_work, work_on_next_job
from memory.erasure.deletions import list_organisations_with_deletions, work_on_next_thousand
from memory.index.postings.packing import list_organisations_to_pack, pack_next
from memory.index.vector_graph import grow_graph, list_organisations_outside_graph
from memory.queries import list_organisations_with_pending
from memory.reembedding import heal_pending
from memory.reindexing import begin, list_organisations_to_reindex, rebuild
from memory.retention.operations import apply_rules, list_organisations_with_rules
from memory.trust.expiry import expire_due, list_organisations_with_expired


@shared_task(name="memory.heal_pending_embeddings")
def heal_pending_embeddings(organisation: str) -> None:
    """Embed an organisation's memories that lack a vector; if the embedder is unavailable, leave them to the sweep."""
    try:
        while heal_pending(organisation=UUID(organisation)):
            pass
    except EmbedderUnavailable:
        return


@shared_task(name="memory.sweep_pending_embeddings")
def sweep_pending_embeddings() -> None:
    """Queue organisations with memories that lack a vector, in case a hint was lost."""
    for organisation in list_organisations_with_pending():
        send_hint("memory.heal_pending_embeddings", organisation)


@shared_task(name="memory.sweep_lives")
def sweep_lives() -> None:
    """Expire memories, apply retention rules, delete old idempotency keys, and queue work whose hint was lost."""
    for organisation in list_organisations_with_expired():
        while expire_due(organisation=organisation):
            pass
    for organisation in list_organisations_with_rules():
        apply_rules(organisation=organisation)
    hours = settings.LIFTOS_IDEMPOTENCY_HOURS
    for organisation in list_organisations_with_stale_keys(hours):
        prune(organisation=organisation, hours=hours)
    for organisation in list_organisations_with_bulk_work():
        send_hint("memory.work_on_bulk_jobs", organisation)
    if configured_extractor() is not None:
        for organisation in list_organisations_with_waiting_turns():
            send_hint("memory.extract_from_turns", organisation)
    for organisation in list_organisations_with_deletions():
        send_hint("memory.work_on_deletions", organisation)
    for organisation in list_organisations_with_document_work():
        send_hint("memory.work_on_document_jobs", organisation)


@shared_task(name="memory.work_on_bulk_jobs")
def work_on_bulk_jobs(organisation: str) -> None:
    """Process the chunks of an organisation's bulk jobs."""
    while work_on_next_chunk(organisation=UUID(organisation)):
        pass


@shared_task(name="memory.work_on_deletions")
def work_on_deletions(organisation: str) -> None:
    """Erase the memories of an organisation's deletions."""
    while work_on_next_thousand(organisation=UUID(organisation)):
        pass


@shared_task(name="memory.extract_from_turns")
def extract_from_turns(organisation: str) -> None:
    """Let the configured extractor propose memories from an organisation's new turns."""
    extractor = configured_extractor()
    while extractor is not None and extract_next(organisation=UUID(organisation), extractor=extractor):
        pass


@shared_task(name="memory.work_on_document_jobs")
def work_on_document_jobs(organisation: str) -> None:
    """Store the documents of an organisation's jobs."""
    while work_on_next_job(organisation=UUID(organisation)):
        pass


@shared_task(name="memory.pack_postings")
def pack_postings(organisation: str) -> None:
    """Pack an organisation's postings, and merge its segments."""
    while pack_next(UUID(organisation)):
        pass


@shared_task(name="memory.sweep_postings")
def sweep_postings() -> None:
    """Queue the organisations with postings to pack."""
    for organisation in list_organisations_to_pack():
        send_hint("memory.pack_postings", organisation)


@shared_task(name="memory.grow_graph")
def put_into_graph(organisation: str) -> None:
    """Insert a large organisation's vectors into the graph."""
    while grow_graph(UUID(organisation)):
        pass


@shared_task(name="memory.sweep_graph")
def sweep_graph() -> None:
    """Queue the large organisations with vectors outside the graph."""
    for organisation in list_organisations_outside_graph():
        send_hint("memory.grow_graph", organisation)


@shared_task(name="memory.reindex")
def reindex(organisation: str) -> None:
    """Rebuild an organisation's index of words, if an earlier analyser built it."""
    begin(organisation=UUID(organisation))
    for _ in rebuild(organisation=UUID(organisation)):
        pass


@shared_task(name="memory.sweep_indexes")
def sweep_indexes() -> None:
    """Queue the organisations whose index of words an earlier analyser built."""
    for organisation in list_organisations_to_reindex():
        send_hint("memory.reindex", organisation)
