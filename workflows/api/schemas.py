"""Wire shapes of workflows."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue, RootModel, model_validator

from liftos.kernel.http.pagination import PageQuery, QueryText
from liftos.kernel.http.strict import Strict
from workflows.definition.fields import FIELDS
from workflows.types import RunStatus

STEP: dict[str, JsonValue] = {
    "type": "object",
    "properties": {name: {} for name in FIELDS},
    "required": ["name", "function"],
    "additionalProperties": False,
}
Reason = Annotated[str, Field(max_length=2_000)]


class FunctionOut(BaseModel):
    """A function that steps may call."""

    name: str
    version: int
    description: str
    arguments: dict[str, Any]
    cacheable: bool
    idempotent: bool
    outside: bool
    reads: list[str]
    scopes: list[str]


class FunctionPage(BaseModel):
    """All functions, every version."""

    results: list[FunctionOut]
    next: None


class StepsTemplate(Strict):
    """A template; the fields of its steps are in docs/workflows.md, what is wrong with them is told all at once."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    steps: list[dict[str, Any]] = Field(json_schema_extra={"items": STEP})


class TasksTemplate(BaseModel):
    """The seed's shape of a template."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    tasks: list[dict[str, Any]]


class TemplateIn(RootModel[StepsTemplate | TasksTemplate]):
    """A template, in our shape or the seed's. Read by workflows.definition: this is what is documented."""


class VersionOut(BaseModel):
    """A version of a template."""

    number: int
    status: str
    author: str
    created_at: datetime
    published_by: str
    published_at: datetime | None
    definition: dict[str, Any]


class TemplateOut(BaseModel):
    """A template with its newest version; `version` is the one that a new run follows, null before the first is published."""

    id: UUID
    name: str
    version: int | None
    created_at: datetime
    retired_at: datetime | None
    versions: list[VersionOut]


class TemplateLine(BaseModel):
    """A template in a list."""

    id: UUID
    name: str
    version: int | None
    created_at: datetime
    retired_at: datetime | None


class TemplatePage(BaseModel):
    """A page of templates."""

    results: list[TemplateLine]
    next: str | None


class RunIn(Strict):
    """A run to start; `template` is a name or an id.

    `wait` is true, or seconds: the answer then comes when the run has ended, or when that time is up.
    """

    template: str = Field(min_length=1, max_length=200)
    version: int | None = Field(default=None, ge=1, le=2_147_483_647)
    parameters: dict[str, Any] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    wait: bool | float = Field(default=False)

    @model_validator(mode="after")
    def check_wait(self) -> "RunIn":
        """Refuse negative and endless times."""
        if not isinstance(self.wait, bool) and not 0 <= self.wait <= 3_600:
            raise ValueError("wait must be true, false, or 0 to 3600 seconds")
        return self


class StepOut(BaseModel):
    """A step of a run.

    `withheld` names the scopes that the caller lacks to see its result and what its error says.
    """

    name: str
    status: str
    function: str
    priority: int
    attempts: int
    retries: int
    result: Any
    error: dict[str, Any] | None
    withheld: list[str]
    approval: dict[str, Any] | None
    started_at: datetime | None
    finished_at: datetime | None
    item: int | None = None
    decision_id: UUID | None


class RunOut(BaseModel):
    """A run with its steps, in the order in which they were written.

    `withheld` names the scopes that the caller lacks to see its parameters and metadata.
    """

    id: UUID
    status: str
    name: str
    template: UUID | None
    version: int | None
    workflow_id: str
    parameters: dict[str, Any]
    metadata: dict[str, Any]
    withheld: list[str]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    decision_id: UUID
    correlation_id: str
    steps: list[StepOut]


class RunLine(BaseModel):
    """A run in a list."""

    id: UUID
    status: str
    name: str
    workflow_id: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    open_steps: int
    failed_steps: int


class RunPage(BaseModel):
    """A page of runs."""

    results: list[RunLine]
    next: str | None


class RunsQuery(PageQuery):
    """Filters of the list of runs."""

    status: RunStatus | None = None
    template: QueryText = ""


class RunQuery(BaseModel):
    """What of a run is wanted: with `items`, those of steps that map over a list too."""

    items: bool = False


class Why(Strict):
    """Why a run is cancelled, paused, resumed or run again."""

    reason: Reason = ""


class Approval(Strict):
    """A person's word on a step that waits for one."""

    step: str = Field(min_length=1, max_length=100)
    approved: bool = True
    reason: Reason = ""


class SeedName(BaseModel):
    """The name of the seed's new workflow, in the query string."""

    name: QueryText = Field(min_length=1, max_length=200)


class SeedMetadata(RootModel[dict[str, Any]]):
    """The contract's body: the metadata itself."""
