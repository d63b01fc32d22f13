"""GET, POST and DELETE /api/v1/memories/{memory}/links, and GET …/graph."""

from datetime import UTC, datetime, timedelta

import pytest

from accountability.models import DecisionPayload, DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.outbox.models import OutboxEvent
from memory.models import MemoryLink
from tests.api.routes import NOBODYS_ID
from tests.factories.keys import with_key
from tests.factories.principals import key_of, principal_of

PAST, FUTURE = "2020-01-01T00:00:00Z", "2120-01-01T00:00:00Z"
EDGE = [
    "memory_id", "kind", "target", "source", "external_id", "weight", "properties", "valid_from", "valid_to", "recorded_at",
]  # fmt: skip


def path(memory, what="links"):
    return f"/api/v1/memories/{memory}/{what}"


def link(caller, memory, kind="about", **fields):
    response = caller.post(path(memory), {"kind": kind, **fields})
    assert response.status_code == 201, response.content
    return response.json()


def links(caller, memory, query=""):
    response = caller.get(path(memory) + query)
    assert response.status_code == 200, response.content
    return response.json()["results"]


def graph(caller, memory, query=""):
    response = caller.get(path(memory, "graph") + query)
    assert response.status_code == 200, response.content
    return response.json()


def unlink(caller, memory, body):
    headers = {"authorization": f"Bearer {caller.token}"}
    return caller.client.delete(path(memory), body, content_type="application/json", headers=headers)


def decisions(caller, operation):
    with tenant_transaction(caller.organisation):
        return list(DecisionRecord.objects.filter(operation=operation).order_by("id"))


@pytest.fixture
def pair(acme):
    return acme.store("Boots sell", source="shop", external_id="boots"), acme.store("It rains", source="shop")


def test_every_field_comes_back(acme, pair):
    one, two = pair
    sent = {
        "kind": "explained_by", "target": two, "weight": 0.25, "properties": {"a": [1, {"b": None}]}, "valid_from": PAST,
        "valid_to": FUTURE,
    }  # fmt: skip
    response = acme.post(path(one), sent)
    made = response.json()
    assert (response.status_code, list(made)) == (201, [*EDGE, "decision_id"])
    assert {name: made[name] for name in sent} == sent
    assert (made["memory_id"], made["source"], made["external_id"]) == (one, None, None)
    [seen] = links(acme, one)
    assert (seen.pop("direction"), seen.pop("other")) == ("out", two)
    assert seen == {name: made[name] for name in EDGE}
    [incoming] = links(acme, two, "?direction=in")
    assert (incoming["direction"], incoming["other"], incoming["target"]) == ("in", one, two)
    [shown] = acme.get(f"/api/v1/memories/{one}").json()["links"]
    assert (shown["properties"], shown["valid_to"]) == (sent["properties"], FUTURE)


def test_a_link_by_external_id_waits_for_its_target(acme):
    one = acme.store("one", source="shop")
    made = link(acme, one, external_id="later")
    assert (made["target"], made["source"], made["external_id"]) == (None, "shop", "later")
    other = link(acme, one, external_id="later", source="crm")
    target = acme.store("later", source="crm", external_id="later")
    found = {each["source"]: each["target"] for each in links(acme, one)}
    assert found == {"shop": None, "crm": target}
    assert other["target"] is None
    assert links(acme, target, "?direction=in")[0]["memory_id"] == one


def test_the_same_link_again_is_200_and_a_changed_one_is_changed(acme, pair):
    one, two = pair
    link(acme, two, target=one, weight=0.5)
    for named in ({"target": one}, {"external_id": "boots"}):
        again = acme.post(path(two), {"kind": "about", "weight": 0.5} | named)
        assert (again.status_code, again.json()["decision_id"]) == (200, None)
    changed = acme.post(path(two), {"kind": "about", "external_id": "boots", "properties": {"by": "hand"}})
    assert (changed.status_code, changed.json()["weight"], changed.json()["properties"]) == (
        200,
        1,
        {"by": "hand"},
    )
    assert changed.json()["decision_id"]
    assert len(links(acme, two)) == 1
    [first, second] = decisions(acme, "memory.link")
    with tenant_transaction(acme.organisation):
        body = DecisionPayload.objects.get(decision_id=second.id).body
        assert OutboxEvent.objects.filter(type="liftos.memory.linked").count() == 2
    assert (first.subject_id, second.subject_id) == (two, two)
    assert '"weight":0.5' in body.replace(" ", "")
    assert "hand" not in body


