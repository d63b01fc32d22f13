"""GET /api/v1/values."""

from urllib.parse import quote

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from memory.models import Memory

VALUES = "/api/v1/values"


def values(caller, field, **query):
    asked = "".join(f"&{name}={quote(str(value), safe='')}" for name, value in query.items())
    response = caller.get(f"{VALUES}?field={field}{asked}")
    assert response.status_code == 200, response.content
    return response.json()


def counts(caller, field, **query):
    return [(each["value"], each["count"]) for each in values(caller, field, **query)["results"]]


@pytest.fixture
def stocked(acme):
    for number, fields in enumerate(
        (
            {"source": "docs/a/x", "tags": ["team:sales", "team:ops", "hot"], "metadata": {"city": "Bonn", "n": 1, "in": {"deep": True}}},
            {"source": "docs/a/y", "tags": ["team:sales"], "metadata": {"city": ["Bonn", "Kiel"], "n": 1.0, "none": None}},
            {"source": "docs/b", "tags": ["Team:other"], "metadata": {"city": "Köln", "n": "1"}, "memory_type": "note"},
            {"source": "crm", "thread": "call 1", "metadata": {"n": 2.5, "city": "x" * 201}},
        )
    ):  # fmt: skip
        acme.store(f"fact {number} of Anna Schmidt", **fields)
    return acme


def test_values_are_counted_the_most_used_first(stocked):
    assert counts(stocked, "tags") == [("team:sales", 2), ("Team:other", 1), ("hot", 1), ("team:ops", 1)]
    assert counts(stocked, "source") == [("crm", 1), ("docs/a/x", 1), ("docs/a/y", 1), ("docs/b", 1)]
    assert counts(stocked, "memory_type") == [("general", 3), ("note", 1)]
    assert counts(stocked, "thread") == [("call 1", 1)]
    assert ("anna schmidt", 4) in counts(stocked, "entity")
    assert ("anna schmidt", 4) in counts(stocked, "entity", prefix="Anna")


def test_values_of_metadata_keep_their_types(stocked):
    assert counts(stocked, "metadata.city") == [("Bonn", 2), ("Kiel", 1), ("Köln", 1)]
    assert counts(stocked, "metadata.n") == [(1, 2), (2.5, 1), ("1", 1)]
    assert counts(stocked, "metadata.in.deep") == [(True, 1)]
    assert counts(stocked, "metadata.none") == [(None, 1)]
    assert counts(stocked, "metadata.nowhere") == []
    assert counts(stocked, "metadata.n", prefix="1") == [("1", 1)]


def test_values_begin_with_the_prefix_and_come_in_order(stocked):
    assert counts(stocked, "source", prefix="docs/") == [("docs/a/x", 1), ("docs/a/y", 1), ("docs/b", 1)]
    assert counts(stocked, "tags", prefix="team:", order="value") == [("team:ops", 1), ("team:sales", 2)]
    assert counts(stocked, "tags", prefix="%") == []


@pytest.mark.parametrize("order", ["count", "value"])
@pytest.mark.parametrize("tree", ["true", "false"])
def test_pages_are_the_whole_list(stocked, order, tree):
    whole = values(stocked, "tags", order=order, tree=tree)["results"]
    paged, url = [], f"{VALUES}?field=tags&limit=1&order={order}&tree={tree}"
    while url:
        answer = stocked.get(url).json()
        assert len(answer["results"]) == 1
        paged += answer["results"]
        url = answer["next"]
    assert paged == whole
    assert len(paged) == (3 if tree == "true" else 4)


def test_only_memories_that_a_list_returns_are_counted(stocked, rival):
    rival.store("theirs", tags=["theirs"])
    gone = stocked.store("gone", tags=["hot"])
    stocked.post(f"/api/v1/memories/{gone}/reject", {})
    late = stocked.store("late", tags=["hot"])
    with tenant_transaction(stocked.organisation):
        Memory.objects.filter(id=late).update(expires_at="2020-01-01T00:00:00Z")
    assert counts(stocked, "tags", prefix="hot") == [("hot", 1)]
    assert counts(stocked, "tags", states="rejected") == [("hot", 1)]
    assert counts(rival, "tags") == [("theirs", 1)]


