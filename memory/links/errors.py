"""Errors of links."""

from liftos.kernel.errors import InvalidInput, NotFound


class LinkNotFound(NotFound):
    """There is no such link."""

    code = "memory.link_not_found"


class LinkTargetUnknown(InvalidInput):
    """The memory that a link names does not exist."""

    code = "memory.link_target_unknown"


class LinksToItself(InvalidInput):
    """A memory can't link to itself."""

    code = "memory.links_to_itself"
