"""Request bodies for spaces, dimensions, members, concepts and relations."""

from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

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
    """A memory used as a pole."""

    memory_id: UUID


Pole = (
    PoleText
    | MemoryRef
    | Annotated[list[PoleText | MemoryRef], Field(min_length=1, max_length=MAX_POLE_TEXTS)]
)


class ExampleIn(Strict):
    """A labelled example: a text or a memory, with its value in the dimension's units."""

    value: Number
    text: PoleText | None = None
    memory_id: UUID | None = None

    @model_validator(mode="after")
    def require_one_source(self) -> "ExampleIn":
        """Require either a text or a memory."""
        if (self.text is None) == (self.memory_id is None):
            raise ValueError("an example must have either text or memory_id")
        return self


class DimensionIn(Strict):
    """A dimension: two poles, a metadata field, or both; a name alone selects the templates' dimension of that name."""

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
    def accept_bare_name(cls, value: Any) -> Any:
        """Accept a string as a dimension's name."""
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def require_range(self) -> "DimensionIn":
        """Require a range for numeric fields and for log and circular scales."""
        if self.field and self.range is None and self.scale is not Scale.ORDINAL:
            raise ValueError("a field requires range: [value at the low end, value at the high end]")
        if self.scale in (Scale.LOG, Scale.CIRCULAR) and self.range is None:
            raise ValueError(f"a {self.scale} scale requires range")
        return self

    def dimension(self) -> Dimension:
        """Return the dimension; of a name alone, the templates'."""
        if self.model_fields_set <= {"name", "weight", "domain", "description"}:
            return replace(
                known_dimension(self.name), **{name: getattr(self, name) for name in self.model_fields_set}
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
    """A new space, with dimensions or from a template."""

    name: LongName
    description: str = Field(default="", max_length=10_000)
    dimensions: Dimensions | None = None
    template: Literal["marketing", "feedback", "decisions"] | None = None
    holds_all: bool = False

    @model_validator(mode="after")
    def require_one_source(self) -> "SpaceIn":
        """Require either dimensions or a template."""
        if (self.dimensions is None) == (self.template is None):
            raise ValueError("a space must have either dimensions or template")
        return self

    def read_dimensions(self) -> list[Dimension]:
        """Return the dimensions, or the template's."""
        if self.template is not None:
            return list(TEMPLATES[self.template].dimensions)
        return [each.dimension() for each in self.dimensions or ()]


class DimensionsIn(Strict):
    """A space's new dimensions."""

    dimensions: Dimensions


class MemberIn(Strict):
    """A new member, optionally with explicit coordinates."""

    memory_id: UUID
    coordinates: dict[str, Number | str] | None = Field(default=None, max_length=MAX_DIMENSIONS)


class ConceptIn(Strict):
    """A new concept, from a prototype, examples or a text."""

    name: LongName
    description: str = Field(default="", max_length=10_000)
    prototype: dict[str, Number | str] = Field(default_factory=dict, max_length=MAX_DIMENSIONS)
    weights: dict[str, Number] = Field(default_factory=dict, max_length=MAX_DIMENSIONS)
    radius: float | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    examples: list[UUID] = Field(default_factory=list, max_length=1_000)
    text: str = Field(default="", max_length=10_000)

    def draft(self) -> ConceptDraft:
        """Return the draft, without duplicate examples."""
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
    """A relation between two concepts, each by name or id."""

    source: LongName
    kind: RelationKind
    target: LongName
    weight: float = Field(default=1.0, ge=0, le=1, allow_inf_nan=False)


def _parts(pole: Any) -> list[Any]:
    if pole is None:
        return []
    return list(pole) if isinstance(pole, list) else [pole]
