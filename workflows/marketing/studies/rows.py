"""Keep the typed rows of estimates equal to the memories of their studies."""

from collections.abc import Sequence
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor, whole_tenant
from liftos.kernel.erasure.types import Going
from memory.types import VISIBLE
from workflows.marketing.entry_rows import is_ingesting
from workflows.marketing.studies.statements import DELETE_STUDIES, FOLLOW_STUDIES
from workflows.marketing.studies.types import StudyKind


def follow_studies(organisation: UUID, memories: Sequence[UUID]) -> None:
    """Write the rows of memories that are studies, and remove those of memories that no longer are. See `memory.ports.Follower`."""
    if is_ingesting():
        return
    values = {
        "organisation": organisation,
        "memories": list(memories),
        "kinds": [str(each) for each in StudyKind],
        "visible": [str(each) for each in VISIBLE],
    }
    raw_cursor().execute(FOLLOW_STUDIES, values)


def erase_studies(going: Going) -> int:
    """Remove the rows of erased memories; return their number. See `memory.ports.Eraser`."""
    with whole_tenant(going.organisation), raw_cursor() as cursor:
        return cursor.execute(DELETE_STUDIES, (going.organisation, list(going.memories))).rowcount
