"""Read a labelled set of any kind; the kind is told by the form of its path. No Django."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from liftos.kernel.db.jsonb import NotStorable, to_jsonb
from memory.evaluation.beir import read_beir
from memory.evaluation.documents import QUESTIONS, read_documents
from memory.evaluation.languages import read_languages
from memory.evaluation.locomo import read_locomo
from memory.evaluation.paraphrases import read_paraphrases
from memory.evaluation.types import Collection, Kind, Labelled, LabelledSet, UnreadableSet

_READERS: dict[Kind, Callable[[Path], list[Collection]]] = {
    Kind.LOCOMO: read_locomo,
    Kind.BEIR: lambda path: [read_beir(path)],
    Kind.PARAPHRASES: lambda path: [read_paraphrases(path)],
    Kind.LANGUAGES: read_languages,
    Kind.DOCUMENTS: lambda path: [read_documents(path)],
}


def read_set(path: Path, kind: Kind | None = None) -> LabelledSet:
    """Read the set at a path.

    Args:
        path: a file or folder.
        kind: None to tell it by the path.

    Raises:
        UnreadableSet: malformed, of no known kind, or without an answerable question.
    """
    kind = kind or kind_of(path)
    try:
        collections = _READERS[kind](path)
    except OSError as error:
        raise UnreadableSet(f"{error.filename or path} can't be read: {error.strerror}") from error
    if not any(each.answerable for each in collections):
        raise UnreadableSet(f"{path} contains no questions with evidence.")
    for collection in collections:
        _check_storable(path, collection)
    name = path.resolve().name if path.is_dir() else path.stem
    return LabelledSet(name, kind, collections)


def _check_storable(path: Path, collection: Collection) -> None:
    texts = {f"memory {draft.external_id!r}": [draft.content, draft.metadata] for draft in collection.drafts}
    texts |= {f"question {question.text!r}": [question.text] for question in collection.questions}
    for place, values in texts.items():
        try:
            to_jsonb(values)
        except NotStorable as error:
            raise UnreadableSet(f"{path}, {collection.name}, {place}: {error}") from error


def kind_of(path: Path) -> Kind:
    """Return the kind of set at a path.

    Raises:
        UnreadableSet: of no known kind.
    """
    if not path.exists():
        raise UnreadableSet(f"{path} can't be read: No such file or directory")
    if path.is_dir():
        if (path / QUESTIONS).exists():
            return Kind.DOCUMENTS
        if (path / "corpus.jsonl").exists():
            return Kind.BEIR
        if any(path.glob("*.json")):
            return Kind.LANGUAGES
        raise UnreadableSet(f"{path} contains neither corpus.jsonl (BEIR) nor {QUESTIONS} nor XX.json files")
    if path.suffix == ".tsv":
        return Kind.PARAPHRASES
    if path.suffix == ".json":
        return Kind.LOCOMO
    raise UnreadableSet(f"{path} is neither a folder nor a .json or .tsv file; name its form with --kind")


def with_foreign_questions(sets: Sequence[LabelledSet]) -> list[LabelledSet]:
    """Add other collections' questions to each collection as unanswerable, until it has as many as answerable ones.

    They are taken at equal distances from all the others' questions, those of other sets included.
    """
    everything = [question for found in sets for each in found.collections for question in each.answerable]
    return [
        replace(found, collections=[_with_foreign(each, everything) for each in found.collections])
        for found in sets
    ]


def _with_foreign(collection: Collection, everything: list[Labelled]) -> Collection:
    own = {id(question) for question in collection.questions}
    others = [question for question in everything if id(question) not in own]
    count = min(len(others), max(0, len(collection.answerable) - len(collection.unanswerable)))
    foreign = [Labelled(others[index * len(others) // count].text, {}) for index in range(count)]
    return replace(collection, foreign=foreign)
