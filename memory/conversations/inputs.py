"""Turns of a conversation as callers write them, ours and the chat-completions shape."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, RootModel
from pydantic_core import PydanticCustomError

from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment
from memory.analysis.values import is_blank
from memory.conversations.types import MAX_ID, Turn
from memory.inputs import Metadata, VisibleToIn
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
    content: Annotated[str, Field(max_length=MAX_CONTENT)] | list[TextPart] | None = None
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
    def words(self) -> str:
        """The text of its content, or of the refusal in its place; "" if it says nothing."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or self.refusal or ""

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
    """One turn, and who may see it."""

    visible_to: VisibleToIn | None = None


class TurnsIn(Strict):
    """Several turns in order, and who may see them."""

    turns: list[TurnIn] = Field(min_length=1, max_length=MAX_TURNS)
    visible_to: VisibleToIn | None = None


class MessagesIn(Strict):
    """Chat-completions messages in order, and who may see them."""

    messages: list[TurnIn] = Field(min_length=1, max_length=MAX_TURNS)
    visible_to: VisibleToIn | None = None


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
