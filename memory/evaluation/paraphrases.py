"""Read paraphrase files: `fact<TAB>question` a line, without header. A line without a fact is an unanswerable question."""

from pathlib import Path

from memory.evaluation.files import read_cells
from memory.evaluation.types import Collection, Labelled, UnreadableSet
from memory.types import MemoryDraft

SOURCE = "paraphrases"


def read_paraphrases(path: Path) -> Collection:
    """Read a paraphrase file; a fact on several lines is one memory.

    Raises:
        UnreadableSet: a line without question or with other columns.
    """
    facts: dict[str, str] = {}
    questions = []
    for place, (fact, question) in read_cells(path, ("fact", "question")):
        if not question:
            raise UnreadableSet(f"{place}: no question")
        if fact:
            identity = facts.setdefault(fact, f"fact-{len(facts) + 1}")
            questions.append(Labelled(question, {identity: 1}))
        else:
            questions.append(Labelled(question, {}))
    drafts = [
        MemoryDraft(content=fact, source=SOURCE, external_id=identity) for fact, identity in facts.items()
    ]
    return Collection(path.stem, drafts, questions)
