"""Reads of conversations, inside the caller's tenant transaction."""

from uuid import UUID

from memory.conversations.errors import ConversationNotFound
from memory.models import ConversationTurn


def list_turns(*, organisation: UUID, thread: str, after: int, limit: int) -> list[ConversationTurn]:
    """Return a page of a thread's turns in order, with their memories.

    Args:
        organisation: the tenant.
        thread: the conversation.
        after: the number of the last turn of the previous page; 0 for the first page.
        limit: page size.

    Raises:
        ConversationNotFound: it has no turns in this organisation.
    """
    turns = ConversationTurn.objects.filter(organisation_id=organisation, thread=thread)
    found = list(turns.filter(number__gt=after).select_related("memory").order_by("number")[:limit])
    if not found and not turns.exists():
        raise ConversationNotFound
    return found