@pytest.mark.parametrize("by", ["body", "query"])
def test_a_link_is_deleted_once(acme, pair, by):
    one, two = pair
    link(acme, two, external_id="boots")
    link(acme, two, "supports", target=one)
    before = acme.get(f"/api/v1/memories/{two}")["ETag"]
    if by == "body":
        response = unlink(acme, two, {"kind": "about", "target": one})
    else:
        response = acme.delete(path(two) + f"?kind=about&target={one}")
    assert (response.status_code, response.json()["deleted"]) == (200, 1)
    assert [each["kind"] for each in links(acme, two)] == ["supports"]
    assert acme.get(f"/api/v1/memories/{two}")["ETag"] != before
    [record] = decisions(acme, "memory.unlink")
    assert (str(record.id), record.effect) == (response.json()["decision_id"], "delete")
    again = unlink(acme, two, {"kind": "about", "target": one})
    assert (again.status_code, again.json()["code"]) == (404, "memory.link_not_found")


def test_a_memory_with_new_links_is_not_304_and_may_be_changed_at_its_version(acme, pair):
    one, two = pair
    tag = acme.get(f"/api/v1/memories/{one}")["ETag"]
    link(acme, one, target=two)
    got = acme.get(f"/api/v1/memories/{one}", **{"if-none-match": tag})
    assert (got.status_code, len(got.json()["links"])) == (200, 1)
    assert acme.get(f"/api/v1/memories/{one}", **{"if-none-match": got["ETag"]}).status_code == 304
    headers = {"authorization": f"Bearer {acme.token}", "if-match": got["ETag"]}
    changed = acme.client.patch(
        f"/api/v1/memories/{one}", {"importance": 0.9}, content_type="application/json", headers=headers
    )
    assert changed.status_code == 200
    assert acme.delete(path(one) + f"?kind=about&target={two}").status_code == 200
    assert acme.get(f"/api/v1/memories/{one}")["ETag"] == '"2"'


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"target": NOBODYS_ID}, ["kind"]),
        ({"kind": "Über", "target": NOBODYS_ID}, ["kind"]),
        ({"kind": "a b", "target": NOBODYS_ID}, ["kind"]),
        ({"kind": "a__b", "target": NOBODYS_ID}, ["kind"]),
        ({"kind": "about\n", "target": NOBODYS_ID}, ["kind"]),
        ({"kind": "a" * 51, "target": NOBODYS_ID}, ["kind"]),
        ({"kind": 5, "target": NOBODYS_ID}, ["kind"]),
        ({"kind": "about", "target": "x"}, ["target"]),
        ({"kind": "about", "external_id": ""}, ["external_id"]),
        ({"kind": "about", "external_id": "x" * 301}, ["external_id"]),
        ({"kind": "about", "external_id": "x", "source": "y" * 101}, ["source"]),
        ({"kind": "about", "external_id": "x", "weight": 1.1}, ["weight"]),
        ({"kind": "about", "external_id": "x", "properties": [1]}, ["properties"]),
        ({"kind": "about", "external_id": "x", "properties": {"a": "ä" * 4_096}}, ["properties"]),
        ({"kind": "about", "external_id": "x", "valid_to": "soon"}, ["valid_to"]),
        ({"kind": "about", "external_id": "x", "valid_from": FUTURE, "valid_to": PAST}, ["valid_to"]),
        ({"kind": "about", "external_id": "x", "wieght": 1}, ["wieght"]),
        ({"kind": "about"}, []),
        ({"kind": "about", "external_id": "x", "target": NOBODYS_ID}, []),
        ({"kind": "about", "target": NOBODYS_ID, "source": "x"}, []),
    ],
)  # fmt: skip
def test_bad_input_is_422_and_names_the_field(acme, body, loc):
    one = acme.store("one")
    response = acme.post(path(one), body)
    assert response.status_code == 422, response.content
    assert [each["loc"][1:] for each in response.json()["errors"]] == [loc]
    in_store = acme.post("/api/v1/memories", {"content": "two", "links": [body]})
    assert [each["loc"][1:] for each in in_store.json()["errors"]] == [["links", 0, *loc]]
    assert links(acme, one) == []


