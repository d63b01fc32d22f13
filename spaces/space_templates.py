"""Built-in space templates. Pure.

Each pole has several texts, since a single word is a weak pole (docs/spaces.md). A metadata field takes precedence over the text.
"""

from dataclasses import dataclass, replace

from spaces.types import Dimension, Scale


@dataclass(frozen=True, slots=True)
class Template:
    """A template for a space.

    Attributes:
        name: its identifier.
        title: default name of a space created from it.
        description: its purpose.
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
    "A marketing team's findings: the offer, its audience, their response and the results.",
    (
        _pole(
            "price", "Price level of the offer.",
            ("cheap", "low price", "inexpensive, a bargain", "costs little"),
            ("expensive", "high price", "costly luxury", "costs a fortune"),
        ),
        _pole(
            "quality", "Actual or perceived quality of the offer.",
            ("poor quality", "shoddy and badly made", "flimsy, breaks easily", "defective"),
            ("high quality", "premium feel", "well made and durable", "excellent craftsmanship"),
        ),
        _pole(
            "reach", "Size of the audience.",
            ("small audience", "niche, a few people", "narrow reach", "only a handful saw it"),
            ("large audience", "mass market, millions of people", "wide reach", "everybody saw it"),
            domain="response",
        ),
        _pole(
            "engagement", "Interaction by the audience: reading, clicking, replying, sharing.",
            ("ignored by people", "low engagement", "nobody clicked or commented", "scrolled past"),
            ("people interact with it", "high engagement", "many comments, clicks and shares",
             "widely discussed and shared"),
            domain="response",
        ),
        _pole(
            "conversion_intent", "Intention to buy.",
            ("just browsing", "no intention to buy", "only looking out of curiosity", "not interested in a purchase"),
            ("ready to buy", "strong purchase intent", "wants to order now", "about to check out"),
        ),
        _pole(
            "brand_fit", "Fit with the brand.",
            ("does not fit the brand", "off-brand and out of character", "clashes with what we stand for",
             "damages our image"),
            ("fits the brand", "on-brand and in character", "exactly what we stand for", "strengthens our image"),
        ),
        _pole(
            "effect", "Effect compared with doing nothing.",
            ("no effect", "sales did not change", "ineffective, wasted money", "no lift"),
            ("strong effect", "sales rose sharply", "effective, brought results", "large lift"),
        ),
        Dimension(
            name="spend", description="Cost, from the metadata field of this name.", unit="currency",
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
    "Customer feedback: sentiment, severity, urgency and the effort to act on it.",
    (
        _pole(
            "sentiment", "The customer's satisfaction.",
            ("very disappointed", "angry complaint", "terrible experience", "I hate it"),
            ("delighted", "warm praise", "wonderful experience", "I love it"),
        ),
        _pole(
            "severity", "Harm caused by the issue.",
            ("a small cosmetic flaw", "minor inconvenience", "trivial detail", "harmless"),
            ("data was lost", "nothing works any more", "dangerous failure", "critical outage"),
        ),
        _pole(
            "urgency", "How soon action is needed.",
            ("no hurry at all", "some day, when there is time", "can wait until next year", "low priority"),
            ("needed immediately", "urgent, before tonight", "deadline today", "emergency"),
        ),
        _pole(
            "specificity", "Precision of the description.",
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
            "effort", "Effort to act on it.",
            ("a quick fix", "done in five minutes", "a change of wording", "easy to repair"),
            ("needs a complete redesign", "months of work", "a large and difficult project", "has to be rebuilt"),
        ),
    ),
)  # fmt: skip

DECISIONS = Template(
    "decisions",
    "Decisions and risk",
    "Options and findings in a decision: risk, certainty, time horizon, impact and reversibility.",
    (
        _pole(
            "risk", "Potential for failure or loss.",
            ("safe and proven", "no risk", "nothing can go wrong", "well secured"),
            ("highly risky", "could fail badly", "a dangerous gamble", "large potential losses"),
        ),
        _pole(
            "certainty", "Strength of the evidence.",
            ("a mere guess", "unconfirmed rumour", "pure speculation", "very uncertain"),
            ("proven beyond doubt", "confirmed by several experiments", "well established fact", "certain"),
        ),
        _pole(
            "horizon", "Time horizon.",
            ("this week", "immediate, short-term", "today's operations", "a quick win"),
            ("in ten years", "long-term strategy", "for the next generation", "a lasting foundation"),
        ),
        _pole(
            "impact", "Size of the consequences.",
            ("makes hardly any difference", "negligible", "affects nobody", "a side issue"),
            ("changes the whole company", "decisive", "affects everybody", "a turning point"),
        ),
        _pole(
            "reversibility", "Whether it can be undone.",
            ("irreversible", "cannot be undone", "final and binding", "no way back"),
            ("easily reversed", "can be undone at any time", "a trial that may be stopped", "not binding"),
        ),
        _pole(
            "agreement", "Agreement among people.",
            ("hotly disputed", "strong disagreement", "contested by experts", "the team is divided"),
            ("everybody agrees", "broad consensus", "undisputed", "unanimous"),
        ),
    ),
)  # fmt: skip

TEMPLATES = {each.name: each for each in (MARKETING, FEEDBACK, DECISIONS)}

# other names of the same dimension
_ALIASES = {
    "cost": "price", "pricing": "price", "audience": "reach", "audience_size": "reach", "interaction": "engagement",
    "purchase_intent": "conversion_intent", "buying_intent": "conversion_intent", "intent": "conversion_intent",
    "conversion": "conversion_intent", "brand": "brand_fit", "brand_alignment": "brand_fit", "effectiveness": "effect",
    "mood": "sentiment", "valence": "sentiment", "satisfaction": "sentiment", "confidence": "certainty",
    "time_horizon": "horizon", "consensus": "agreement", "importance": "impact",
}  # fmt: skip


def known_dimension(name: str) -> Dimension:
    """Return the templates' dimension of a name or alias, under the given name; one without poles if there is none."""
    folded = "_".join(name.casefold().replace("-", " ").replace("_", " ").split())
    for template in TEMPLATES.values():
        for dimension in template.dimensions:
            if dimension.name == _ALIASES.get(folded, folded):
                return replace(dimension, name=name)
    return Dimension(name=name)


_POLE_TEXTS = frozenset(
    text
    for template in TEMPLATES.values()
    for dimension in template.dimensions
    for text in (*dimension.low, *dimension.high)
)


def is_built_in(text: str) -> bool:
    """Return whether a pole text is a template's, and so belongs to no organisation."""
    return text in _POLE_TEXTS
