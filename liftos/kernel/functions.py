"""The registry of functions that workflows may call, by name and version. Each app registers its own in `AppConfig.ready`.

A function takes a `Call` (its context) and its arguments as a pydantic model, and returns a JSON value. What it writes
through `liftos.kernel.db.transactions` commits together with the step that called it, so those effects happen exactly once;
other effects (`outside=True`) may be repeated after a crash, with the same `Call.key`.

```
@register("memory.count", reads=("memories",), cacheable=True)
def count(call: Call, source: str = "") -> int: ...
```

Several versions of a function can coexist: a workflow keeps the version it was published with.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, create_model

from liftos.kernel.errors import NotFound
from liftos.kernel.http.parsing import check_storable, validate
from liftos.kernel.suggestions import did_you_mean
from liftos.kernel.tenancy.types import Actor, Principal, Scope

F = TypeVar("F", bound=Callable[..., Any])
_GIVEN = ("call", "context")


class FunctionNotFound(NotFound):
    """No function has that name and version."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The origin of a call's input.

    Attributes:
        memories: ids of the memories quoted in the results it refers to.
        decisions: ids of the decisions that read them.
        unnamed: ids of further memories, beyond the number that a memory can name as its sources.
    """

    memories: tuple[UUID, ...] = ()
    decisions: tuple[UUID, ...] = ()
    unnamed: tuple[UUID, ...] = ()


class Reveals(Protocol):
    """Inserts secrets into a text when it is sent."""

    def reveal(self, text: str, *, host: str) -> str:
        """Return the text with its secret placeholders replaced; `host` is the destination."""


@dataclass(frozen=True, slots=True)
class Call:
    """The context in which a function runs.

    Attributes:
        principal: the organisation, the actor and its scopes.
        key: identifies this call to external services; the same for every attempt.
        deadline: monotonic clock, seconds; the call is abandoned then.
        context: the run's context, passed to functions that declare a parameter `context`.
        sources: where its input comes from, for functions with `derives`.
        secrets: inserts the operator's secrets, for functions with `secrets`.
        prepared: the result of the function's `prepare`.
        run: of the step that calls, if a workflow does.
        step: its id.
    """

    principal: Principal
    key: str
    deadline: float
    context: Mapping[str, Any] = field(default_factory=dict)
    sources: Sources = Sources()
    secrets: Reveals | None = None
    prepared: Any = None
    run: UUID | None = None
    step: UUID | None = None

    @property
    def organisation(self) -> UUID:
        """The principal's organisation."""
        return self.principal.organisation

    @property
    def by(self) -> Actor:
        """The principal's actor."""
        return self.principal.actor


@dataclass(frozen=True, slots=True)
class Waiting:
    """Returned instead of a result by a function whose step waits, without a worker, until something makes it ready again.

    The function is called again then; what it wrote before is kept.

    Attributes:
        why: for the step's history.
    """

    why: str


Prepare = Callable[[Call, Any], object]
Mentions = Callable[[Any], Iterable[UUID]]


