"""Background work on memories: load, then one operation."""

from uuid import UUID

from celery import shared_task

from liftos.embedding import EmbedderUnavailable
from liftos.jobs import send_hint
from memory import operations
from memory.queries import list_organisations_with_pending


@shared_task(name="memory.heal_pending_embeddings")
def heal_pending_embeddings(organisation: str) -> None:
    """Embed what waits in one organisation, until nothing does; an embedder still away leaves it for the sweep."""
    try:
        while operations.heal_pending(organisation=UUID(organisation)):
            pass
    except EmbedderUnavailable:
        return


@shared_task(name="memory.sweep_pending_embeddings")
def sweep_pending_embeddings() -> None:
    """Find work whose hint was lost."""
    for organisation in list_organisations_with_pending():
        send_hint("memory.heal_pending_embeddings", organisation)
