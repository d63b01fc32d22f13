"""Coded errors of accountability; the docstring is the default message."""

from liftos.kernel.errors import Conflict, InvalidInput, NotFound, PermissionDenied


class DecisionNotFound(NotFound):
    """Decision not found."""


class RecordTooLong(InvalidInput):
    """The record without its payload exceeds the size of a log entry."""


class UnknownParent(InvalidInput):
    """A parent is not a decision of this organisation."""


class ReservedOperation(InvalidInput):
    """This operation is reserved for the service."""


class OwnDecision(PermissionDenied):
    """This is your own decision; another reviewer must review it."""


class ReviewForbidden(Conflict):
    """The review's state does not allow this verdict."""


class OutcomeForbidden(Conflict):
    """Reviews and outcomes have no outcomes of their own."""


class NotIntegrated(Conflict):
    """The record is still waiting for its place in the log; retry, or pass wait=integrated."""


class LogEmpty(NotFound):
    """The log has no checkpoint yet."""


class InvalidSize(InvalidInput):
    """Sizes must satisfy 1 <= from <= to <= the log's size."""


class NoSuchTile(NotFound):
    """Tile not found, or not yet that wide."""


class EntryTooLong(Conflict):
    """An entry of this bundle exceeds 65,535 bytes; use the level 0 tile and the record's own proof instead."""


class LogTooLong(Conflict):
    """The log is too long to verify in a request; use `manage.py verify_ledger`."""