def test_unknown_targets_and_the_memory_itself_are_refused(acme, rival):
    one, theirs = acme.store("one", external_id="own"), rival.store("theirs", external_id="theirs")
    for target in (theirs, NOBODYS_ID):
        response = acme.post(path(one), {"kind": "about", "target": target})
        assert (response.status_code, response.json()["code"]) == (422, "memory.link_target_unknown")
        stored = acme.post(
            "/api/v1/memories", {"content": "x", "links": [{"kind": "about", "target": target}]}
        )
        assert (stored.status_code, stored.json()["code"]) == (422, "memory.unknown_source")
        assert "link" in stored.json()["detail"]
    for named in ({"target": one}, {"external_id": "own"}):
        response = acme.post(path(one), {"kind": "about"} | named)
        assert (response.status_code, response.json()["code"]) == (422, "memory.links_to_itself")
    assert link(acme, one, external_id="theirs")["target"] is None


def test_anothers_memory_is_404(acme, rival):
    one, two = acme.store("one"), acme.store("two")
    link(acme, one, target=two)
    assert rival.get(path(one)).status_code == 404
    assert rival.get(path(one, "graph")).status_code == 404
    assert rival.post(path(one), {"kind": "about", "external_id": "x"}).status_code == 404
    assert rival.delete(path(one) + f"?kind=about&target={two}").status_code == 404
    assert len(links(acme, one)) == 1


def test_a_proposer_may_not_link(acme):
    one, two = acme.store("one"), acme.store("two")
    proposer, _ = with_key(acme, "memory:propose")
    assert proposer.post(path(one), {"kind": "about", "target": two}).status_code == 403


def test_lists_are_narrowed_and_paged(acme):
    hub = acme.store("hub")
    others = [acme.store(f"other {number}") for number in range(5)]
    for number, other in enumerate(others):
        link(acme, hub, "cites" if number % 2 else "about", target=other)
    link(acme, others[0], "cites", target=hub, valid_to=PAST)
    first = acme.get(path(hub) + "?direction=both&limit=4").json()
    second = acme.client.get(first["next"], headers={"authorization": f"Bearer {acme.token}"}).json()
    seen = [each["other"] for each in (*first["results"], *second["results"])]
    assert (seen, second["next"]) == ([others[0], *reversed(others)], None)
    assert [each["other"] for each in links(acme, hub, "?kinds=cites")] == [others[3], others[1]]
    assert len(links(acme, hub, "?direction=both&kinds=cites,about&as_of=2025-01-01")) == 5
    assert links(acme, hub, "?direction=in&as_of=2025-01-01") == []


@pytest.mark.parametrize(
    ("what", "query", "field"),
    [
        ("links", "direction=up", "direction"), ("links", "kinds=A", "kinds"), ("links", "limit=0", "limit"),
        ("links", "cursor=!", "cursor"), ("links", "as_of=soon", "as_of"), ("links", "zebra=1", "zebra"),
        ("graph", "depth=0", "depth"), ("graph", "depth=6", "depth"), ("graph", "depth=x", "depth"),
        ("graph", "limit=1001", "limit"), ("graph", "kinds=,", "kinds"), ("graph", "direction=up", "direction"),
    ],
)  # fmt: skip
def test_bad_parameters_are_422(acme, what, query, field):
    response = acme.get(path(acme.store("one"), what) + f"?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"][:2] == ["query", field]


def test_a_delete_must_name_one_link_once(acme):
    one = acme.store("one")
    assert acme.delete(path(one)).status_code == 422
    assert acme.delete(path(one) + "?kind=about").status_code == 422
    assert acme.delete(path(one) + f"?kind=about&target={one}&external_id=x").status_code == 422
    assert acme.delete(path(one) + "?kind=about&target=x").json()["errors"][0]["loc"] == ["query", "target"]


def test_links_go_with_either_end_and_those_that_wait_with_the_external_id(acme):
    one, two = acme.store("one"), acme.store("Two is a long enough text", external_id="two")
    link(acme, one, external_id="two")
    link(acme, two, "cites", target=one)
    with tenant_transaction(acme.organisation):
        # left by two stores at the same time
        MemoryLink.objects.create(
            organisation_id=acme.organisation, memory_id=one, kind="cites", target_external_id="two"
        )
    receipt = acme.delete(f"/api/v1/memories/{two}").json()["erasure_id"]
    assert links(acme, one, "?direction=both") == []
    with tenant_transaction(acme.organisation):
        assert not MemoryLink.objects.exists()
    assert acme.get(f"/api/v1/erasures/{receipt}").json()["removed"]["links"] == 3


