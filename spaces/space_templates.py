"""Spaces that come ready: dimensions of a field with poles chosen with care. Pure.

Each pole is said in several ways, as a single word is a weak pole (docs/spaces.md). A field's value beats what the text seems to say.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from spaces.types import Dimension, Scale


@dataclass(frozen=True, slots=True)
class Template:
    """A space that comes ready.

    Attributes:
        name: by which it is asked for.
        title: the name of a space made from it.
        description: of what it is for.
        dimensions: of the space.
    """

    name: str
    title: str
    description: str
    dimensions: tuple[Dimension, ...]


def _pole(
    name: str,
    description: str,
    low: tuple[str, ...],
    high: tuple[str, ...],
    *,
    weight: float = 1.0,
    domain: str = "",
) -> Dimension:
    return Dimension(name=name, description=description, low=low, high=high, weight=weight, domain=domain)


MARKETING = Template(
    "marketing",
    "Marketing",
    "How a marketing team looks at what it learns: what was offered, whom it reached, what they did, what it brought.",
    (
        _pole(
            "price", "How dear the offer is to the customer.",
            ("cheap", "low price", "inexpensive, a bargain", "costs little"),
            ("expensive", "high price", "costly luxury", "costs a fortune"),
        ),
        _pole(
            "quality", "How well made the offer is or feels.",
            ("poor quality", "shoddy and badly made", "flimsy, breaks easily", "defective"),
            ("high quality", "premium feel", "well made and durable", "excellent craftsmanship"),
        ),
        _pole(
            "reach", "How many people it comes before.",
            ("small audience", "niche, a few people", "narrow reach", "only a handful saw it"),
            ("large audience", "mass market, millions of people", "wide reach", "everybody saw it"),
            domain="response",
        ),
        _pole(
            "engagement", "How much people do with it: read on, click, answer, share.",
            ("ignored by people", "low engagement", "nobody clicked or commented", "scrolled past"),
            ("people interact with it", "high engagement", "many comments, clicks and shares",
             "widely discussed and shared"),
            domain="response",
        ),
        _pole(
            "conversion_intent", "How near people are to buying.",
            ("just browsing", "no intention to buy", "only looking out of curiosity", "not interested in a purchase"),
            ("ready to buy", "strong purchase intent", "wants to order now", "about to check out"),
        ),
        _pole(
            "brand_fit", "How well it suits what the brand stands for.",
            ("does not fit the brand", "off-brand and out of character", "clashes with what we stand for",
             "damages our image"),
            ("fits the brand", "on-brand and in character", "exactly what we stand for", "strengthens our image"),
        ),
        _pole(
            "effect", "What it changed, beside what would have been without it.",
            ("no effect", "sales did not change", "ineffective, wasted money", "no lift"),
            ("strong effect", "sales rose sharply", "effective, brought results", "large lift"),
        ),
        Dimension(
            name="spend", description="What it cost, from the metadata field of this name.", unit="currency",
            field="spend", scale=Scale.LOG, range=(10.0, 10_000_000.0), weight=0.5, domain="money",
        ),
        Dimension(
            name="lift", description="Measured lift as a share, from the metadata field of this name.", unit="share",
            field="lift", range=(-0.5, 0.5), weight=0.5,
        ),
    ),
)  # fmt: skip

FEEDBACK = Template(
    "feedback",
    "Customer feedback",
    "What customers say: how they feel, how bad and how urgent it is, and how much is to be done about it.",
    (
        _pole(
            "sentiment", "How pleased the customer is.",
            ("very disappointed", "angry complaint", "terrible experience", "I hate it"),
            ("delighted", "warm praise", "wonderful experience", "I love it"),
        ),
        _pole(
            "severity", "How much harm the matter does.",
            ("a small cosmetic flaw", "minor inconvenience", "trivial detail", "harmless"),
            ("data was lost", "nothing works any more", "dangerous failure", "critical outage"),
        ),
        _pole(
            "urgency", "How soon something has to happen.",
            ("no hurry at all", "some day, when there is time", "can wait until next year", "low priority"),
            ("needed immediately", "urgent, before tonight", "deadline today", "emergency"),
        ),
        _pole(
            "specificity", "How precisely it says what is meant.",
            ("vague impression", "something feels off", "general remark", "it is somehow not good"),
            ("exact steps to reproduce", "precise details with numbers", "names the button and the error code",
             "a concrete description"),
        ),
        _pole(
            "loyalty", "Whether the customer stays.",
            ("cancelled the subscription", "switched to a competitor", "will never come back", "asks for a refund"),
            ("renewed for another year", "recommends us to friends", "a regular for many years", "will buy again"),
        ),
        _pole(
            "effort", "What it takes to act on it.",
            ("a quick fix", "done in five minutes", "a change of wording", "easy to repair"),
            ("needs a complete redesign", "months of work", "a large and difficult project", "has to be rebuilt"),
        ),
    ),
)  # fmt: skip

DECISIONS = Template(
    "decisions",
    "Decisions and risk",
    "How options and findings weigh in a decision: what is at stake, how sure we are, how far ahead, and whether it can be undone.",
    (
        _pole(
            "risk", "What can go wrong.",
            ("safe and proven", "no risk", "nothing can go wrong", "well secured"),
            ("highly risky", "could fail badly", "a dangerous gamble", "large potential losses"),
        ),
        _pole(
            "certainty", "How well it is known.",
            ("a mere guess", "unconfirmed rumour", "pure speculation", "very uncertain"),
            ("proven beyond doubt", "confirmed by several experiments", "well established fact", "certain"),
        ),
        _pole(
            "horizon", "How far ahead it matters.",
            ("this week", "immediate, short-term", "today's operations", "a quick win"),
            ("in ten years", "long-term strategy", "for the next generation", "a lasting foundation"),
        ),
        _pole(
            "impact", "How much depends on it.",
            ("makes hardly any difference", "negligible", "affects nobody", "a side issue"),
            ("changes the whole company", "decisive", "affects everybody", "a turning point"),
        ),
        _pole(
            "reversibility", "Whether it can be undone.",
            ("irreversible", "cannot be undone", "final and binding", "no way back"),
            ("easily reversed", "can be undone at any time", "a trial that may be stopped", "not binding"),
        ),
        _pole(
            "agreement", "Whether people see it alike.",
            ("hotly disputed", "strong disagreement", "contested by experts", "the team is divided"),
            ("everybody agrees", "broad consensus", "undisputed", "unanimous"),
        ),
    ),
)  # fmt: skip

TEMPLATES = {each.name: each for each in (MARKETING, FEEDBACK, DECISIONS)}

# other words for the same dimension
_ALIASES = {
    "cost": "price", "pricing": "price", "audience": "reach", "audience_size": "reach", "interaction": "engagement",
    "purchase_intent": "conversion_intent", "buying_intent": "conversion_intent", "intent": "conversion_intent",
    "conversion": "conversion_intent", "brand": "brand_fit", "brand_alignment": "brand_fit", "effectiveness": "effect",
    "mood": "sentiment", "valence": "sentiment", "satisfaction": "sentiment", "confidence": "certainty",
    "time_horizon": "horizon", "consensus": "agreement", "importance": "impact",
}  # fmt: skip


def known_dimension(name: str) -> Dimension:
    """Return the templates' dimension of a name, under that name; one without poles where none of them knows it."""
    folded = "_".join(name.casefold().replace("-", " ").replace("_", " ").split())
    for template in TEMPLATES.values():
        for dimension in template.dimensions:
            if dimension.name == _ALIASES.get(folded, folded):
                return _renamed(dimension, name)
    return Dimension(name=name)


def _renamed(dimension: Dimension, name: str) -> Dimension:
    return replace(dimension, name=name)


@cache
def _all_texts() -> frozenset[str]:
    return frozenset(text for template in TEMPLATES.values() for text in _texts(template))


def _texts(template: Template) -> Iterator[str]:
    for dimension in template.dimensions:
        yield from dimension.low
        yield from dimension.high


def is_built_in(text: str) -> bool:
    """Tell whether a pole text is a template's own, and so belongs to no organisation."""
    return text in _all_texts()
