"""Labelled sets: sentences labelled on a template's dimensions, and queries for some of these labels.

The constants of spaces were tuned on the marketing set; the feedback set was written later and is held out.
"""

import json
from dataclasses import dataclass
from importlib.resources import files

SETS = ("marketing", "feedback")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its labels: dimension to "low" or "high"."""

    text: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class LabelledQuery:
    """A query with the labels that relevant sentences have."""

    text: str
    labels: dict[str, str]

    def matches(self, sentence: Sentence) -> bool:
        """Return whether a sentence has all the query's labels."""
        return all(sentence.labels.get(name) == end for name, end in self.labels.items())


def read_set(name: str) -> tuple[list[Sentence], list[LabelledQuery]]:
    """Return the sentences and queries of one of SETS, named like its template."""
    rows = [
        json.loads(line)
        for line in files("spaces.evaluation").joinpath(f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    return (
        [Sentence(row["text"], row["labels"]) for row in rows if "text" in row],
        [LabelledQuery(row["query"], row["wants"]) for row in rows if "query" in row],
    )
