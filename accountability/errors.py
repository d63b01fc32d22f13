"""What accountability refuses, each with its code; the docstring is the default message."""

from liftos.kernel.errors import Conflict, InvalidInput, NotFound, PermissionDenied


class DecisionNotFound(NotFound):
    """There is no such decision."""

    code = "accountability.decision_not_found"


class RecordTooLong(InvalidInput):
    """The record without its payload is longer than an entry of the log may be."""

    code = "accountability.record_too_long"


class UnknownParent(InvalidInput):
    """A parent is not a decision of this organisation."""

    code = "accountability.unknown_parent"


class ReservedOperation(InvalidInput):
    """This operation is the service's own: only the service puts it on record."""

    code = "accountability.reserved_operation"


class OwnDecision(PermissionDenied):
    """Nobody reviews their own decision."""

    code = "accountability.own_decision"


class ReviewForbidden(Conflict):
    """The state of the review does not allow that."""

    code = "accountability.review_forbidden"


class NotIntegrated(Conflict):
    """The record waits for its place in the log; ask again in a moment, or with wait=integrated."""

    code = "accountability.not_integrated"


class LogEmpty(NotFound):
    """The log has no checkpoint yet."""

    code = "accountability.log_empty"


class InvalidSize(InvalidInput):
    """Sizes must satisfy 1 <= from <= to <= the log's size."""

    code = "accountability.invalid_size"


class NoSuchTile(NotFound):
    """The log has no such tile, or not yet so wide."""

    code = "accountability.no_such_tile"


class EntryTooLong(Conflict):
    """A record of this bundle is too long for one: fetch the tile of level 0 in its place, and the record's own proof."""

    code = "accountability.entry_too_long"


class LogTooLong(Conflict):
    """The log is too long to be verified in a request; `manage.py verify_ledger` verifies it."""

    code = "accountability.log_too_long"
