"""The functions that workflows may call, by name and version. Each app offers its own, in `AppConfig.ready`.

A function takes a `Call` (for whom it runs) and its arguments as a pydantic model, and returns a JSON value. What it writes
through `liftos.kernel.db.transactions` commits together with the step that called it, so those effects happen exactly once; what it does
elsewhere (`outside=True`) may happen again after a crash, under the same `Call.key`.

```
@register("memory.count", reads=("memories",), cacheable=True)
def count(call: Call, source: str = "") -> int: ...
```

Several versions of a function live side by side: a workflow keeps the version that it was published with.
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
    """There is no function of that name and version."""

    code = "liftos.function_not_found"


@dataclass(frozen=True, slots=True)
class Sources:
    """What a call was given to work on.

    Attributes:
        memories: ids of the memories that the results it refers to quote.
        decisions: ids of the decisions that read them.
    """

    memories: tuple[UUID, ...] = ()
    decisions: tuple[UUID, ...] = ()


class Reveals(Protocol):
    """Puts secrets into a text at the moment it is sent."""

    def reveal(self, text: str, *, host: str) -> str:
        """Return the text with the secrets that the template named in it; `host` is where it goes."""


@dataclass(frozen=True, slots=True)
class Call:
    """For whom, and within what, a function runs.

    Attributes:
        principal: whose organisation, who acts, and what that actor may do.
        key: names this call to the world outside; the same at each attempt.
        deadline: on the monotonic clock, seconds; what takes longer is given up.
        context: what the run carries along; a function that declares a parameter `context` is handed it.
        sources: what it works on, for a function that `derives`.
        secrets: puts the operator's secrets in, for a function that takes some.
        prepared: what the function's `prepare` returned.
    """

    principal: Principal
    key: str
    deadline: float
    context: Mapping[str, Any] = field(default_factory=dict)
    sources: Sources = Sources()
    secrets: Reveals | None = None
    prepared: Any = None

    @property
    def organisation(self) -> UUID:
        """Whose."""
        return self.principal.organisation

    @property
    def by(self) -> Actor:
        """Who acts."""
        return self.principal.actor


Prepare = Callable[[Call, Any], object]
Mentions = Callable[[Any], Iterable[UUID]]


@dataclass(frozen=True, slots=True)
class Function:
    """A registered function.

    Attributes:
        name: by which workflows call it, for example `memory.search`.
        version: from 1.
        description: one line.
        schema: its arguments.
        call: takes a `Call` and an instance of `schema`, returns a JSON value.
        cacheable: its result for the same arguments may be used again; it has no effects.
        idempotent: carrying it out twice under one `Call.key` does no more than once.
        reads: what its result depends on, for example `memories`; a write to it ends what is cached.
        scopes: what the caller of a workflow must be allowed.
        outside: has effects that Postgres does not know of, or computes long: runs in no transaction.
        prepare: embeds or calls out, outside of any transaction; its result is the `prepared` of the call that follows.
        mentions: ids of the memories that a result quotes, for erasure to reach.
        touches: ids of the memories that a result names without quoting them: made or changed by arguments that do.
        derives: it keeps what was made of other memories, and is handed them in `Call.sources`.
        secrets: arguments in which `{secret:NAME}` may stand; the function puts the values in with `Call.secrets`.
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
        """Name and version as one word, for example `memory.search@1`."""
        return f"{self.name}@{self.version}"

    def parse(self, arguments: Mapping[str, Any]) -> BaseModel:
        """Return the arguments as the function takes them.

        Raises:
            InvalidRequest: with one item for each argument at fault; a text that Postgres can't keep is one.
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
    """Return a decorator that registers a callable, and leaves it as it is; a bound method will do.

    Args:
        name: by which workflows call it; its own name does not matter.
        version: from 1; a second registration of a name and version replaces the first.
        cacheable: see `Function`.
        idempotent: see `Function`.
        reads: see `Function`.
        schema: its arguments; the callable is then given `(call, arguments)`. Without one they are read off its
            signature, `call` and `context` apart, and given by name.
        scopes: see `Function`.
        outside: see `Function`.
        prepare: see `Function`; given what the callable is given under a `schema`.
        mentions: see `Function`.
        touches: see `Function`.
        derives: see `Function`.
        secrets: see `Function`.

    Raises:
        ValueError: a version below 1, or a cacheable function with effects outside.
    """
    if version < 1:
        raise ValueError("versions count from 1")

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
    """Take back a registration, of one version or of all; unknown ones are let be."""
    global _known
    _known = None
    if version is None:
        _functions.pop(name, None)
    elif name in _functions:
        _functions[name].pop(version, None)


def find_function(name: str, version: int | None = None) -> Function | None:
    """Return a function, None if there is none.

    Args:
        name: as registered; `name@2` names a version too.
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
        FunctionNotFound: there is none.
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
    """Return the names of all functions, in order."""
    return sorted(name for name, versions in _functions.items() if versions)


def known_keys() -> list[str]:
    """Return the names with versions that this process can carry out."""
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
