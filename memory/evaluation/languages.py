"""Read languages folders: `XX.json` with `{"paragraphs": [text], "questions": [[text, index of its paragraph from 0]]}`.

Each language is a haystack of its own ("each alone"), and all of them together are another ("all together").
"""

import json
from pathlib import Path
from typing import Any

from memory.evaluation.files import read_text
from memory.evaluation.types import Collection, Labelled, UnreadableSet
from memory.types import MemoryDraft

SOURCE = "languages"
ALONE, TOGETHER = "each alone", "all together"


def read_languages(path: Path) -> list[Collection]:
    """Read a folder of languages, or the file of one.

    Raises:
        UnreadableSet: a malformed file.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    each = [_language(file) for file in files]
    if len(each) < 2:
        return each
    drafts = [draft for language in each for draft in language.drafts]
    questions = [question for language in each for question in language.questions]
    return [*each, Collection(TOGETHER, drafts, questions, TOGETHER)]


def _language(path: Path) -> Collection:
    name = path.stem
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UnreadableSet(f"{path} line {error.lineno}: invalid JSON: {error.msg}") from error
    if not isinstance(content, dict):
        raise UnreadableSet(f"{path}: not a JSON object")
    paragraphs, questions = (_list(path, content, key) for key in ("paragraphs", "questions"))
    drafts = []
    for index, text in enumerate(paragraphs):
        if not _is_text(text):
            raise UnreadableSet(f"{path}: paragraphs[{index}] is not a text")
        drafts.append(MemoryDraft(content=text, source=SOURCE, external_id=f"{name}-{index}"))
    return Collection(name, drafts, _questions(path, questions, len(drafts)), ALONE)


def _questions(path: Path, questions: list[Any], paragraphs: int) -> list[Labelled]:
    labelled = []
    for index, row in enumerate(questions):
        place = f"{path}: questions[{index}]"
        if not (isinstance(row, list) and len(row) == 2 and _is_text(row[0]) and type(row[1]) is int):
            raise UnreadableSet(f"{place} is not [text, index of a paragraph]")
        text, paragraph = row
        if not 0 <= paragraph < paragraphs:
            raise UnreadableSet(f"{place}: no paragraph {paragraph}; there are {paragraphs}, counted from 0")
        labelled.append(Labelled(text, {f"{path.stem}-{paragraph}": 1}, path.stem))
    return labelled


def _list(path: Path, content: dict[str, Any], key: str) -> list[Any]:
    found = content.get(key)
    if not isinstance(found, list):
        raise UnreadableSet(f"{path}: {key!r} is not a list")
    return found


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
