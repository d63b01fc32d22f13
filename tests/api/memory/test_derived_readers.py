"""Memories derived from private ones are seen at most by those who see every source, through every door that derives."""

import json
from uuid import UUID

import pytest
from django.core.management import call_command

from liftos.kernel.db.viewers import viewing
from liftos.kernel.functions import Call, Sources, get_function
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal
from tests.factories.principals import group_of, key_of, principal_of, seen_by

pytestmark = pytest.mark.django_db

PRIVATE = {"principal": "alice"}
SALES = {"groups": ["sales"]}


class World:
    def __init__(self, acme):
        self.acme = acme
        sales, legal = group_of(acme, "sales"), group_of(acme, "legal")
        self.principal = principal_of(acme, "alice", sales, legal)
        self.alice = key_of(acme, self.principal)
        self.carol = key_of(acme, principal_of(acme, "carol", sales))
        self.open = acme.store("Everybody knows this")
        self.private = self.alice.store("The canary sings", visible_to=PRIVATE)
        self.sales = self.alice.store("The sales canary sings", visible_to=SALES)
        self.legal = self.alice.store("The legal canary sings", visible_to={"groups": ["legal"]})
        self.both = self.alice.store("Canaries sing", visible_to={"groups": ["sales", "legal"]})

    def readers(self, memory):
        return self.alice.get(f"/api/v1/memories/{memory}").json()["visible_to"]

    def call(self, name, arguments, *sources):
        viewer = seen_by(self.acme, self.principal)
        made = Call(
            Principal(self.acme.organisation, self.acme.slug, SYSTEM, frozenset(ALL_SCOPES), viewer),
            "k",
            1e9,
            sources=Sources(tuple(map(UUID, sources))),
        )
        function = get_function(name)
        with viewing(viewer):
            given = function.parse(arguments)
            return function.call(function.ready(made, given), given)


@pytest.fixture
def world(acme):
    return World(acme)


def stored(response, status=201):
    assert response.status_code == status, response.content
    return response.json()


def test_a_store_is_as_narrow_as_its_sources(world):
    expected = [
        ([world.open], "organisation"),
        ([world.open, world.private], PRIVATE),
        ([world.sales], SALES),
        ([world.sales, world.both], SALES),
        ([world.sales, world.legal], PRIVATE),
        ([world.sales, world.private], PRIVATE),
    ]
    for sources, readers in expected:
        assert world.readers(world.alice.store("derived", derived_from=sources)) == readers
    linked = world.alice.store("linked", links=[{"kind": "derived_from", "target": world.private}])
    assert world.readers(linked) == PRIVATE
    # a chosen one is kept if it is narrow enough, and else refused
    for wanted, source, status in [
        (SALES, world.both, 201),
        (PRIVATE, world.both, 201),
        ("organisation", world.sales, 422),
        (SALES, world.private, 422),
        (SALES, world.legal, 422),
        ({"groups": ["sales", "legal"]}, world.sales, 422),
    ]:
        answer = world.alice.post(
            "/api/v1/memories", {"content": "derived", "derived_from": [source], "visible_to": wanted}
        )
        assert answer.status_code == status, (wanted, answer.content)
        if status == 422:
            assert (answer.json()["code"], answer.json()["errors"][0]["loc"]) == (
                "memory.not_visible",
                ["body", "visible_to"],
            )


def test_many_at_once_in_bulk_and_by_upsert(world):
    body = {"content": "derived", "derived_from": [world.private]}
    wide = body | {"visible_to": "organisation"}
    batch = stored(world.alice.post("/api/v1/memories/batch", {"memories": [body, wide]}), 200)["results"]
    assert (world.readers(batch[0]["id"]), batch[1]["status"]) == (PRIVATE, 422)
    lines = "\n".join(map(json.dumps, (body, wide)))
    bulk = stored(world.alice.send("/api/v1/memories/bulk", lines, "application/x-ndjson"), 207)["results"]
    assert (world.readers(bulk[0]["id"]), bulk[1]["status"]) == (PRIVATE, 422)
    url = "/api/v1/memories?source=s&external_id="
    assert world.readers(stored(world.alice.put(url + "new", body))["id"]) == PRIVATE
    stored(world.alice.put(url + "old", {"content": "open"}))
    refused = world.alice.put(url + "old", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "memory.not_visible")
    assert world.acme.get("/api/v1/memories?source=s").json()["results"][0]["content"] == "open"
    moved = stored(world.alice.put(url + "old", body | {"visible_to": PRIVATE}), 200)
    assert world.readers(moved["id"]) == PRIVATE