@dataclass(frozen=True, slots=True)
class Function:
    """A registered function.

    Attributes:
        name: used by workflows, for example `memory.search`.
        version: from 1.
        description: one line.
        schema: of its arguments.
        call: takes a `Call` and an instance of `schema`, returns a JSON value.
        cacheable: it has no effects, and its result for the same arguments may be reused.
        idempotent: repeating it with the same `Call.key` has no further effect.
        reads: what its result depends on, for example `memories`; writes to it invalidate cached results.
        scopes: required of the caller of a workflow.
        outside: it has effects outside Postgres or takes long, so it runs in no transaction.
        prepare: embeds or calls out, outside of any transaction; its result is the `prepared` of the call that follows.
        mentions: returns the ids of the memories that a result quotes, for erasure.
        touches: returns the ids of the memories that a result names but does not quote: created or changed by the call.
        derives: it stores content derived from other memories, and gets them in `Call.sources`.
        secrets: arguments that may contain `{secret:NAME}`; the function inserts the values with `Call.secrets`.
    """

    name: str
    version: int
    description: str
    schema: type[BaseModel]
    call: Callable[[Call, Any], Any]
    cacheable: bool = False
    idempotent: bool = False
    reads: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()
    outside: bool = False
    prepare: Prepare | None = None
    mentions: Mentions | None = None
    touches: Mentions | None = None
    derives: bool = False
    secrets: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Name and version, for example `memory.search@1`."""
        return f"{self.name}@{self.version}"

    def parse(self, arguments: Mapping[str, Any]) -> BaseModel:
        """Return validated arguments.

        Raises:
            InvalidRequest: with one item per invalid argument, including text that Postgres can't store.
        """
        check_storable(dict(arguments), loc=("arguments",))
        return validate(self.schema, dict(arguments), loc=("arguments",))

    def ready(self, call: Call, arguments: Any) -> Call:
        """Return a call with what the function prepares for it; outside of any transaction."""
        return call if self.prepare is None else replace(call, prepared=self.prepare(call, arguments))


_functions: dict[str, dict[int, Function]] = {}
_known: list[str] | None = None


def register(
    name: str,
    *,
    version: int = 1,
    cacheable: bool = False,
    idempotent: bool = False,
    reads: Iterable[str] = (),
    schema: type[BaseModel] | None = None,
    scopes: Iterable[Scope] = (),
    outside: bool = False,
    prepare: Prepare | None = None,
    mentions: Mentions | None = None,
    touches: Mentions | None = None,
    derives: bool = False,
    secrets: Iterable[str] = (),
) -> Callable[[F], F]:
    """Return a decorator that registers a callable (also a bound method) and returns it unchanged.

    Args:
        name: used by workflows; the callable's own name does not matter.
        version: from 1; registering a name and version again replaces the first.
        cacheable: see `Function`.
        idempotent: see `Function`.
        reads: see `Function`.
        schema: of the arguments; the callable is then called with `(call, arguments)`. Without it, the schema is derived
            from the signature except `call` and `context`, and arguments are passed by name.
        scopes: see `Function`.
        outside: see `Function`.
        prepare: see `Function`; called with `(call, arguments)`.
        mentions: see `Function`.
        touches: see `Function`.
        derives: see `Function`.
        secrets: see `Function`.

    Raises:
        ValueError: a version below 1, or a cacheable function with effects outside.
    """
    if version < 1:
        raise ValueError("version must be at least 1")

    def add(callable_: F) -> F:
        global _known
        _known = None
        shape = schema or _schema_of(name, callable_)
        _functions.setdefault(name, {})[version] = Function(
            name=name,
            version=version,
            description=(inspect.getdoc(callable_) or "").split("\n")[0],
            schema=shape,
            call=callable_ if schema is not None else _by_name(callable_, shape),
            cacheable=cacheable,
            idempotent=idempotent or cacheable,
            reads=tuple(reads),
            scopes=tuple(scopes),
            outside=outside,
            prepare=prepare,
            mentions=mentions,
            touches=touches,
            derives=derives,
            secrets=tuple(secrets),
        )
        return callable_

    return add


def unregister(name: str, version: int | None = None) -> None:
    """Remove one version of a function, or all; ignore unknown ones."""
    global _known
    _known = None
    if version is None:
        _functions.pop(name, None)
    elif name in _functions:
        _functions[name].pop(version, None)


def find_function(name: str, version: int | None = None) -> Function | None:
    """Return a function, or None.

    Args:
        name: as registered, optionally with a version: `name@2`.
        version: None for the newest.
    """
    bare, _, wanted = name.partition("@")
    if wanted:
        if not wanted.isascii() or not wanted.isdigit():
            return None
        version = int(wanted)
    versions = _functions.get(bare)
    if not versions:
        return None
    return versions.get(max(versions) if version is None else version)


def get_function(name: str, version: int | None = None) -> Function:
    """Return a function. See `find_function`.

    Raises:
        FunctionNotFound: no function has that name and version.
    """
    found = find_function(name, version)
    if found is None:
        which = name if version is None else f"{name}, version {version}"
        raise FunctionNotFound(f"There is no function {which}{did_you_mean(name, function_names())}")
    return found


def list_functions() -> list[Function]:
    """Return all functions, every version, by name."""
    return [function for name in sorted(_functions) for _, function in sorted(_functions[name].items())]


def function_names() -> list[str]:
    """Return the names of all functions, sorted."""
    return sorted(name for name, versions in _functions.items() if versions)


def known_keys() -> list[str]:
    """Return name and version of every function registered in this process."""
    global _known
    if _known is None:
        _known = [function.key for function in list_functions()]
    return _known


def _schema_of(name: str, callable_: Callable[..., Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    kinds = inspect.Parameter
    extra: Literal["allow", "forbid"] = "forbid"
    for parameter in inspect.signature(callable_).parameters.values():
        if parameter.kind is kinds.VAR_KEYWORD:
            extra = "allow"
        if parameter.name in _GIVEN or parameter.kind in (kinds.VAR_KEYWORD, kinds.VAR_POSITIONAL):
            continue
        annotation = Any if parameter.annotation is kinds.empty else parameter.annotation
        fields[parameter.name] = (annotation, ... if parameter.default is kinds.empty else parameter.default)
    title = f"{name} arguments"
    return create_model(title, __config__=ConfigDict(extra=extra, arbitrary_types_allowed=True), **fields)


def _by_name(callable_: Callable[..., Any], shape: type[BaseModel]) -> Callable[[Call, Any], Any]:
    wanted = [name for name in inspect.signature(callable_).parameters if name in _GIVEN]

    def run(call: Call, arguments: Any) -> Any:
        given = {name: getattr(arguments, name) for name in shape.model_fields} | (
            arguments.model_extra or {}
        )
        given |= {name: call if name == "call" else dict(call.context) for name in wanted}
        return callable_(**given)

    return run
