"""Entities and relations of the reference "memory" server as memories, read and written through the API."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from liftos.mcp.door import Door, Refused, part

SOURCE = "mcp-memory"
ENTITY, RELATION = "entity", "relation"
PAGE = 200
MOST_ATTEMPTS = 5
# external ids have at most 300 characters
MOST_PLAIN = 280

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing with observations."""

    name: str
    type: str
    observations: tuple[str, ...]

    @property
    def external_id(self) -> str:
        """Its external id, which its name decides."""
        return entity_id(self.name)

    @property
    def text(self) -> str:
        """Its memory's text."""
        return "\n".join([f"{self.name} ({self.type})", *self.observations])

    def mentions(self, text: str) -> bool:
        """Return whether a text occurs in its name, type or an observation, in any case."""
        return any(text.lower() in each.lower() for each in (self.name, self.type, *self.observations))

    def shown(self) -> dict[str, Any]:
        """Return it in the reference's shape."""
        return {"name": self.name, "entityType": self.type, "observations": list(self.observations)}

    def fields(self) -> dict[str, Any]:
        """Return its memory's text and metadata."""
        return {"content": self.text, "metadata": self.shown()}


@dataclass(frozen=True, slots=True)
class Relation:
    """A directed relation between two entities, by their names."""

    source: str
    target: str
    type: str

    @property
    def external_id(self) -> str:
        """Its external id, which its three parts decide."""
        return f"{RELATION}:{_digest(json.dumps([self.source, self.type, self.target]))}"

    @property
    def text(self) -> str:
        """Its memory's text."""
        return f"{self.source} {self.type} {self.target}"

    def shown(self) -> dict[str, Any]:
        """Return it in the reference's shape."""
        return {"from": self.source, "to": self.target, "relationType": self.type}


@dataclass(frozen=True, slots=True)
class Stored(Generic[T]):
    """An entity or relation with the id and version of its memory."""

    memory: str
    version: int
    value: T


@dataclass(frozen=True, slots=True)
class Graph:
    """A part of the graph: entities by name, relations, both in the order in which they were stored."""

    entities: Mapping[str, Stored[Entity]]
    relations: Sequence[Stored[Relation]]


def entity_id(name: str) -> str:
    """Return the external id of the entity with a name."""
    return f"{ENTITY}:{name if len(name) <= MOST_PLAIN else _digest(name)}"


def entity_memory(entity: Entity) -> dict[str, Any]:
    """Return an entity as a memory to store."""
    return entity.fields() | {"memory_type": ENTITY, "source": SOURCE, "external_id": entity.external_id}


def relation_memory(relation: Relation) -> dict[str, Any]:
    """Return a relation as a memory to store, linked to its ends."""
    ends = dict.fromkeys([entity_id(relation.source), entity_id(relation.target)])
    return {
        "content": relation.text,
        "metadata": relation.shown(),
        "memory_type": RELATION,
        "source": SOURCE,
        "external_id": relation.external_id,
        "links": [{"kind": "about", "external_id": end} for end in ends],
    }


async def add_entity(door: Door, entity: Entity) -> bool:
    """Store an entity; return whether there was none of its name."""
    return await _add(door, entity_memory(entity))


async def add_relation(door: Door, relation: Relation) -> bool:
    """Store a relation; return whether it is new."""
    return await _add(door, relation_memory(relation))


async def _add(door: Door, memory: dict[str, Any]) -> bool:
    try:
        answer = await door.call("POST", "memories", body=memory)
    except Refused as error:
        # the name is taken, with other observations
        if error.status == 409 and error.problem.get("memory_id"):
            return False
        raise
    return answer.status == 201


async def find_entities(door: Door, names: Sequence[str]) -> dict[str, Stored[Entity]]:
    """Return those of some entities that exist, by name."""
    found: dict[str, Stored[Entity]] = {}
    for name in dict.fromkeys(names):
        for memory in await _pages(door, {"external_id": entity_id(name), "memory_type": ENTITY}):
            found[name] = _entity(memory)
    return found


async def read_all(door: Door, text: str = "") -> Graph:
    """Return all entities and relations, or those in whose text something occurs."""
    memories = await _pages(door, {"text": text} if text else {})
    entities = [_entity(each) for each in memories if each["memory_type"] == ENTITY]
    return Graph(
        {each.value.name: each for each in entities},
        [_relation(each) for each in memories if each["memory_type"] == RELATION],
    )


async def relations_of(door: Door, names: set[str]) -> list[Stored[Relation]]:
    """Return the relations that lead to or from any of some entities."""
    found = []
    ordered = sorted(names)
    for start in range(0, len(ordered), PAGE):
        some = ordered[start : start + PAGE]
        either = {"$or": [{"from": {"$in": some}}, {"to": {"$in": some}}]}
        found += await _pages(door, {"memory_type": RELATION, "filters": either})
    return [_relation(each) for each in {each["id"]: each for each in found}.values()]


async def revise(
    door: Door, entity: Stored[Entity], *, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> list[str]:
    """Add and remove observations of an entity, whoever changes it at the same time; return those that were added."""
    for _ in range(MOST_ATTEMPTS):
        before = entity.value.observations
        kept = [each for each in before if each not in remove]
        new = [each for each in dict.fromkeys(add) if each not in before]
        if not new and len(kept) == len(before):
            return []
        after = Entity(entity.value.name, entity.value.type, (*kept, *new))
        try:
            await door.call(
                "PATCH",
                f"memories/{part(entity.memory)}",
                body=after.fields(),
                headers={"If-Match": f'"{entity.version}"'},
            )
        except Refused as error:
            if error.status != 412:
                raise
            entity = _entity((await door.call("GET", f"memories/{part(entity.memory)}")).body)
        else:
            return new
    raise Refused(
        409,
        {
            "status": 409,
            "code": "mcp.busy",
            "detail": f"{entity.value.name} is being changed by others; try again.",
        },
    )


async def delete_memories(door: Door, memories: Sequence[str]) -> None:
    """Erase memories, a thousand in a transaction; those that are gone are passed over."""
    for start in range(0, len(memories), 1_000):
        await door.call("POST", "memories/delete", body={"ids": list(memories[start : start + 1_000])})


async def _pages(door: Door, conditions: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    asked = {"source": SOURCE, "order": "recorded_at", "limit": PAGE} | conditions
    while True:
        page = (await door.call("POST", "memories/query", body=asked)).body
        found += page["results"]
        if not page["next"]:
            return found
        asked["cursor"] = page["next"]


def _entity(memory: Mapping[str, Any]) -> Stored[Entity]:
    kept = memory["metadata"]
    # also of memories that people corrected by hand
    observations = kept.get("observations")
    return Stored(
        memory["id"],
        memory["version"],
        Entity(
            str(kept.get("name", memory["content"])),
            str(kept.get("entityType", "")),
            tuple(map(str, observations if isinstance(observations, list) else [])),
        ),
    )


def _relation(memory: Mapping[str, Any]) -> Stored[Relation]:
    kept = memory["metadata"]
    return Stored(
        memory["id"],
        memory["version"],
        Relation(str(kept.get("from", "")), str(kept.get("to", "")), str(kept.get("relationType", ""))),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
