"""LangGraph's long-term memory in LiftOS: `LiftosStore`, a `BaseStore` (extra `langgraph`)."""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    get_text_at_path,
    tokenize_path,
    validate_op_namespace,
)

from liftos_client.clients import Client
from liftos_client.errors import Conflict, NotFound, PreconditionFailed
from liftos_client.models import Hit, Memory

Namespace = tuple[str, ...]
FOUND_TOGETHER = 100
READ_TOGETHER = 200
# values of metadata by which the service can filter and count
MAX_VALUE = 200
MAX_FIELD = 50


class LiftosStore(BaseStore):
    """Items as memories: the value is the content, namespace and key are in the metadata.

    Every item is searched by meaning and words unless it is put with `index=False`; with fields as `index`, only these are. A namespace exists
    while it has items. Reading an item with a TTL prolongs its life by a write, unless told not to.

    Args:
        client: whose key's sight the items have.
        source: the memories' source, by which stores are apart; without a dot.
        ttl: defaults for items' lives.
        fields: further fields of the memories, such as `visible_to`.
    """

    supports_ttl = True

    def __init__(
        self,
        client: Client,
        *,
        source: str = "langgraph",
        ttl: TTLConfig | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Create a store."""
        super().__init__()
        if not source or "." in source:
            raise ValueError("The source of a store is a text without a dot.")
        self.client = client
        self.source = source
        self.ttl_config = ttl
        self._fields = dict(fields or {})

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Carry out operations: reads see what was there before, and of several puts of an item the last counts."""
        asked = list(ops)
        for op in asked:
            validate_op_namespace(op)
        results: list[Result] = [None] * len(asked)
        self._get([(place, op) for place, op in enumerate(asked) if isinstance(op, GetOp)], results)
        puts: dict[tuple[Namespace, str], PutOp] = {}
        for place, op in enumerate(asked):
            if isinstance(op, SearchOp):
                results[place] = self._search(op)
            elif isinstance(op, ListNamespacesOp):
                results[place] = self._namespaces(op)
            elif isinstance(op, PutOp):
                puts[op.namespace, op.key] = op
            elif not isinstance(op, GetOp):
                raise TypeError(f"Unknown operation: {type(op).__name__}")
        for op in puts.values():
            self._put(op)
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Carry out operations in a thread. See `batch`."""
        return await asyncio.to_thread(self.batch, list(ops))

    def _get(self, ops: Sequence[tuple[int, GetOp]], results: list[Result]) -> None:
        names = {_digest([*op.namespace], op.key) for _, op in ops}
        found: dict[str, Memory] = {}
        for some in _chunks(sorted(names), READ_TOGETHER):
            narrow: dict[str, Any] = (
                {"external_id": some[0]}
                if len(some) == 1
                else {"filters": {f"{self.source}.item": {"$in": some}}}
            )
            for memory in self.client.list(source=self.source, **narrow):
                found[str(memory.external_id)] = memory
        for place, op in ops:
            one = found.get(_digest([*op.namespace], op.key))
            if one is not None:
                results[place] = Item(**self._parts(one.content, one.metadata), **_times(one))
        self._refresh([found[name] for name in self._refreshed(ops) if name in found])

    def _refreshed(self, ops: Sequence[tuple[int, GetOp]]) -> list[str]:
        names = (_digest([*op.namespace], op.key) for _, op in ops if op.refresh_ttl)
        return list(dict.fromkeys(names))

    def _put(self, op: PutOp) -> None:
        name = _digest([*op.namespace], op.key)
        if op.value is None:
            named = {"source": self.source, "external_id": name}
            self.client.request("DELETE", "/api/v1/memories", query=named)
            return
        value = dict(op.value)
        own: dict[str, Any] = {
            "item": name,
            "namespace": json.dumps(op.namespace, ensure_ascii=False),
            "key": op.key,
            "within": [_digest([*op.namespace[:depth]]) for depth in range(1, len(op.namespace) + 1)],
            "is_long": len(json.dumps(op.namespace, ensure_ascii=False)) > MAX_VALUE,
            "fields": {name: each for name, each in value.items() if _is_comparable(name, each)},
        }
        content: str | dict[str, Any] = value
        if op.index:
            texts = [text for path in op.index for text in get_text_at_path(value, tokenize_path(path))]
            content = "\n".join(texts)
        is_indexed = op.index is not False and bool(content)
        if not isinstance(content, dict) or not is_indexed:
            # texts of some fields, or none
            own["value"] = json.dumps(value)
            content = content if is_indexed else value
        if op.ttl is not None:
            own["ttl"] = op.ttl
        fields: dict[str, Any] = {
            **self._fields,
            "metadata": {self.source: own},
            "index": is_indexed,
            "expires_at": None if op.ttl is None else datetime.now(UTC) + timedelta(minutes=op.ttl),
        }
        try:
            self.client.put(self.source, name, content, **fields)
        except Conflict:
            # an item whose time is over can't be changed, only replaced
            gone = list(self.client.list(source=self.source, external_id=name, states=["expired"]))
            if not gone:
                raise
            self.client.forget(gone[0].id, reason="Replaced after its expiry")
            self.client.put(self.source, name, content, **fields)

    def _search(self, op: SearchOp) -> list[SearchItem]:
        found = (
            (memory, score)
            for memory, score in (self._ranked(op) if op.query else self._listed(op))
            if _passes(self._value(memory.content, memory.metadata), op.filter)
        )
        kept = list(islice(found, max(0, op.offset), max(0, op.offset) + max(0, op.limit)))
        memories = self._whole([memory for memory, _ in kept])
        if op.refresh_ttl:
            self._refresh(memories)
        return [
            SearchItem(**self._parts(memory.content, memory.metadata), **_times(memory), score=score)
            for memory, (_, score) in zip(memories, kept, strict=True)
        ]

    def _listed(self, op: SearchOp) -> Iterator[tuple[Memory, None]]:
        for memory in self.client.list(source=self.source, order="recorded_at", **self._narrow(op)):
            yield memory, None

    def _ranked(self, op: SearchOp) -> Iterator[tuple[Hit, float]]:
        limit = FOUND_TOGETHER if op.filter else min(FOUND_TOGETHER, op.offset + op.limit)
        cursor: dict[str, Any] = {}
        while True:
            hits = self.client.recall(
                op.query or "", source=self.source, limit=max(1, limit), **self._narrow(op), **cursor
            )
            for hit in hits:
                yield hit, hit.score
            if not hits.next:
                return
            cursor = {"cursor": hits.next}

    def _narrow(self, op: SearchOp) -> dict[str, Any]:
        """Return what the service can test of a search; the rest is tested here."""
        filters: dict[str, Any] = {}
        if op.namespace_prefix:
            filters[f"{self.source}.within"] = _digest([*op.namespace_prefix])
        for name, wanted in (op.filter or {}).items():
            if _is_comparable(name, wanted):
                filters[f"{self.source}.fields.{name}"] = wanted
        return {"filters": filters} if filters else {}

    def _whole(self, found: Sequence[Memory | Hit]) -> list[Memory | Hit]:
        """Return memories in place of hits that have changed since their creation, for their times."""
        wanted = [hit.id for hit in found if isinstance(hit, Hit) and (hit.version > 1 or self._ttl(hit))]
        read = {memory.id: memory for memory in self.client.get_many(wanted) if memory is not None}
        return [read.get(each.id, each) for each in found]

    def _namespaces(self, op: ListNamespacesOp) -> list[Namespace]:
        every = {tuple(json.loads(text)) for text in self._used()}
        kept = {each for each in every if all(_matches(test, each) for test in op.match_conditions or ())}
        if op.max_depth is not None:
            kept = {each[: op.max_depth] for each in kept}
        return sorted(kept)[op.offset : op.offset + op.limit]

    def _used(self) -> Iterator[str]:
        cursor = None
        while True:
            asked = {"field": f"metadata.{self.source}.namespace", "order": "value", "limit": 1000}
            page = self.client.request(
                "GET", "/api/v1/values", query=asked | ({"cursor": cursor} if cursor else {})
            )
            yield from (each["value"] for each in page["results"])
            cursor = page["next"]
            if not cursor:
                break
        # texts that are too long to be counted
        for memory in self.client.list(source=self.source, filters={f"{self.source}.is_long": True}):
            yield memory.metadata[self.source]["namespace"]

    def _refresh(self, memories: Sequence[Memory | Hit]) -> None:
        for memory in memories:
            ttl = self._ttl(memory)
            if ttl is None:
                continue
            until = datetime.now(UTC) + timedelta(minutes=ttl)
            try:
                self.client.correct(memory.id, version=memory.version, expires_at=until)
            except (Conflict, NotFound, PreconditionFailed):
                continue  # put again or gone since it was read: its life is not ours to prolong

    def _ttl(self, memory: Memory | Hit) -> float | None:
        ttl: float | None = memory.metadata[self.source].get("ttl")
        return ttl

    def _value(self, content: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
        own = metadata[self.source]
        value: dict[str, Any] = json.loads(own["value"]) if "value" in own else content
        return value

    def _parts(self, content: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
        own = metadata[self.source]
        namespace = tuple(json.loads(own["namespace"]))
        return {"value": self._value(content, metadata), "key": own["key"], "namespace": namespace}


def _times(memory: Memory | Hit) -> dict[str, datetime]:
    changed = memory.changed_at if isinstance(memory, Memory) else memory.recorded_at
    return {"created_at": memory.recorded_at, "updated_at": changed}


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def _is_comparable(name: str, value: Any) -> bool:
    """Return whether the service can compare a field as LangGraph does."""
    is_plain = isinstance(name, str) and 0 < len(name) <= MAX_FIELD and "." not in name and name[0] != "$"
    return is_plain and isinstance(value, str) and len(value) <= MAX_VALUE


def _chunks(values: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


def _matches(test: MatchCondition, namespace: Namespace) -> bool:
    path = test.path
    if test.match_type not in {"prefix", "suffix"}:
        raise ValueError(f"Unknown match type: {test.match_type}")
    if len(namespace) < len(path):
        return False
    part = namespace[: len(path)] if test.match_type == "prefix" else namespace[len(namespace) - len(path) :]
    return all(wanted in {"*", label} for wanted, label in zip(path, part, strict=True))


def _passes(value: Mapping[str, Any], filters: Mapping[str, Any] | None) -> bool:
    return all(_equals(value.get(name), wanted) for name, wanted in (filters or {}).items())


def _equals(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        if any(name.startswith("$") for name in wanted):
            return all(_compares(value, operator, each) for operator, each in wanted.items())
        return isinstance(value, dict) and all(
            _equals(value.get(name), each) for name, each in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(wanted)
            and all(_equals(one, other) for one, other in zip(value, wanted, strict=True))
        )
    return bool(value == wanted)


def _compares(value: Any, operator: str, wanted: Any) -> bool:
    match operator:
        case "$eq":
            return bool(value == wanted)
        case "$ne":
            return bool(value != wanted)
        case "$gt":
            return float(value) > float(wanted)
        case "$gte":
            return float(value) >= float(wanted)
        case "$lt":
            return float(value) < float(wanted)
        case "$lte":
            return float(value) <= float(wanted)
    raise ValueError(f"Unknown operator: {operator}")
