"""Wire shapes of spaces."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, RootModel, model_validator

from liftos.kernel.http.pagination import PageQuery, QueryText, no_nul
from liftos.kernel.http.strict import Strict
from spaces.space_templates import TEMPLATES, known_dimension
from spaces.types import (
    MAX_DIMENSIONS,
    MAX_EXAMPLES,
    MAX_POLE_TEXTS,
    ConceptDraft,
    Dimension,
    Example,
    RelationKind,
    Scale,
)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text.strip()


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_not_blank)]
LongName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_not_blank)]
PoleText = Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_not_blank)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class MemoryRef(Strict):
    """A memory that stands for a pole."""

    memory_id: UUID


Pole = (
    PoleText
    | MemoryRef
    | Annotated[list[PoleText | MemoryRef], Field(min_length=1, max_length=MAX_POLE_TEXTS)]
)


class ExampleIn(Strict):
    """A labelled example: a text or a memory, and its value on the dimension's range."""

    value: Number
    text: PoleText | None = None
    memory_id: UUID | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> "ExampleIn":
        """Refuse an example that is neither a text nor a memory, or both."""
        if (self.text is None) == (self.memory_id is None):
            raise ValueError("an example has a text or a memory_id")
        return self


class DimensionIn(Strict):
    """A dimension: two poles, a metadata field, or both; with a name alone, the templates' dimension of that name."""

    name: Name
    description: str = Field(default="", max_length=2_000)
    unit: str = Field(default="", max_length=50)
    low: Pole | None = None
    high: Pole | None = None
    examples: list[ExampleIn] = Field(default_factory=list, max_length=MAX_EXAMPLES)
    field: str = Field(default="", max_length=200)
    range: tuple[Number, Number] | None = None
    scale: Scale = Scale.LINEAR
    levels: list[Name] = Field(default_factory=list, max_length=100)
    weight: float = Field(default=1.0, ge=0, le=1_000_000, allow_inf_nan=False)
    domain: str = Field(default="", max_length=100)

    @model_validator(mode="before")
    @classmethod
    def a_name_alone(cls, value: Any) -> Any:
        """Take a bare text for a dimension's name."""
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def has_its_range(self) -> "DimensionIn":
        """Refuse a field of numbers whose range is not said: no value of it would have a place."""
        if self.field and self.range is None and self.scale is not Scale.ORDINAL:
            raise ValueError("a field needs its range: [value at the low end, value at the high end]")
        if self.scale in (Scale.LOG, Scale.CIRCULAR) and self.range is None:
            raise ValueError(f"a {self.scale} scale needs its range")
        return self

    def dimension(self) -> Dimension:
        """Return the domain's form."""
        if self.model_fields_set <= {"name", "weight", "domain", "description"}:
            known = known_dimension(self.name)
            return Dimension(
                **{name: getattr(known, name) for name in Dimension.__dataclass_fields__}
                | {name: getattr(self, name) for name in self.model_fields_set}
            )
        low, high = _parts(self.low), _parts(self.high)
        return Dimension(
            name=self.name,
            description=self.description,
            unit=self.unit,
            low=tuple(each for each in low if isinstance(each, str)),
            high=tuple(each for each in high if isinstance(each, str)),
            low_memories=tuple(each.memory_id for each in low if isinstance(each, MemoryRef)),
            high_memories=tuple(each.memory_id for each in high if isinstance(each, MemoryRef)),
            examples=tuple(Example(each.value, each.text or "", each.memory_id) for each in self.examples),
            field=self.field,
            scale=self.scale,
            range=self.range or (0.0, max(1.0, len(self.levels) - 1.0)),
            levels=tuple(self.levels),
            weight=self.weight,
            domain=self.domain,
        )


Dimensions = Annotated[list[DimensionIn], Field(min_length=1, max_length=MAX_DIMENSIONS)]


class SpaceIn(Strict):
    """A space to make: with dimensions, or from a template."""

    name: LongName
    description: str = Field(default="", max_length=10_000)
    dimensions: Dimensions | None = None
    template: Literal["marketing", "feedback", "decisions"] | None = None
    holds_all: bool = False

    @model_validator(mode="after")
    def says_its_dimensions(self) -> "SpaceIn":
        """Refuse a space without dimensions, or with two sources of them."""
        if (self.dimensions is None) == (self.template is None):
            raise ValueError("a space has dimensions or a template")
        return self

    def read_dimensions(self) -> list[Dimension]:
        """Return the domain's form."""
        if self.template is not None:
            return list(TEMPLATES[self.template].dimensions)
        return [each.dimension() for each in self.dimensions or ()]


class DimensionsIn(Strict):
    """A space's dimensions from now on."""

    dimensions: Dimensions


class SeedDimensions(RootModel[list[Name]]):
    """The contract's body: a bare list of dimension names."""

    root: list[Name] = Field(min_length=1, max_length=MAX_DIMENSIONS)


class SeedSpaceQuery(BaseModel):
    """The contract's query string."""

    name: Annotated[LongName, AfterValidator(no_nul)]


class MemberIn(Strict):
    """A memory to make a member, with explicit coordinates."""

    memory_id: UUID
    coordinates: dict[str, Number | str] | None = Field(default=None, max_length=MAX_DIMENSIONS)


