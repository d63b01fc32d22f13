"""Whichever way a memory came, its history and its id lead to the decision that stored it."""

import json
from io import StringIO
from time import monotonic
from uuid import UUID

import pytest
from django.core.management import call_command

from liftos.kernel.functions import Call, get_function
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal
from memory.bulk.jobs import work_on_next_chunk

LINES = [{"content": f"case {number}", "external_id": str(number)} for number in range(3)]


def ndjson():
    return "".join(json.dumps(line) + "\n" for line in LINES)


def ids(caller):
    return [row["id"] for row in caller.get("/api/v1/memories").json()["results"]]


def alone(caller, tmp_path):
    del tmp_path
    for line in LINES:
        caller.post("/api/v1/memories", line)
    return "memory.store"


def bulk(caller, tmp_path):
    del tmp_path
    caller.send("/api/v1/memories/bulk", ndjson(), "application/x-ndjson")
    return "memory.store_many"


def bulk_later(caller, tmp_path):
    del tmp_path
    caller.send("/api/v1/memories/bulk?mode=async", ndjson(), "application/x-ndjson")
    while work_on_next_chunk(organisation=caller.organisation):
        pass
    return "memory.store_many"


def workflow(caller, tmp_path):
    del tmp_path
    function = get_function("memory.store_many")
    principal = Principal(caller.organisation, caller.slug, SYSTEM, ALL_SCOPES)
    given = function.parse({"memories": LINES})
    function.call(function.ready(Call(principal, "key", monotonic() + 10), given), given)
    return "memory.store_many"


def file(caller, tmp_path):
    path = tmp_path / "lines"
    path.write_text(ndjson())
    call_command("import_memories", caller.slug, path, stdout=StringIO(), stderr=StringIO())
    return "memory.import"


WAYS = [alone, bulk, bulk_later, workflow, file]


def beginning(caller, memory):
    return caller.get(f"/api/v1/memories/{memory}/history").json()["results"][-1]


def about(caller, memory, **more):
    query = "".join(f"&{name}={value}" for name, value in more.items())
    return caller.get(f"/api/v1/decisions?subject_id={memory}{query}").json()["results"]


@pytest.mark.parametrize("way", WAYS)
def test_history_and_subject_lead_to_the_decision_that_stored_it(acme, rival, way, tmp_path):
    operation = way(acme, tmp_path)
    for memory in ids(acme):
        decision = beginning(acme, memory)["decision_id"]
        shown = acme.get(f"/api/v1/decisions/{decision}").json()
        assert shown["operation"] == operation
        assert memory in {each["id"] for each in shown["memories"]}
        assert [each["id"] for each in about(acme, memory)] == [decision]
        assert [each["id"] for each in about(acme, memory, operation=operation)] == [decision]
        assert about(acme, memory, operation="memory.search") == []
        assert about(rival, memory) == []


@pytest.mark.parametrize("way", WAYS)
def test_later_decisions_come_first_and_pages_cover_all(acme, way, tmp_path):
    way(acme, tmp_path)
    memory = ids(acme)[0]
    acme.post(f"/api/v1/memories/{memory}/contest", {})
    acme.post(f"/api/v1/memories/{memory}/confirm", {})
    every = [each["id"] for each in about(acme, memory)]
    history = acme.get(f"/api/v1/memories/{memory}/history").json()["results"]
    assert every == [each["decision_id"] for each in history]
    assert len(every) == 3
    page = acme.get(f"/api/v1/decisions?subject_id={memory}&limit=2").json()
    rest = acme.get(page["next"]).json()
    assert [each["id"] for each in page["results"] + rest["results"]] == every
    assert rest["next"] is None


@pytest.mark.parametrize("way", WAYS)
def test_after_erasure_its_id_still_leads_there(acme, way, tmp_path):
    way(acme, tmp_path)
    memory, other = ids(acme)[:2]
    stored = beginning(acme, memory)["decision_id"]
    acme.delete(f"/api/v1/memories/{memory}")
    erased, first = about(acme, memory)
    assert (erased["operation"], first["id"]) == ("memory.delete", stored)
    # the record of many stays as it is for the others
    assert [each["id"] for each in about(acme, other)] == [beginning(acme, other)["decision_id"]]


def test_a_change_of_several_is_found_by_each(acme):
    same = [acme.store(text) for text in ("Boots sell", "boots  SELL", "BOOTS sell")]
    answer = acme.post(f"/api/v1/memories/{same[1]}/reject", {}).json()
    for memory in same:
        assert answer["decision_id"] in {each["id"] for each in about(acme, memory)}


def test_many_memories_need_one_record_a_batch(acme):
    lines = "".join(json.dumps({"content": f"fact {number}"}) + "\n" for number in range(1_001))
    acme.send("/api/v1/memories/bulk", lines, "application/x-ndjson")
    records = acme.get("/api/v1/decisions?operation=memory.store_many").json()["results"]
    assert [each["inputs"]["count"] for each in records] == [1, 500, 500]


@pytest.mark.parametrize("subject", ["nothing", "1", "00000000-0000-7000-8000-000000000000", "%00"])
def test_an_unknown_subject_has_no_decisions(acme, subject):
    acme.store("Boots sell")
    response = acme.get(f"/api/v1/decisions?subject_id={subject}")
    assert response.status_code in (200, 422)
    assert response.json().get("results", []) == []


def test_existing_memory_keeps_the_decision_that_stored_it(acme):
    first = acme.post("/api/v1/memories", LINES[0]).json()
    acme.send("/api/v1/memories/bulk", ndjson(), "application/x-ndjson")
    assert beginning(acme, first["id"])["decision_id"] == first["decision_id"]
    assert UUID(beginning(acme, ids(acme)[0])["decision_id"])
