"""Turns of a conversation as callers write them, ours and the chat-completions shape."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, RootModel
from pydantic_core import PydanticCustomError

from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment
from memory.analysis.values import is_blank
from memory.conversations.types import MAX_ID, Turn
from memory.inputs import Metadata, ObjectContent, VisibleToIn
from memory.types import MAX_CONTENT

MAX_TURNS = 500
"""Turns of one request."""


def _visible(text: str) -> str:
    if is_blank(text):
        raise PydanticCustomError("string_blank", "String should have at least one visible character")
    return text


class TextPart(Strict):
    """A part of a message's content; only text is read."""

    type: Literal["text", "input_text", "output_text"]
    text: Annotated[str, Field(max_length=MAX_CONTENT)]


class TurnIn(Strict):
    """One turn. A chat-completions message is one too; its calls of tools are not stored."""

    role: Annotated[str, Field(max_length=100), AfterValidator(_visible)]
    name: Annotated[str, Field(max_length=200)] | None = None
    content: Annotated[str, Field(max_length=MAX_CONTENT)] | list[TextPart] | ObjectContent | None = None
    at: Moment | None = None
    id: Annotated[str, Field(max_length=MAX_ID)] | None = None
    metadata: Metadata | None = None
    tool_calls: list[Any] | None = None
    tool_call_id: str | None = None
    function_call: Any = None
    annotations: Any = None
    audio: Any = None
    refusal: str | None = None

    @property
    def words(self) -> str | dict[str, Any]:
        """Its content, or the refusal in its place; "" if it says nothing."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or self.refusal or ""

    @property
    def is_silent(self) -> bool:
        """It says nothing."""
        return not self.words if isinstance(self.words, dict) else not self.words.strip()

    def turn(self) -> Turn:
        """Return the turn."""
        return Turn(
            role=self.role,
            content=self.words,
            name=self.name or "",
            at=self.at,
            id=self.id or "",
            metadata=self.metadata or {},
        )


class OneTurnIn(TurnIn):
    """One turn, who may see it, and whether searches find it."""

    visible_to: VisibleToIn | None = None
    index: bool = True


class TurnsIn(Strict):
    """Several turns in order, who may see them, and whether searches find them."""

    turns: list[TurnIn] = Field(min_length=1, max_length=MAX_TURNS)
    visible_to: VisibleToIn | None = None
    index: bool = True


class MessagesIn(Strict):
    """Chat-completions messages in order, who may see them, and whether searches find them."""

    messages: list[TurnIn] = Field(min_length=1, max_length=MAX_TURNS)
    visible_to: VisibleToIn | None = None
    index: bool = True


class ConversationIn(RootModel[OneTurnIn | TurnsIn | MessagesIn]):
    """One turn, several under `turns`, or chat-completions messages under `messages`."""


def shape_of(sent: Any) -> type[OneTurnIn] | type[TurnsIn] | type[MessagesIn]:
    """Return the shape that a body is meant to have, so that errors are about that one alone."""
    names = sent if isinstance(sent, dict) else {}
    if "turns" in names:
        return TurnsIn
    return MessagesIn if "messages" in names else OneTurnIn


def turns_of(given: OneTurnIn | TurnsIn | MessagesIn) -> Sequence[TurnIn]:
    """Return all turns of a body, with those that say nothing."""
    match given:
        case TurnsIn():
            return given.turns
        case MessagesIn():
            return given.messages
        case _:
            return [given]