def test_earlier_texts_are_not_counted(acme):
    memory = acme.store("one", tags=["a"], metadata={"k": "v"})
    headers = {"authorization": f"Bearer {acme.token}", "if-match": '"1"'}
    body = {"content": "two", "tags": ["b"], "metadata": {"k": "w"}}
    changed = acme.client.patch(
        f"/api/v1/memories/{memory}", body, content_type="application/json", headers=headers
    )
    assert changed.status_code == 200
    assert counts(acme, "tags") == [("b", 1)]
    assert counts(acme, "metadata.k") == [("w", 1)]


def test_a_tree_cuts_values_after_their_next_part(stocked):
    assert values(stocked, "source", tree="true") == {
        "results": [
            {"value": "docs/", "count": 3, "branch": True},
            {"value": "crm", "count": 1, "branch": False},
        ],
        "next": None,
        "truncated": False,
    }
    assert values(stocked, "source", tree="true", prefix="docs/")["results"] == [
        {"value": "docs/a/", "count": 2, "branch": True}, {"value": "docs/b", "count": 1, "branch": False},
    ]  # fmt: skip
    # a memory with two tags below a node is one memory
    assert counts(stocked, "tags", tree="true", prefix="t") == [("team:", 2)]
    assert counts(stocked, "metadata.city", tree="true") == [("Bonn", 2), ("Kiel", 1), ("Köln", 1)]


def test_a_tree_has_the_levels_asked_for(stocked):
    [docs, crm] = values(stocked, "source", tree="true", depth=3)["results"]
    leaf = {"count": 1, "branch": False}
    assert docs["children"] == [
        {"value": "docs/a/", "count": 2, "branch": True,
         "children": [{"value": "docs/a/x"} | leaf, {"value": "docs/a/y"} | leaf]},
        {"value": "docs/b", "children": []} | leaf,
    ]  # fmt: skip
    assert crm == {"value": "crm", "children": []} | leaf


def test_a_value_may_also_be_a_prefix_of_others(acme):
    for source in ("a", "a/", "a/b", "a:c.d", "/x", "//"):
        acme.store(f"of {source}", source=source)
    tree = values(acme, "source", tree="true", order="value", depth=2)["results"]
    shown = {
        each["value"]: (each["count"], each["branch"], [child["value"] for child in each["children"]])
        for each in tree
    }
    assert shown == {
        "/": (2, True, ["//", "/x"]), "a": (1, False, []), "a/": (2, True, ["a/b"]), "a:": (1, True, ["a:c."]),
    }  # fmt: skip
    assert counts(acme, "source", tree="true", prefix="a/") == [("a/", 1), ("a/b", 1)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "field"), ("field=tag", "field"), ("field=metadata.", "field"), ("field=metadata", "field"),
        ("field=content", "field"), (f"field=metadata.{'k' * 201}", "field"), ("field=tags&limit=0", "limit"),
        ("field=tags&limit=1001", "limit"), ("field=tags&depth=6", "depth"), ("field=tags&tree=perhaps", "tree"),
        ("field=tags&order=up", "order"), ("field=tags&cursor=x", "cursor"), ("field=tags&cursor=WzEsMl0", "cursor"),
        ("field=tags&states=alive", "states"), ("field=tags&prefix=%00", "prefix"), (f"field=tags&prefix={'p' * 301}", "prefix"),
        ("field=tags&zebra=1", "zebra"),
    ],
)  # fmt: skip
def test_bad_parameters_are_422_and_named(acme, query, field):
    response = acme.get(f"{VALUES}?{query}")
    assert response.status_code == 422, response.content
    assert response.json()["errors"][0]["loc"][:2] == ["query", field]
