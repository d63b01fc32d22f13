"""A viewer of groups without a scope of its own, as a member of staff has, acts on several groups' memories."""

from uuid import UUID

import pytest

from accountability.decisions.recording import record_own
from accountability.inputs import DecisionIn
from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYTHING, SYSTEM_SCOPE, Viewer, viewing
from liftos.kernel.tenancy.queries import viewer_of
from liftos.kernel.tenancy.types import SYSTEM
from memory.erasure.operations import forget
from memory.search.service import search
from memory.search.types import SearchRequest
from memory.trust.revision import revise
from tests.factories.principals import group_of, key_of, principal_of

pytestmark = pytest.mark.django_db


def test_what_it_does_to_rows_of_several_groups_is_recorded_for_operators(acme):
    groups = [group_of(acme, name) for name in ("sales", "legal")]
    principal = principal_of(acme, "alice", *groups)
    alice = key_of(acme, principal)
    ids = [UUID(alice.store(f"canary {each}", visible_to={"groups": [each.name]})) for each in groups]
    hers = viewer_of(organisation=acme.organisation, principal=principal.id)
    staff = Viewer(tuple(scope for scope in hers.scopes if scope != hers.own))
    act = {"organisation": acme.organisation, "by": SYSTEM}
    with viewing(staff):
        draft = DecisionIn(operation="agent.compare", reasoning="both are true", memories=ids)
        decision = record_own(**act, draft=draft)
        assert len(search(**act, request=SearchRequest(query="canary")).hits) == 2
        revise(**act, memory=ids[0], changes={"importance": 0.1}, version=None)
        forget(**act, memory=ids[0])
    # neither the groups nor alice read what was said of both
    assert alice.get(f"/api/v1/decisions/{decision}").status_code == 404
    with viewing(EVERYTHING), tenant_transaction(acme.organisation):
        assert DecisionRecord.objects.get(id=decision).scope_id == SYSTEM_SCOPE
