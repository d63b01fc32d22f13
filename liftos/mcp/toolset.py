"""Tools, resources and prompts as data; `liftos.mcp.server` serves them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from liftos.mcp.door import Door
from liftos.mcp.replies import Reply

Report = Callable[[float, float | None, str], Awaitable[None]]
"""Reports progress: done so far, of how much if known, and a message."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that agents can call.

    Attributes:
        arguments: their shape, whose descriptions the model reads.
        run: calls the API; raises `Refused` for its errors.
        reads: whether it changes nothing.
        destroys: whether what it changes can't be brought back.
        repeatable: whether a second call with the same arguments has no further effect.
        output: JSON Schema of the structured content, if it is fixed.
    """

    name: str
    title: str
    description: str
    arguments: type[BaseModel]
    run: Callable[[Door, Any, Report], Awaitable[Reply]]
    reads: bool = False
    destroys: bool = False
    repeatable: bool = False
    output: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """Resources with ids: `memory://{id}`."""

    scheme: str
    name: str
    description: str
    read: Callable[[Door, str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class PromptArgument:
    """An argument of a prompt, a text."""

    name: str
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt that a person picks in a client; `render` returns its text."""

    name: str
    title: str
    description: str
    arguments: tuple[PromptArgument, ...]
    render: Callable[[Door, dict[str, str]], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class ToolSet:
    """The tools, resources and prompts of one server.

    Attributes:
        instructions: what the model is told about the server.
    """

    name: str
    title: str
    instructions: str
    tools: tuple[Tool, ...]
    resources: tuple[ResourceKind, ...] = ()
    prompts: tuple[PromptTemplate, ...] = ()
    by_name: dict[str, Tool] = field(init=False)

    def __post_init__(self) -> None:
        """Index the tools."""
        object.__setattr__(self, "by_name", {tool.name: tool for tool in self.tools})
