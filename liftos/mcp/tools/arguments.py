"""Parts of arguments that several tools share. Checks beyond the type are the API's."""

from typing import Annotated, Any, Literal

from pydantic import Field

from liftos.kernel.http.strict import Strict

MemoryId = Annotated[
    str, Field(min_length=1, max_length=100, description="The memory's id, as recall and list return it.")
]
Key = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=200,
        description="Any unique text. A repeated call with the same key has no second effect: use it to retry safely.",
    ),
]
Time = Annotated[str | None, Field(description="ISO 8601 date or time; UTC without a zone.")]
VisibleTo = Annotated[
    Literal["organisation"] | dict[str, Any] | None,
    Field(
        description='Who may see it: "organisation" (default), {"groups": ["name"]} or {"principal": "name"}.'
    ),
]
Why = Annotated[str | None, Field(max_length=2_000, description="Why; kept in the record.")]


class Narrow(Strict):
    """Conditions on memories; all of them must hold."""

    filters: dict[str, Any] | None = Field(
        default=None,
        description='Conditions on metadata: {"channel": "tv"}, {"lift": {"$gte": 0.1}}, {"$or": [{…}, {…}]}.',
    )
    tags: list[str] | None = Field(default=None, description="Tags it must have, all of them.")
    memory_type: str | None = None
    source: str | None = Field(default=None, description="Exactly this source.")
    external_id: str | None = None
    thread: str | None = Field(default=None, description="A conversation, session or document.")
    entity: str | None = Field(default=None, description="A name it mentions.")
    happened_at: dict[str, Any] | None = Field(
        default=None, description='When it happened: {"$gte": "2026-01-01", "$lt": "2026-02-01"}.'
    )
    states: list[Literal["candidate", "active", "contested", "rejected", "superseded", "expired"]] | None = (
        Field(default=None, description="Trust states; default: what may be used.")
    )
    as_of: Time = Field(default=None, description="What was valid at this time.")
    known_at: Time = Field(default=None, description="What was known at this time.")


def given(arguments: Strict, *without: str) -> dict[str, Any]:
    """Return the arguments that were given, except for some."""
    return {
        name: value
        for name, value in arguments.model_dump(mode="json", exclude_unset=True, by_alias=True).items()
        if name not in without and value is not None
    }


def once_only(key: str | None) -> dict[str, str]:
    """Return the header for an idempotency key."""
    return {"Idempotency-Key": key} if key else {}
