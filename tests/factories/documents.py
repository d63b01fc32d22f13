"""Long texts: pages of plain prose about different matters."""

from memory.types import Mark

MATTERS = [
    "the canteen", "the car park", "fire drills", "the archive", "parental leave", "printer paper", "the summer party", "the roof garden",
    "visitor badges", "the reception desk", "office plants", "the bicycle shed", "the lifts", "the post room", "meeting rooms", "the library",
    "recycling bins", "the kitchen", "window cleaning", "the night guards",
]  # fmt: skip
SENTENCES = [
    "The committee has looked at {0} twice this year.",
    "Nothing about {0} changes before the spring.",
    "Those who look after {0} have asked for more time.",
    "What {0} costs is the same as in the year before.",
    "A survey found most people content with {0}.",
    "Complaints about {0} go to the facilities manager.",
    "An older note on {0} is kept with the minutes.",
    "The rules for {0} were last written down in March.",
]


def pages(count: int = 20, *, start: int = 0) -> list[str]:
    """Return pages of about 250 words each."""
    return [
        " ".join(
            SENTENCES[(number + place) % len(SENTENCES)].format(
                MATTERS[(start + number + place // 8) % len(MATTERS)]
            )
            for place in range(28)
        )
        for number in range(count)
    ]


def document(fact: str, *, page: int = 17, count: int = 20, start: int = 0) -> tuple[str, tuple[Mark, ...]]:
    """Return a text with a fact in the middle of a page, and the marks of its pages."""
    some = pages(count, start=start)
    middle = some[page - 1].index(". ", len(some[page - 1]) // 2) + 2
    some[page - 1] = f"{some[page - 1][:middle]}{fact} {some[page - 1][middle:]}"
    marks, at = [], 0
    for number, text in enumerate(some, 1):
        marks.append(Mark(at, number, f"Report > Chapter {(number + 3) // 4}"))
        at += len(text) + 2
    return "\n\n".join(some), tuple(marks)
