"""BEIR folders as memories and questions: `corpus.jsonl`, `queries.jsonl`, `qrels/*.tsv`.

Source: Thakur et al. 2021, "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval Models".

What belongs together is told to the memories as it would be by a caller who knows: documents whose metadata names a
session or document, or which share a title, are one thread; so are those whose ids count on from each other
("ES2002a-17", "ES2002a-18") where nearly all of the corpus does so, in several counts. In a thread each document follows the one before it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory.analysis.threads import thread_key
from memory.evaluation.types import Collection, Labelled, UnreadableSet
from memory.types import LinkDraft, LinkKind, MemoryDraft

SOURCE = "beir"
# of the ids, how many must count on from the one before (or begin a count) for that to mean anything
COUNTED = 0.9
_COUNTED_ID = re.compile(r"(.+[-_:./#])(\d+)")


def read_beir(folder: Path) -> Collection:
    """Return a BEIR folder.

    The judgements of `qrels/test.tsv` count, or where there is none, those of all files there. Questions without a
    relevant document in the corpus are left out.

    Raises:
        UnreadableSet: a file is missing or not of its form, naming it.
    """
    documents = list(_lines(folder / "corpus.jsonl", ("_id", "text")))
    drafts = list(_drafts(documents))
    known = {draft.external_id for draft in drafts}
    judged = _judgements(folder / "qrels", known)
    questions = [
        Labelled(str(row["text"]), judged[str(row["_id"])])
        for row in _lines(folder / "queries.jsonl", ("_id", "text"))
        if str(row["_id"]) in judged
    ]
    return Collection(folder.name, drafts, questions)


def _lines(path: Path, needed: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict) or any(key not in row for key in needed):
                raise UnreadableSet(f"{path} line {number}: not a JSON object with {' and '.join(needed)}")
            yield row


def _judgements(folder: Path, known: set[str]) -> dict[str, dict[str, int]]:
    files = [folder / "test.tsv"] if (folder / "test.tsv").exists() else sorted(folder.glob("*.tsv"))
    if not files:
        raise UnreadableSet(f"{folder} holds no .tsv file")
    judged: dict[str, dict[str, int]] = {}
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            cells = line.split("\t")
            if number == 1 and not cells[-1].strip().lstrip("-").isdigit():
                continue  # the header
            if len(cells) != 3 or not cells[2].strip().lstrip("-").isdigit():
                raise UnreadableSet(f"{path} line {number}: not query, document and grade")
            if int(cells[2]) > 0 and cells[1] in known:
                judged.setdefault(cells[0], {})[cells[1]] = int(cells[2])
    return judged


def _drafts(documents: list[dict[str, Any]]) -> Iterator[MemoryDraft]:
    titles = Counter(str(row.get("title") or "") for row in documents)
    counting = _counting(documents)
    last: dict[str, str] = {}
    for row in documents:
        identity, text, title = str(row["_id"]), str(row["text"]), str(row.get("title") or "")
        metadata = row["metadata"] if isinstance(row.get("metadata"), dict) else {}
        thread = ""
        if not thread_key("", SOURCE, metadata):
            thread = title if title and titles[title] > 1 else counting.get(identity, "")
        name = thread_key(thread[:300], SOURCE, metadata)
        previous = last.get(name, "") if name else ""
        if name:
            last[name] = identity
        # a title that many share says least, and must not stand before a speaker's name
        parts = (text, title) if title and titles[title] > 1 else (title, text)
        yield MemoryDraft(
            content="\n".join(part for part in parts if part),
            metadata=metadata,
            memory_type="document",
            source=SOURCE,
            external_id=identity,
            links=(LinkDraft(LinkKind.FOLLOWS, previous),) if previous else (),
            thread=thread[:300],
        )


def _counting(documents: list[dict[str, Any]]) -> dict[str, str]:
    """Return id to prefix where the ids of a corpus count passages, else nothing."""
    prefixes: dict[str, str] = {}
    reached: dict[str, int] = {}
    regular = 0
    for row in documents:
        match = _COUNTED_ID.fullmatch(str(row["_id"]))
        if match is None:
            continue
        prefix, number = match[1], int(match[2])
        regular += reached.get(prefix, number - 1) == number - 1 and (prefix in reached or number <= 1)
        reached[prefix] = number
        prefixes[match[0]] = prefix
    # one count over everything numbers a corpus, several number the parts of its documents
    means_documents = len(reached) > 1 and regular >= COUNTED * len(documents)
    return prefixes if means_documents else {}
