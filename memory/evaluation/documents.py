"""Read folders of long documents: text files, and `questions.tsv` with `document<TAB>question<TAB>answer text` a line.

`document` is the name of a file, with or without its suffix. The answer text occurs in the document; a passage that
contains it answers the question.
"""

from pathlib import Path

from memory.evaluation.files import read_cells, read_text
from memory.evaluation.types import Collection, Labelled, UnreadableSet
from memory.types import MemoryDraft

SOURCE = "documents"
QUESTIONS = "questions.tsv"
SUFFIXES = frozenset({".txt", ".md"})


def read_documents(folder: Path) -> Collection:
    """Read a folder of long documents.

    Raises:
        UnreadableSet: a question about no document, or whose answer text is not in its document.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    texts = {path.name: read_text(path) for path in files}
    names = {path.stem: path.name for path in files} | {name: name for name in texts}
    questions = []
    for place, (document, question, answer) in read_cells(
        folder / QUESTIONS, ("document", "question", "answer text")
    ):
        if document not in names:
            raise UnreadableSet(f"{place}: no document {document!r} in {folder}")
        name = names[document]
        if not question or not answer:
            raise UnreadableSet(f"{place}: no {'answer text' if question else 'question'}")
        if not contains(texts[name], answer):
            raise UnreadableSet(f"{place}: {name} does not contain {answer!r}")
        questions.append(Labelled(question, {name: 1}, answer=answer))
    drafts = [
        MemoryDraft(
            content=text,
            metadata={"title": Path(name).stem},
            memory_type="document",
            source=SOURCE,
            external_id=name,
        )
        for name, text in texts.items()
    ]
    return Collection(folder.name, drafts, questions)


def contains(text: str, answer: str) -> bool:
    """Return whether a text contains an answer, regardless of white space."""
    return " ".join(answer.split()) in " ".join(text.split())
