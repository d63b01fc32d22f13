"""The sample organisation's space: the marketing template with a few concepts."""

from uuid import UUID

from liftos.kernel.tenancy.types import SYSTEM
from spaces.concepts.operations import add_concept, relate
from spaces.operations import create_space
from spaces.space_templates import MARKETING
from spaces.types import ConceptDraft, RelationKind

CONCEPTS = (
    ConceptDraft(
        "quick win",
        "Cheap to do, and it brought results.",
        prototype={"price": 0.2, "effect": 0.9},
        radius=0.25,
    ),
    ConceptDraft(
        "expensive habit",
        "Costs much and changes little.",
        prototype={"price": 0.85, "effect": 0.15},
        radius=0.25,
    ),
    ConceptDraft(
        "crowd pleaser",
        "Seen by many, who do something with it.",
        prototype={"reach": 0.85, "engagement": 0.85},
        radius=0.25,
    ),
    ConceptDraft(
        "loyal niche",
        "Few people, who are close to us.",
        prototype={"reach": 0.15, "brand_fit": 0.85},
        radius=0.25,
    ),
)
RELATIONS = (
    ("quick win", RelationKind.OPPOSITE, "expensive habit"),
    ("crowd pleaser", RelationKind.OPPOSITE, "loyal niche"),
)


def add_sample_space(organisation: UUID) -> UUID:
    """Make the sample's space; return its id."""
    space = create_space(
        organisation=organisation,
        by=SYSTEM,
        name=MARKETING.title,
        description=MARKETING.description,
        dimensions=MARKETING.dimensions,
        holds_all=True,
    ).id
    for draft in CONCEPTS:
        add_concept(organisation=organisation, by=SYSTEM, space=space, draft=draft)
    for source, kind, target in RELATIONS:
        relate(organisation=organisation, by=SYSTEM, space=space, source=source, kind=kind, target=target)
    return space