def test_a_link_and_a_successor_do_not_show_it_to_more(world):
    mine = world.alice.store("open derived")
    link = {"kind": "derived_from", "target": world.private}
    assert world.alice.post(f"/api/v1/memories/{mine}/links", link).status_code == 422
    assert (
        world.alice.post(f"/api/v1/memories/{mine}/links", link | {"target": world.open}).status_code == 201
    )
    wide = {"content": "newer", "visible_to": "organisation"}
    refused = world.alice.post(f"/api/v1/memories/{world.private}/supersede", wide)
    assert (refused.status_code, refused.json()["code"]) == (422, "memory.not_visible")
    done = stored(world.alice.post(f"/api/v1/memories/{world.private}/supersede", {"content": "newer"}))
    assert world.readers(done["superseded_by"]) == PRIVATE
    # its owner may show it to others, on record
    version = world.alice.get(f"/api/v1/memories/{done['superseded_by']}").headers["ETag"]
    path = f"/api/v1/memories/{done['superseded_by']}"
    assert world.alice.patch(path, {"visible_to": "organisation"}, **{"if-match": version}).status_code == 200


def test_workflow_functions_copy_no_private_text_to_everybody(world):
    read = (world.open, world.private)
    assert world.readers(world.call("memory.store", {"content": "copy"}, *read)["id"]) == PRIVATE
    many = world.call("memory.store_many", {"memories": [{"content": "copy"}]}, *read)
    assert world.readers(many["results"][0]["id"]) == PRIVATE
    document = world.call("memory.store_document", {"text": "copy", "external_id": "d"}, *read)
    assert world.readers(document["id"]) == PRIVATE
    successor = world.call("memory.supersede", {"memory_id": world.open, "content": "copy"}, *read)
    assert world.readers(successor["superseded_by"]) == PRIVATE
    stored(world.acme.send("/api/v1/documents?external_id=e", b"open", "text/plain"))
    with pytest.raises(Exception, match="do not see every memory"):
        world.call("memory.store_document", {"text": "copy", "external_id": "e"}, *read)
    # more were read than it can name as sources: they count too
    opened = [world.acme.store(f"open {n}") for n in range(3)]
    viewer = seen_by(world.acme, world.principal)
    made = Call(
        Principal(world.acme.organisation, world.acme.slug, SYSTEM, frozenset(ALL_SCOPES), viewer),
        "k",
        1e9,
        sources=Sources(tuple(map(UUID, opened)), (), (UUID(world.private),)),
    )
    function = get_function("memory.store")
    with viewing(viewer):
        given = function.parse({"content": "digest"})
        digest = function.call(function.ready(made, given), given)["id"]
    assert world.readers(digest) == PRIVATE
    assert world.acme.get(f"/api/v1/memories/{digest}").status_code == 404


@pytest.mark.embeds_in_a_transaction
def test_an_import_narrows_what_the_file_derives_from_private_lines(world, tmp_path):
    file = tmp_path / "m.jsonl"
    call_command("export_memories", world.acme.slug, str(file))
    ids = [f"019a2262-0000-7000-8000-00000000000{number}" for number in range(4)]
    lines = [
        {"id": ids[0], "content": "sold", "visible_to": SALES},
        {"id": ids[1], "content": "copied", "derived_from": [ids[0]]},
        {"id": ids[2], "content": "copied again", "derived_from": [ids[1]]},
        {"id": ids[3], "content": "published", "derived_from": [ids[1]], "visible_to": "organisation"},
    ]
    header = file.read_text().splitlines()[0]
    file.write_text("\n".join([header, *map(json.dumps, lines)]) + "\n")
    call_command("import_memories", world.acme.slug, str(file))
    assert [world.readers(each) for each in ids] == [SALES] * 4
    assert {world.acme.get(f"/api/v1/memories/{each}").status_code for each in ids} == {404}


def test_sources_named_by_external_id_count_too(world):
    world.alice.store("secret", source="s", external_id="x", visible_to=PRIVATE)
    world.acme.store("open", source="s", external_id="y")
    for name, readers in (("x", PRIVATE), ("y", "organisation"), ("later", "organisation")):
        body = {
            "content": f"from {name}",
            "links": [{"kind": "derived_from", "source": "s", "external_id": name}],
        }
        assert world.readers(stored(world.alice.post("/api/v1/memories", body))["id"]) == readers
        wide = world.alice.post("/api/v1/memories", body | {"visible_to": "organisation"})
        assert wide.status_code == (422 if name == "x" else 201), name
    link = {"kind": "derived_from", "source": "s", "external_id": "x"}
    mine = world.alice.store("open derived")
    refused = world.alice.post(f"/api/v1/memories/{mine}/links", link)
    assert (refused.status_code, refused.json()["code"]) == (422, "memory.not_visible")
    url = "/api/v1/memories?source=t&external_id=old"
    stored(world.alice.put(url, {"content": "open"}))
    assert world.alice.put(url, {"content": "open", "links": [link]}).status_code == 422
    # of one batch
    pair = [
        {"content": "first", "source": "b", "external_id": "1", "visible_to": PRIVATE},
        {"content": "second", "links": [{"kind": "derived_from", "source": "b", "external_id": "1"}]},
    ]
    batch = stored(world.alice.post("/api/v1/memories/batch", {"memories": pair}), 200)["results"]
    assert world.readers(batch[1]["id"]) == PRIVATE
    # who does not see it can't tell that it is there
    assert (
        world.readers(
            stored(world.carol.post("/api/v1/memories", {"content": "hers", "links": [link]}))["id"]
        )
        == "organisation"
    )
