"""Our own labelled sets: sentences with what they say of a template's dimensions, and queries that want some of it.

The constants of spaces were chosen on the marketing set; the feedback set was written afterwards and has chosen nothing.
"""

import json
from dataclasses import dataclass
from importlib.resources import files

SETS = ("marketing", "feedback")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, and for each dimension that it says something of, "low" or "high"."""

    text: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Wish:
    """A query, and what it wants; a sentence answers it that says all of that."""

    query: str
    wants: dict[str, str]

    def is_answered_by(self, sentence: Sentence) -> bool:
        """Tell whether a sentence says all that is wanted."""
        return all(sentence.labels.get(name) == end for name, end in self.wants.items())


def read_set(name: str) -> tuple[list[Sentence], list[Wish]]:
    """Return the sentences and the queries of one of SETS; it is named as its template is."""
    rows = [
        json.loads(line)
        for line in files("spaces.evaluation").joinpath(f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    return (
        [Sentence(row["text"], row["labels"]) for row in rows if "text" in row],
        [Wish(row["query"], row["wants"]) for row in rows if "query" in row],
    )
