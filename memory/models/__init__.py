"""The models of memory: memories and indexes, history and trust, bulk jobs."""

from memory.models.bulk import BulkChunk, BulkJob
from memory.models.care import CareCursor, FactKey, Proposal
from memory.models.conversations import ConversationTurn
from memory.models.deletions import DeletionJob
from memory.models.documents import Document, DocumentJob
from memory.models.memories import (
    Attribute,
    CorpusCounter,
    Entity,
    Memory,
    MemoryLink,
    MemoryPassage,
    MemoryVector,
    Thread,
)
from memory.models.postings import Posting, PostingList, Segment, SegmentDocument
from memory.models.quotas import QuotaRow, UsagePart
from memory.models.retention import LegalHold, RetentionRule
from memory.models.trust import (
    Context,
    DerivedPolicy,
    Erasure,
    ErasurePolicy,
    IndexState,
    MemoryVersion,
    ModelChoice,
    RejectionPolicy,
    SecretsPolicy,
    Tombstone,
)

__all__ = [
    "Attribute",
    "BulkChunk",
    "BulkJob",
    "CareCursor",
    "Context",
    "ConversationTurn",
    "CorpusCounter",
    "DeletionJob",
    "DerivedPolicy",
    "Document",
    "DocumentJob",
    "Entity",
    "Erasure",
    "ErasurePolicy",
    "FactKey",
    "IndexState",
    "LegalHold",
    "Memory",
    "MemoryLink",
    "MemoryPassage",
    "MemoryVector",
    "MemoryVersion",
    "ModelChoice",
    "Posting",
    "PostingList",
    "Proposal",
    "QuotaRow",
    "RejectionPolicy",
    "RetentionRule",
    "SecretsPolicy",
    "Segment",
    "SegmentDocument",
    "Thread",
    "Tombstone",
    "UsagePart",
]  # fmt: skip
