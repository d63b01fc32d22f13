"""LoCoMo as memories and questions.

Source: Maharana et al. 2024, "Evaluating Very Long-Term Conversational Memory of LLM Agents" (ACL). The data is not
ours to ship (CC BY-NC 4.0): the command reads it from a path.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from memory.types import LinkDraft, LinkKind, MemoryDraft

CATEGORIES = (1, 2, 3, 4)
SOURCE = "locomo"
_SESSION = re.compile(r"session_(\d+)")


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the external ids of the turns that answer it."""

    text: str
    evidence: frozenset[str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One sample: its turns as memories, its questions."""

    name: str
    drafts: list[MemoryDraft]
    questions: list[Question]


def read_conversations(samples: list[dict[str, Any]]) -> Iterator[Conversation]:
    """Yield each sample of a LoCoMo file.

    Adversarial questions (category 5) are left out, and those whose evidence names no turn of the conversation.
    """
    for number, sample in enumerate(samples):
        drafts = list(_turns(sample["conversation"]))
        known = {draft.external_id for draft in drafts}
        questions = [
            Question(str(each["question"]), evidence)
            for each in sample["qa"]
            if each.get("category") in CATEGORIES
            and (evidence := frozenset(each.get("evidence", ())) & known)
        ]
        yield Conversation(str(sample.get("sample_id", number)), drafts, questions)


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
