"""Read BEIR folders: `corpus.jsonl`, `queries.jsonl`, `qrels/*.tsv`.

Source: Thakur et al. 2021, "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval Models".

Threads are set as an informed caller would set them: documents whose metadata names a session or document, or that share a
title, form a thread. So do documents with consecutive ids ("ES2002a-17", "ES2002a-18") if nearly all ids in the corpus are
numbered this way, under several prefixes. Each document in a thread follows the previous one.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory.analysis.threads import thread_key
from memory.evaluation.files import read_lines
from memory.evaluation.types import Collection, Labelled, UnreadableSet
from memory.types import LinkDraft, LinkKind, MemoryDraft

SOURCE = "beir"
# share of ids that must continue or begin a numbering for ids to define threads
NUMBERED = 0.9
_NUMBERED_ID = re.compile(r"(.+[-_:./#])(\d+)")


def read_beir(folder: Path) -> Collection:
    """Read a BEIR folder.

    Judgements are read from `qrels/test.tsv`, or from all files in `qrels` if that is missing. Questions without a relevant
    document in the corpus are left out.

    Raises:
        UnreadableSet: no judgements, or a malformed file.
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


def _lines(path: Path, required: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for number, line in read_lines(path):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or any(key not in row for key in required):
            raise UnreadableSet(f"{path} line {number}: not a JSON object with {' and '.join(required)}")
        yield row


def _judgements(folder: Path, known: set[str]) -> dict[str, dict[str, int]]:
    files = [folder / "test.tsv"] if (folder / "test.tsv").exists() else sorted(folder.glob("*.tsv"))
    if not files:
        raise UnreadableSet(f"{folder} contains no .tsv file")
    judged: dict[str, dict[str, int]] = {}
    for path in files:
        for number, line in read_lines(path):
            cells = line.split("\t")
            if number == 1 and not cells[-1].strip().lstrip("-").isdigit():
                continue  # the header
            if len(cells) != 3 or not cells[2].strip().lstrip("-").isdigit():
                raise UnreadableSet(
                    f"{path} line {number}: expected query, document and grade, separated by tabs"
                )
            if int(cells[2]) > 0 and cells[1] in known:
                judged.setdefault(cells[0], {})[cells[1]] = int(cells[2])
    return judged


def _drafts(documents: list[dict[str, Any]]) -> Iterator[MemoryDraft]:
    titles = Counter(str(row.get("title") or "") for row in documents)
    numbered = _numbered_threads(documents)
    last: dict[str, str] = {}
    for row in documents:
        identity, text, title = str(row["_id"]), str(row["text"]), str(row.get("title") or "")
        metadata = row["metadata"] if isinstance(row.get("metadata"), dict) else {}
        thread = ""
        if not thread_key("", SOURCE, metadata):
            thread = title if title and titles[title] > 1 else numbered.get(identity, "")
        name = thread_key(thread[:300], SOURCE, metadata)
        previous = last.get(name, "") if name else ""
        if name:
            last[name] = identity
        # a shared title is less specific than the text, and must not hide a leading "Speaker: "
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


def _numbered_threads(documents: list[dict[str, Any]]) -> dict[str, str]:
    """Return id to prefix if the ids of the corpus number passages of documents, else {}."""
    prefixes: dict[str, str] = {}
    last: dict[str, int] = {}
    regular = 0
    for row in documents:
        match = _NUMBERED_ID.fullmatch(str(row["_id"]))
        if match is None:
            continue
        prefix, number = match[1], int(match[2])
        regular += last.get(prefix, number - 1) == number - 1 and (prefix in last or number <= 1)
        last[prefix] = number
        prefixes[match[0]] = prefix
    # a single prefix merely numbers the corpus
    are_passages = len(last) > 1 and regular >= NUMBERED * len(documents)
    return prefixes if are_passages else {}