class ConceptIn(Strict):
    """A concept: by its prototype, by examples, or by a text."""

    name: LongName
    description: str = Field(default="", max_length=10_000)
    prototype: dict[str, Number | str] = Field(default_factory=dict, max_length=MAX_DIMENSIONS)
    weights: dict[str, Number] = Field(default_factory=dict, max_length=MAX_DIMENSIONS)
    radius: float | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    examples: list[UUID] = Field(default_factory=list, max_length=1_000)
    text: str = Field(default="", max_length=10_000)

    def draft(self) -> ConceptDraft:
        """Return the domain's form."""
        return ConceptDraft(
            name=self.name,
            description=self.description,
            prototype=self.prototype,
            weights=self.weights,
            radius=self.radius,
            examples=tuple(dict.fromkeys(self.examples)),
            text=self.text.strip(),
        )


class RelationIn(Strict):
    """How one concept stands to another; each by its name or id."""

    source: LongName
    kind: RelationKind
    target: LongName
    weight: float = Field(default=1.0, ge=0, le=1, allow_inf_nan=False)


class VersionQuery(BaseModel):
    """Which version of a space is asked; the newest whose positions are ready if none is named."""

    version: int | None = Field(default=None, ge=1, le=2_147_483_647)


class PositionQuery(PageQuery, VersionQuery):
    """A page of positions, or one memory's."""

    memory: UUID | None = None


class NeighboursQuery(VersionQuery):
    """Near which memory."""

    memory: UUID
    limit: int = Field(default=10, ge=1, le=100)


class ExplainQuery(VersionQuery):
    """Which memory, beside which concept."""

    memory: UUID
    concept: QueryText


class CompareQuery(VersionQuery):
    """Which two memories, and maybe one between them."""

    first: UUID
    second: UUID
    between: UUID | None = None


class ClustersQuery(VersionQuery):
    """How many groups at most."""

    count: int = Field(default=5, ge=1, le=50)


class DimensionOut(BaseModel):
    """A dimension as it is described; `kind` is what places a memory on it: poles, field, or nothing."""

    name: str
    kind: str
    description: str
    unit: str
    low: list[Any]
    high: list[Any]
    examples: list[dict[str, Any]]
    field: str | None
    scale: str
    range: list[float]
    levels: list[str]
    weight: float
    domain: str | None


class LayoutOut(BaseModel):
    """How far the positions are: building, ready or dropped; `done` of `total` members."""

    state: str
    done: int
    total: int


class SpaceOut(BaseModel):
    """A space; `version` is the one that is asked if none is named, `newest_version` may still be placing its members."""

    id: UUID
    name: str
    description: str
    version: int
    newest_version: int
    holds_all: bool
    is_default: bool
    dimensions: list[DimensionOut]
    positions: LayoutOut
    concepts_count: int
    relations_count: int
    created_at: str
    updated_at: str


class VersionOut(BaseModel):
    """A version of a space; one that moved nobody shares its positions with the one before."""

    version: int
    dimensions: list[str]
    positions: LayoutOut
    recorded_at: str
    decision_id: UUID


class CoordinateOut(BaseModel):
    """Where a memory stands: a value in the dimension's units, null where unknown; where it comes from; how sure it is, 0..1."""

    value: float | str | None
    source: Literal["unknown", "projection", "field", "explicit"]
    confidence: float


class PositionOut(BaseModel):
    """A memory's position; `coverage` is the share of the dimensions' weight that is known.

    Without the scope memory:read `content` is null, and `withheld` names that scope.
    """

    memory_id: UUID
    content: str | None
    withheld: list[str] = Field(default_factory=list)
    coordinates: dict[str, CoordinateOut]
    coverage: float


class SpacePage(BaseModel):
    """A page of spaces."""

    results: list[SpaceOut]
    next: str | None


class VersionPage(BaseModel):
    """A space's versions, newest first."""

    results: list[VersionOut]
    next: None


class PositionPage(BaseModel):
    """A page of positions."""

    results: list[PositionOut]
    next: str | None


class MemberOut(BaseModel):
    """A member with its coordinates."""

    id: UUID
    memory_id: UUID
    space_id: UUID
    coordinates: dict[str, CoordinateOut]
    coverage: float


class ConceptOut(BaseModel):
    """A concept."""

    id: UUID
    name: str
    description: str
    prototype: dict[str, Any]
    weights: dict[str, float]
    radius: float
    examples: list[UUID]
    created_at: str


class ConceptPage(BaseModel):
    """A page of concepts."""

    results: list[ConceptOut]
    next: str | None


class RelationOut(BaseModel):
    """A relation."""

    id: UUID
    source: str
    kind: str
    target: str
    weight: float


class RelationPage(BaseModel):
    """A page of relations."""

    results: list[RelationOut]
    next: str | None


class Results(BaseModel):
    """Neighbours, clusters or the dimension report."""

    results: list[dict[str, Any]]
    next: None


def _parts(pole: Any) -> list[Any]:
    if pole is None:
        return []
    return list(pole) if isinstance(pole, list) else [pole]
