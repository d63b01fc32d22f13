"""An erased memory is nowhere, its receipt says where it was, and the log still proves what was done."""

import json

import pytest
from django.db import connection

from accountability.ledger.verification import check_record
from accountability.models import DecisionPayload, DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import get_manager
from memory.ports import erasers as port
from tests.api.memory.trust.conftest import Life
from tests.api.routes import NOBODYS_ID

SECRET = "The password of the lighthouse is grault"


def everywhere(organisation, text):
    """Return the tables of the organisation in which a text stands, in any column."""
    with tenant_transaction(organisation), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organisation_id' "
            "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        )
        tables = [row[0] for row in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t::text ILIKE %s', [f"%{text}%"])
            if cursor.fetchone()[0]:
                found.append(table)
    return found


@pytest.fixture
def secret(acme, life):
    """A memory that has left traces wherever a memory can."""
    source = acme.store("A letter")
    memory = acme.store(
        SECRET,
        metadata={"key": "grault"},
        tags=["grault"],
        derived_from=[source],
        external_id="grault-1",
        source="s",
    )
    life.patch(
        memory,
        1,
        content="The password is now plugh, not grault",
        metadata={"key": "grault 2"},
        reason="grault is old",
    )
    life.correct(memory, "contest", reason="is grault right?")
    own = {"operation": "guess", "reasoning": "I read that it is grault", "memories": [memory]}
    assert acme.post("/api/v1/decisions", own).status_code == 201
    about = {"operation": "guess", "reasoning": "grault it is", "subject": {"kind": "memory", "id": memory}}
    assert acme.post("/api/v1/decisions", about).status_code == 201
    acme.store("What follows from it", derived_from=[memory])
    return memory


def test_nothing_is_left_of_what_it_said(acme, life, secret):
    before = everywhere(acme.organisation, "grault")
    assert {"memory_memory", "memory_memoryversion", "memory_posting", "memory_attribute"} <= set(before)
    assert "accountability_decisionpayload" in before
    receipt = life.erase(secret)
    assert everywhere(acme.organisation, "grault") == []
    assert everywhere(acme.organisation, "plugh") == []
    removed = receipt["removed"]
    assert (removed["versions"], removed["vectors"], removed["links"]) == (3, 2, 2)
    assert removed["attributes"] >= 2
    assert removed["words"] > 6
    assert removed["decision_payloads"] >= 4
    assert receipt["memory_id"] == secret
    assert len(receipt["derived_memories"]) == 1


def test_no_search_on_any_axis_finds_it(acme, life, secret):
    moment = acme.get(f"/api/v1/memories/{secret}").json()["recorded_at"]
    kept = acme.store("The password of the shed is open")
    later = acme.get(f"/api/v1/memories/{kept}").json()["recorded_at"]
    narrowed = [
        {},
        {"known_at": moment},
        {"known_at": later},
        {"as_of": later},
        {"states": ["active", "contested", "erased"]},
    ]
    assert secret in life.found("password", known_at=later)
    life.erase(secret)
    for search_type in ("neural", "knowledge", "hybrid"):
        for each in narrowed:
            assert secret not in life.found("password grault plugh", search_type=search_type, **each)
    assert kept in life.found("password")
    for path in ("", "/history"):
        assert acme.get(f"/api/v1/memories/{secret}{path}").status_code == 404
    assert (
        secret not in acme.get("/api/v1/memories?states=active,contested,erased,superseded").content.decode()
    )


def test_the_decisions_stay_and_their_proofs_hold(acme, life, secret):
    from accountability.ledger.sequencer import drain

    drain(organisation=acme.organisation)
    receipt = life.erase(secret)
    drain(organisation=acme.organisation)
    with tenant_transaction(acme.organisation):
        about = DecisionRecord.objects.filter(subject_id=secret)
        assert about.count() >= 4
        payloads = DecisionPayload.objects.filter(decision__in=about)
        assert [str(each.decision_id) for each in payloads] == [receipt["decision_id"]]
        for each in about:
            assert check_record(acme.organisation, each.id).holds, each.operation
    assert acme.get(f"/api/v1/decisions/{receipt['decision_id']}/proof").status_code == 200


def test_its_vectors_leave_the_cache(acme, life, secret):
    manager = get_manager()
    manager.embed(SECRET, organisation=acme.organisation)
    key = manager.cache_key(SECRET, organisation=acme.organisation)
    assert manager._cache.get(key) is not None
    receipt = life.erase(secret)
    assert manager._cache.get(key) is None
    assert receipt["caches"]["this_process"] == "removed"
    assert receipt["caches"]["shared_cache"] in ("removed", "gone by other_processes_until")
    assert receipt["caches"]["other_processes_until"] > receipt["recorded_at"]


def test_the_same_text_may_be_stored_again(acme, life):
    memory = acme.store(SECRET, external_id="e")
    life.erase(memory)
    again = acme.store(SECRET, external_id="e")
    assert again != memory
    assert life.found("password of the lighthouse") == [again]


def test_a_successor_that_is_erased_leaves_the_superseded_one(acme, life):
    old = acme.store("The keeper is Ann")
    new = life.correct(old, "supersede", content="The keeper is Bob")["superseded_by"]
    life.erase(new)
    kept = acme.get(f"/api/v1/memories/{old}").json()
    assert (kept["state"], kept["superseded_by"]) == ("superseded", None)
    life.erase(old)


@pytest.fixture
def erasers(monkeypatch):
    """The registered erasers, which a test may add to."""
    monkeypatch.setattr(port, "fillers", dict(port.fillers))


def test_other_apps_erase_what_they_made_of_it(acme, life, erasers):
    asked = []
    port.fill("drawings", lambda going: asked.extend(map(str, going.memories)) or 7)
    memory = acme.store("x")
    receipt = life.erase(memory)
    assert asked == [memory]
    assert receipt["removed"]["drawings"] == 7


def test_an_eraser_that_fails_leaves_everything_as_it_was(acme, life, erasers):
    def fail(going):
        raise RuntimeError("away")

    memory = acme.store(SECRET)
    port.fill("drawings", fail)
    assert acme.delete(f"/api/v1/memories/{memory}").status_code == 500
    assert life.found("password of the lighthouse") == [memory]


def test_anothers_memory_and_receipt_are_404(acme, rival):
    theirs = rival.store("x")
    assert acme.delete(f"/api/v1/memories/{theirs}").status_code == 404
    receipt = Life(rival).erase(theirs)
    assert acme.get(f"/api/v1/erasures/{receipt['id']}").status_code == 404
    assert acme.get(f"/api/v1/erasures/{NOBODYS_ID}").status_code == 404
    assert acme.get("/api/v1/erasures/x").status_code == 404


def test_vectors_of_neighbours_stay(acme, life):
    kept, gone = acme.store("The keeper is Ann"), acme.store("The keeper is Bob")
    with tenant_transaction(acme.organisation):
        from memory.models import MemoryVector

        before = MemoryVector.objects.get(memory_id=kept).embedding
        life.erase(gone)
        assert MemoryVector.objects.get(memory_id=kept).embedding == before


@pytest.mark.parametrize("body", [{"reason": 5}, [], "x"])
def test_invalid_reason_is_422(acme, body):
    memory = acme.store("x")
    response = acme.client.delete(
        f"/api/v1/memories/{memory}",
        json.dumps(body),
        content_type="application/json",
        headers={"authorization": f"Bearer {acme.token}"},
    )
    assert response.status_code == 422
    assert acme.get(f"/api/v1/memories/{memory}").status_code == 200


def test_an_erased_id_is_not_imported_again(acme, life):
    from uuid import UUID

    from liftos.kernel.tenancy.types import SYSTEM
    from memory.operations import remember_many
    from memory.types import MemoryDraft, Outcome, Past

    memory = acme.store(SECRET, source="crm", external_id="e-1")
    life.erase(memory)
    drafts = [
        MemoryDraft(SECRET, past=Past(UUID(memory))),
        MemoryDraft(SECRET, source="crm", external_id="e-1", past=Past(UUID(NOBODYS_ID))),
        MemoryDraft("Another", past=Past(UUID("019a0000-0000-7000-8000-000000000001"))),
    ]
    stored = remember_many(organisation=acme.organisation, by=SYSTEM, drafts=drafts)
    assert [each.outcome for each in stored] == [Outcome.ERASED, Outcome.ERASED, Outcome.STORED]
