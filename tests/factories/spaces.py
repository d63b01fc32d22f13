"""A space with a row in each of its tables."""

from uuid import UUID

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM
from liftos.sample.space import add_sample_space
from memory.queries import list_memories
from memory.search.types import SearchRequest
from spaces.operations import add_member


def make_space_rows(organisation: UUID) -> None:
    """Create the sample's space with concepts and relations, and one of the organisation's memories as an explicit member."""
    space = add_sample_space(organisation)
    with tenant_transaction(organisation):
        [memory] = list_memories(organisation=organisation, limit=1, narrowed=SearchRequest(""))
    add_member(organisation=organisation, by=SYSTEM, space=space, memory=memory.id)
