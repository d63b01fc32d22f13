"""Read LoCoMo files.

Source: Maharana et al. 2024, "Evaluating Very Long-Term Conversational Memory of LLM Agents" (ACL). The data set is not
distributed with the product because of its licence (CC BY-NC 4.0).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory.evaluation.files import read_text
from memory.evaluation.types import Collection, Labelled, UnreadableSet
from memory.types import LinkDraft, LinkKind, MemoryDraft

CATEGORIES = (1, 2, 3, 4)
SOURCE = "locomo"
_SESSION = re.compile(r"session_(\d+)")


def read_locomo(path: Path) -> list[Collection]:
    """Read the conversations of a LoCoMo file, each with its turns and questions.

    Adversarial questions (category 5) and questions without evidence in the conversation are left out.

    Raises:
        UnreadableSet: not a LoCoMo file.
    """
    text = read_text(path)
    try:
        return list(_conversations(json.loads(text)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableSet(f"{path} is not a LoCoMo file: {error}") from error


def _conversations(samples: list[dict[str, Any]]) -> Iterator[Collection]:
    for number, sample in enumerate(samples):
        drafts = list(_turns(sample["conversation"]))
        known = {draft.external_id for draft in drafts}
        questions = [
            Labelled(str(each["question"]), dict.fromkeys(evidence, 1))
            for each in sample["qa"]
            if each.get("category") in CATEGORIES
            and (evidence := frozenset(each.get("evidence", ())) & known)
        ]
        yield Collection(str(sample.get("sample_id", number)), drafts, questions)


def _turns(conversation: dict[str, Any]) -> Iterator[MemoryDraft]:
    sessions = sorted(int(found[1]) for key in conversation if (found := _SESSION.fullmatch(key)))
    for session in sessions:
        date, previous = conversation.get(f"session_{session}_date_time", ""), ""
        for turn in conversation[f"session_{session}"]:
            caption = turn.get("blip_caption")
            content = f"{turn['speaker']}: {turn['text']}" + (f" [shares {caption}]" if caption else "")
            yield MemoryDraft(
                content=content,
                metadata={
                    "speaker": turn["speaker"],
                    "session": session,
                    "date": date,
                    "dia_id": turn["dia_id"],
                },
                memory_type="turn",
                source=SOURCE,
                external_id=turn["dia_id"],
                links=(LinkDraft(LinkKind.FOLLOWS, previous),) if previous else (),
            )
            previous = turn["dia_id"]
