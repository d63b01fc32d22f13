"""`/mcp/memory`: the reference memory server's tools, with its results."""

import asyncio
import json
import random

import pytest

from tests.conftest import clone, make_caller
from tests.factories.mcp import connect

NAMES = ("Ada", "Bob", "Acme", "Zoë", "an entity with a name that is rather long " * 9)
FACTS = ("likes tea", "LIKES COFFEE", "sells (boots)", "born 1815", "100% sure_of it")
TYPES = ("person", "company")


class Reference:
    """The reference server (modelcontextprotocol/servers, `src/memory`) in Python."""

    def __init__(self):
        self.entities, self.relations = [], []

    def create_entities(self, entities):
        new = []
        for entity in entities:
            if all(entity["name"] != each["name"] for each in (*self.entities, *new)):
                new.append({**entity, "observations": list(entity["observations"])})
        self.entities += new
        return {"entities": json.loads(json.dumps(new))}

    def create_relations(self, relations):
        new = []
        for relation in relations:
            if relation not in self.relations and relation not in new:
                new.append(relation)
        self.relations += new
        return {"relations": new}

    def add_observations(self, observations):
        for each in observations:
            if not self._named(each["entityName"]):
                return None
        results = []
        for each in observations:
            kept = self._named(each["entityName"])["observations"]
            added = [text for text in each["contents"] if text not in kept]
            kept += added
            results.append({"entityName": each["entityName"], "addedObservations": added})
        return {"results": results}

    def delete_entities(self, entityNames):  # noqa: N803
        self.entities = [each for each in self.entities if each["name"] not in entityNames]
        self.relations = [
            each
            for each in self.relations
            if each["from"] not in entityNames and each["to"] not in entityNames
        ]
        return {"success": True, "message": "Entities deleted successfully"}

    def delete_observations(self, deletions):
        for each in deletions:
            if entity := self._named(each["entityName"]):
                entity["observations"] = [
                    text for text in entity["observations"] if text not in each["observations"]
                ]
        return {"success": True, "message": "Observations deleted successfully"}

    def delete_relations(self, relations):
        self.relations = [each for each in self.relations if each not in relations]
        return {"success": True, "message": "Relations deleted successfully"}

    def read_graph(self):
        return {"entities": self.entities, "relations": self.relations}

    def search_nodes(self, query):
        return self._with_relations(
            [
                each
                for each in self.entities
                if any(
                    query.lower() in text.lower()
                    for text in (each["name"], each["entityType"], *each["observations"])
                )
            ]
        )

    def open_nodes(self, names):
        return self._with_relations([each for each in self.entities if each["name"] in names])

    def _with_relations(self, found):
        names = {each["name"] for each in found}
        return {
            "entities": found,
            "relations": [each for each in self.relations if each["from"] in names or each["to"] in names],
        }

    def _named(self, name):
        return next((each for each in self.entities if each["name"] == name), None)


def some(rng, values, most=3):
    return rng.sample(values, rng.randint(1, most))


def step(rng):
    entity = lambda name: {
        "name": name, "entityType": rng.choice(TYPES), "observations": some(rng, FACTS, 2)
    }  # fmt: skip
    relation = lambda: {
        "from": rng.choice(NAMES), "to": rng.choice(NAMES), "relationType": rng.choice(["works at", "knows"])
    }  # fmt: skip
    return rng.choice(
        [
            ("create_entities", {"entities": [entity(name) for name in some(rng, NAMES)]}),
            ("create_relations", {"relations": [relation() for _ in range(3)]}),
            (
                "add_observations",
                {"observations": [{"entityName": rng.choice(NAMES), "contents": some(rng, FACTS)}]},
            ),
            ("delete_entities", {"entityNames": some(rng, NAMES, 1)}),
            (
                "delete_observations",
                {"deletions": [{"entityName": rng.choice(NAMES), "observations": some(rng, FACTS)}]},
            ),
            ("delete_relations", {"relations": [relation()]}),
            (
                "search_nodes",
                {"query": rng.choice(["coffee", "PERSON", "(", "", "zoë", "%", "_of", "nowhere"])},
            ),
            ("open_nodes", {"names": some(rng, NAMES)}),
        ]
    )


def in_any_order(graph):
    return {
        key: sorted(value, key=json.dumps) if isinstance(value, list) else value
        for key, value in graph.items()
    }


@pytest.fixture(scope="module")
def committed(template_database, django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), clone(template_database, "graph"):
        yield


def test_random_sequences_give_what_the_reference_gives(committed):
    acme, reference, rng = make_caller("Acme"), Reference(), random.Random(7)

    async def work():
        async with connect(acme.token, "/mcp/memory") as client:
            assert len((await client.list_tools()).tools) == 9
            for _ in range(60):
                tool, arguments = step(rng)
                expected = getattr(reference, tool)(**arguments)
                result = await client.call_tool(tool, arguments)
                if expected is None:
                    assert result.is_error
                    assert "not found" in result.content[0].text
                    continue
                assert not result.is_error, result.content[0].text
                assert in_any_order(result.structured_content) == in_any_order(expected), (tool, arguments)
                if "success" not in expected:
                    shown = json.loads(result.content[0].text)
                    only = next(iter(expected.values())) if len(expected) == 1 else expected
                    assert len(json.dumps(shown)) == len(json.dumps(only))
                assert in_any_order(
                    (await client.call_tool("read_graph", {})).structured_content
                ) == in_any_order(reference.read_graph())

    asyncio.run(work())


def test_entities_are_memories_and_keep_to_the_key(committed):
    acme, rival = make_caller("Graph"), make_caller("Graph rival")

    async def work(token, *steps):
        async with connect(token, "/mcp/memory") as client:
            return [(await client.call_tool(tool, arguments)) for tool, arguments in steps]

    ada = {"name": "Ada", "entityType": "person", "observations": ["wrote the first program"]}
    asyncio.run(work(acme.token, ("create_entities", {"entities": [ada]})))
    assert acme.search("who wrote the first program")[0]["metadata"] == ada
    (seen,) = asyncio.run(work(rival.token, ("read_graph", {})))
    assert seen.structured_content == {"entities": [], "relations": []}
    (wrong,) = asyncio.run(work(acme.token, ("create_entities", {"entities": [{"name": "x"}]})))
    assert wrong.is_error
    assert "entities.0.entityType" in wrong.content[0].text
    # observations that others add at the same time are kept
    fact = lambda number: (
        "add_observations",
        {"observations": [{"entityName": "Ada", "contents": [f"fact {number}"]}]},
    )

    async def at_once():
        await asyncio.gather(*(work(acme.token, fact(number)) for number in range(3)))
        return await work(acme.token, ("open_nodes", {"names": ["Ada"]}))

    (found,) = asyncio.run(at_once())
    assert set(found.structured_content["entities"][0]["observations"]) == {
        "wrote the first program", "fact 0", "fact 1", "fact 2"
    }  # fmt: skip
