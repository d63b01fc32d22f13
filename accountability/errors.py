"""Coded errors of accountability; the docstring is the default message."""

from liftos.kernel.errors import Conflict, InvalidInput, NotFound, PermissionDenied


class DecisionNotFound(NotFound):
    """Decision not found."""

    code = "accountability.decision_not_found"


class RecordTooLong(InvalidInput):
    """The record without its payload exceeds the size of a log entry."""

    code = "accountability.record_too_long"


class UnknownParent(InvalidInput):
    """A parent is not a decision of this organisation."""

    code = "accountability.unknown_parent"


class ReservedOperation(InvalidInput):
    """This operation is reserved for the service."""

    code = "accountability.reserved_operation"


class OwnDecision(PermissionDenied):
    """This is your own decision; another reviewer must review it."""

    code = "accountability.own_decision"


class ReviewForbidden(Conflict):
    """The review's state does not allow this verdict."""

    code = "accountability.review_forbidden"


class NotIntegrated(Conflict):
    """The record is still waiting for its place in the log; retry, or pass wait=integrated."""

    code = "accountability.not_integrated"


class LogEmpty(NotFound):
    """The log has no checkpoint yet."""

    code = "accountability.log_empty"


class InvalidSize(InvalidInput):
    """Sizes must satisfy 1 <= from <= to <= the log's size."""

    code = "accountability.invalid_size"


class NoSuchTile(NotFound):
    """Tile not found, or not yet that wide."""

    code = "accountability.no_such_tile"


class EntryTooLong(Conflict):
    """An entry of this bundle exceeds 65,535 bytes; use the level 0 tile and the record's own proof instead."""

    code = "accountability.entry_too_long"


class LogTooLong(Conflict):
    """The log is too long to verify in a request; use `manage.py verify_ledger`."""

    code = "accountability.log_too_long"
