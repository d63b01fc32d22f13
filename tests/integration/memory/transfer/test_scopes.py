"""An export says by names who sees a memory, and an import places it so or refuses it."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from liftos.kernel.db.transactions import read_column, tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY, seeing_everything, viewing
from tests.conftest import make_caller
from tests.factories.principals import group_of, key_of, principal_of

pytestmark = pytest.mark.django_db


def people(caller):
    sales = group_of(caller, "sales")
    return key_of(caller, principal_of(caller, "alice", sales)), key_of(caller, principal_of(caller, "bob"))


def move(giver, taker, path):
    call_command("export_memories", giver.slug, path, stderr=StringIO())
    out = StringIO()
    call_command("import_memories", taker.slug, path, json=True, stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


@pytest.fixture
def filled(acme):
    alice, bob = people(acme)
    private = alice.store("The canary of alice", visible_to={"principal": "alice"}, external_id="a")
    alice.store("The canary of sales", visible_to={"groups": ["sales"]})
    bob.store("The canary of all", external_id="a")
    headers = {"authorization": f"Bearer {alice.token}", "if-match": '"1"'}
    changed = alice.client.patch(
        f"/api/v1/memories/{private}",
        json.dumps({"content": "The new canary of alice"}),
        content_type="application/json",
        headers=headers,
    )
    assert changed.status_code == 200
    return acme


def seen(caller):
    return {each["content"]: each["visible_to"] for each in caller.get("/api/v1/memories").json()["results"]}


def test_import_keeps_who_sees_a_memory(filled, tmp_path):
    other = make_caller("Other")
    alice, bob = people(other)
    report = move(filled, other, tmp_path / "memories.jsonl")
    assert (report["stored"], report["refused"]) == (3, 0), report
    assert seen(bob) == {"The canary of all": "organisation"}
    assert seen(alice) == {
        "The canary of all": "organisation",
        "The canary of sales": {"groups": ["sales"]},
        "The new canary of alice": {"principal": "alice"},
    }
    with viewing(EVERYBODY), tenant_transaction(other.organisation):
        for table in ("memory_memoryversion", "memory_posting", "memory_memoryvector"):
            assert set(read_column(f"SELECT scope_id FROM {table}")) <= {0}
    with seeing_everything(), tenant_transaction(other.organisation):
        assert 0 not in read_column("SELECT scope_id FROM memory_memoryversion")


def test_memory_of_unknown_groups_is_refused(filled, tmp_path):
    other = make_caller("Other")
    principal_of(other, "alice")
    with pytest.raises(CommandError, match="No group called 'sales'"):
        move(filled, other, tmp_path / "memories.jsonl")
    assert seen(other) == {"The canary of all": "organisation"}


def test_import_keeps_owners_by_name(filled, tmp_path):
    other = make_caller("Other")
    alice = key_of(other, principal_of(other, "alice", group_of(other, "sales")))
    file = tmp_path / "memories.jsonl"
    move(filled, other, file)
    owners = {
        json.loads(each)["content"]: json.loads(each).get("owner")
        for each in file.read_text().splitlines()[1:]
    }
    assert owners == {
        "The canary of all": "bob", "The canary of sales": "alice", "The new canary of alice": "alice",
    }  # fmt: skip
    with seeing_everything(), tenant_transaction(other.organisation):
        statement = "SELECT content || coalesce(' ' || p.name, '') FROM memory_memory AS m LEFT JOIN tenancy_principal AS p ON p.id = m.owner"
        kept = sorted(read_column(statement, {}))
    assert kept == [
        "The canary of alice alice", "The canary of all", "The canary of sales alice", "The new canary of alice alice",
    ]  # fmt: skip
    # its owner may show it to others, as at home
    memory = next(
        each for each in alice.get("/api/v1/memories").json()["results"] if "new canary" in each["content"]
    )
    changed = alice.patch(
        f"/api/v1/memories/{memory['id']}",
        {"visible_to": {"groups": ["sales"]}},
        **{"if-match": f'"{memory["version"]}"'},
    )
    assert changed.status_code == 200, changed.content