def test_properties_that_quote_an_erased_memory_are_emptied(acme):
    one, two = acme.store("one"), acme.store("two")
    gone = acme.store("The vault opens at noon on Fridays")
    link(acme, one, target=two, properties={"why": "the vault opens at noon on fridays!", "n": 1})
    receipt = acme.delete(f"/api/v1/memories/{gone}").json()["erasure_id"]
    assert links(acme, one)[0]["properties"] == {}
    assert acme.get(f"/api/v1/erasures/{receipt}").json()["removed"]["link_properties"] == 1


def test_a_graph_is_the_memories_within_its_depth(acme):
    a, b, c, d = (acme.store(f"memory {name}", external_id=name) for name in "abcd")
    link(acme, a, target=b, weight=0.5, properties={"n": 1})
    link(acme, b, "follows", target=c)
    link(acme, d, "cites", target=a)
    link(acme, c, target=a, valid_to=PAST)
    link(acme, a, external_id="nowhere")
    near = graph(acme, a)
    assert [(each["id"], each["distance"]) for each in near["nodes"]] == [(a, 0), (d, 1), (b, 1)]
    assert (near["nodes"][2]["content"], near["nodes"][2]["external_id"]) == ("memory b", "b")
    assert [(each["memory_id"], each["target"]) for each in near["edges"]] == [(d, a), (a, b)]
    assert (near["edges"][1]["properties"], near["root"], near["depth"], near["truncated"]) == (
        {"n": 1},
        a,
        1,
        False,
    )
    assert [each["distance"] for each in graph(acme, a, "?depth=2")["nodes"]] == [0, 1, 1, 2]
    assert [each["id"] for each in graph(acme, a, "?depth=3&direction=out")["nodes"]] == [a, b, c]
    assert [each["id"] for each in graph(acme, a, "?depth=3&kinds=cites")["nodes"]] == [a, d]
    assert len(graph(acme, a, "?as_of=2019-01-01")["nodes"]) == 4


def test_a_graph_says_that_it_is_truncated_and_circles_end(acme):
    hub = acme.store("hub")
    others = [acme.store(f"other {number}") for number in range(4)]
    for number, other in enumerate(others):
        link(acme, hub, target=other, weight=number / 10)
        link(acme, other, target=hub)
    whole = graph(acme, hub, "?depth=5")
    assert (len(whole["nodes"]), len(whole["edges"]), whole["truncated"]) == (5, 8, False)
    cut = graph(acme, hub, "?depth=5&limit=3&direction=out")
    assert [each["id"] for each in cut["nodes"]] == [hub, others[3], others[2]]
    assert cut["truncated"] is True
    assert {each["target"] for each in cut["edges"]} <= {each["id"] for each in cut["nodes"]}


def test_search_follows_only_links_that_hold(acme):
    day = datetime.now(UTC)
    one = acme.store("Umbrellas sell when it rains in Hamburg", metadata={"n": 1})
    two = acme.store("An unrelated remark on accounting")
    link(
        acme,
        one,
        target=two,
        valid_from=(day - timedelta(days=9)).isoformat(),
        valid_to=(day - timedelta(days=3)).isoformat(),
    )

    def terms(**fields):
        hits = acme.search("umbrellas rain Hamburg", search_type="hybrid", **fields)
        return [hit["id"] for hit in hits if hit["terms"].get("links", 0) > 0]

    assert terms() == []
    assert two in terms(as_of=(day - timedelta(days=5)).isoformat())


def test_a_link_to_what_others_do_not_see_is_hidden_from_them(acme):
    hers = key_of(acme, principal_of(acme, "ann"))
    shared = acme.store("everybody's")
    private = hers.store("hers alone", visible_to={"principal": "ann"})
    link(hers, shared, target=private, properties={"why": "secret"})
    assert [each["target"] for each in links(hers, shared)] == [private]
    assert len(graph(hers, shared)["nodes"]) == 2
    for seen in (
        links(acme, shared),
        acme.get(f"/api/v1/memories/{shared}").json()["links"],
        graph(acme, shared)["edges"],
    ):
        assert seen == []
    assert acme.get("/api/v1/decisions?operation=memory.link").json()["results"] == []
    assert len(hers.get("/api/v1/decisions?operation=memory.link").json()["results"]) == 1
    refused = acme.post(path(shared), {"kind": "about", "target": private})
    assert (refused.status_code, refused.json()["code"]) == (422, "memory.link_target_unknown")
