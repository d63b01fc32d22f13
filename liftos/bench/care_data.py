"""Texts for `bench care`: notes of shops, software and hotels, doubles and changed values planted among them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

_PRODUCTS = [f"{kind} {thing}" for kind in ("leather", "canvas", "winter", "summer", "trail", "city", "kids", "rain") for thing in ("boots", "jackets", "backpacks", "gloves", "hats", "scarves", "tents", "lamps", "mugs", "blankets")]  # fmt: skip
_CITIES = [
    "Lisbon",
    "Porto",
    "Madrid",
    "Lyon",
    "Hamburg",
    "Vienna",
    "Oslo",
    "Gdansk",
    "Turin",
    "Ghent",
    "Cork",
    "Leeds",
    "Bergen",
    "Zagreb",
    "Utrecht",
    "Bilbao",
]
_NAMES = [
    "Ann",
    "Bob",
    "Carla",
    "Dmitri",
    "Elena",
    "Farid",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Kemal",
    "Lena",
    "Marta",
    "Nils",
    "Olga",
    "Pedro",
    "Rosa",
    "Sven",
    "Tessa",
    "Yusuf",
]
_LAST = [
    "Smith",
    "Jones",
    "Costa",
    "Ivanov",
    "Keller",
    "Lund",
    "Moreau",
    "Novak",
    "Okafor",
    "Peters",
    "Rossi",
    "Sato",
    "Toth",
    "Urban",
    "Vance",
    "Weber",
]
_FIRMS = [
    f"{a} {b}"
    for a in (
        "Nordlicht",
        "Acme",
        "Globex",
        "Initech",
        "Bluebird",
        "Harbor",
        "Pinecone",
        "Quartz",
        "Redwood",
        "Silverline",
    )
    for b in ("Retail", "Labs", "Hotels", "Foods", "Media")
]
_WHY = [
    "because the weather turned",
    "after the newsletter went out",
    "since the display moved to the front",
    "although the price had gone up",
    "while the competitor was out of stock",
    "thanks to the local fair",
    "despite the roadworks",
    "as schools had closed",
]
_DONE = [
    "sold better than planned",
    "were returned more often",
    "drew many questions",
    "ran out within a day",
    "hardly sold at all",
    "were bought mostly by regulars",
    "were praised in reviews",
    "arrived late",
    "were photographed for the catalogue",
    "went to wholesale customers",
]
_TALK = [
    "asked about delivery to the islands",
    "wanted an invoice with another address",
    "complained about a broken zip",
    "praised the staff at the counter",
    "ordered twice by mistake",
    "asked for a larger size",
    "booked a table for the evening",
    "reported an error at checkout",
    "cancelled the subscription",
    "upgraded to the yearly plan",
    "forgot an umbrella in the lobby",
    "asked for a quieter room",
]
_IDEAS = [
    "show the sizes before the colours",
    "send the reminder a day earlier",
    "bundle socks with every pair",
    "let guests choose their floor",
    "offer tea while they wait",
    "test a shorter form",
    "move the banner below the fold",
    "answer reviews within a day",
    "train new staff on returns",
    "print the receipt on demand",
]


def background(draws: Random) -> Iterator[str]:
    """Yield notes that are neither doubles nor change a value, though many are alike but for a name or figure."""
    while True:
        city, name, product = draws.choice(_CITIES), draws.choice(_NAMES), draws.choice(_PRODUCTS)
        number, firm = draws.randrange(10, 9_999), draws.choice(_FIRMS)
        yield draws.choice(
            (
                f"The {product} {draws.choice(_DONE)} in {city} {draws.choice(_WHY)}.",
                f"Customer {number} {draws.choice(_TALK)}.",
                (
                    f"{name} {draws.choice(_LAST)} from {firm} {draws.choice(_TALK)} on {draws.randrange(1, 28)} {draws.choice(('May', 'June', 'July', 'August'))}."
                ),
                f"Order {number} with {draws.randrange(2, 90)} {product} left for {city}.",
                (f"{name} suggests to {draws.choice(_IDEAS)} in {city}, and to {draws.choice(_IDEAS)}."),
                (
                    f"Revenue of store {draws.randrange(1, 60)} was {number} euros in {draws.choice(('March', 'April', 'May', 'June'))} {draws.randrange(2019, 2026)}."
                ),
                (
                    f"In {city}, {draws.choice(_TALK).split()[0]} guests of room {draws.randrange(100, 900)} {draws.choice(_TALK)}."
                ),
                (
                    f"The experiment with {draws.choice(_IDEAS)} gained {draws.randrange(1, 30)}% among {draws.randrange(100, 9_000)} visitors."
                ),
                (
                    f"{firm} and {draws.choice(_FIRMS)} both sponsor the {draws.choice(('spring', 'autumn', 'winter'))} fair in {city}."
                ),
                (
                    f"Ticket {number}: the page for {product} {draws.choice(('loads slowly', 'shows the wrong picture', 'lacks a size chart', 'has a typo'))} since {draws.choice(('Monday', 'Tuesday', 'Friday'))}."
                ),
            )
        )


_SWAPS = (
    ("sold better than planned", "sold better than we had planned"), ("were returned more often", "were returned more frequently"), ("ran out within a day", "ran out in a day"),
    ("hardly sold at all", "hardly sold"), ("drew many questions", "drew a lot of questions"), ("asked about", "asked a question about"), ("wanted", "would like"),
    ("complained about", "made a complaint about"), ("because", "since"), ("suggests to", "suggests that we"), ("left for", "was sent to"), ("both sponsor", "are both sponsors of"),
)  # fmt: skip
_DOUBLING: tuple[Callable[[str], str], ...] = (
    lambda text: text.rstrip(".") + "!",
    lambda text: text.lower().rstrip("."),
    lambda text: "Note: " + text,
    lambda text: text.replace("The ", "Our ", 1) if text.startswith("The ") else "As noted, " + text,
    lambda text: text.rstrip(".") + ", as we noted.",
    lambda text: next((text.replace(old, new) for old, new in _SWAPS if old in text), text + " "),
    lambda text: text.replace(" and ", " as well as ").replace(".", ""),
    lambda text: "Again: " + text.replace("with", "that has", 1),
)


@dataclass(frozen=True, slots=True)
class Planted:
    """Two texts, of which the second doubles or replaces the first."""

    first: str
    second: str


def doubles(draws: Random, count: int) -> list[Planted]:
    """Return texts with another that says the same in other words, marks, order or case."""
    texts = background(draws)
    chosen = [next(texts) for _ in range(count)]
    return [Planted(text, _DOUBLING[place % len(_DOUBLING)](text)) for place, text in enumerate(chosen)]


_CHANGES: tuple[tuple[str, str, str], ...] = (
    ("The CEO of {s} is {v}.", "{s} appointed {v} as its new chief executive.", "name"),
    ("{v} owns the {s} account.", "The {s} account was handed over to {v}.", "name"),
    ("{s} costs {v} euros.", "We now sell {s} for {v} euros.", "number"),
    ("The budget of {s} is {v} euros", "{s}'s budget was raised to {v} euros.", "number"),
    ("The launch of {s} is on {v}.", "{s} launches on {v} instead.", "date"),
    ("The deadline for {s} is {v}.", "The deadline for {s} was moved to {v}.", "date"),
    ("{s} is headquartered in {v}.", "{s} moved its headquarters to {v}.", "city"),
    ("{s} is paused.", "{s} is live again.", "none"),
    ("Contact at {s}: {v}", "The contact at {s} is now {v}.", "name"),
    ("Price of {s}: {v} EUR", "The price of {s} went up to €{v}", "number"),
)  # fmt: skip


def changes(draws: Random, count: int) -> list[Planted]:
    """Return facts with a later text that states another value for the same."""
    made = []
    for place in range(count):
        first, second, kind = _CHANGES[place % len(_CHANGES)]
        subject = f"{draws.choice(('Project', 'Campaign', 'Hotel'))} {draws.choice(_LAST)}{place}"
        made.append(
            Planted(
                *(
                    text.format(s=subject, v=value)
                    for text, value in zip((first, second), _two(draws, kind), strict=True)
                )
            )
        )
    return made


def _two(draws: Random, kind: str) -> tuple[str, str]:
    if kind == "name":
        one, other = draws.sample(_NAMES, 2)
        return f"{one} {draws.choice(_LAST)}", f"{other} {draws.choice(_LAST)}"
    if kind == "number":
        value = draws.randrange(20, 900)
        return str(value), str(value + draws.randrange(1, 90))
    if kind == "date":
        return f"{draws.randrange(1, 14)} May", f"{draws.randrange(15, 28)} May"
    one, other = draws.sample(_CITIES, 2)
    return one, other
