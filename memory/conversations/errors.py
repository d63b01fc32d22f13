"""Errors of conversations."""

from liftos.kernel.errors import NotFound


class ConversationNotFound(NotFound):
    """There is no such conversation."""

    code = "conversation.not_found"
