"""Every check constraint lets one row in and keeps another out. The list is the database's own: a new one must be named here.

The rows go into a copy of the table that has its check constraints and no foreign keys. Without the constraint at hand the copy takes
the bad row too, so it breaks that constraint and no other.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError

from tests.factories.rows import MOMENT, make_row

ONE, OTHER = UUID(int=1), UUID(int=2)
LATER = MOMENT + timedelta(days=1)
FOUND = """
SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint AS c JOIN pg_class AS t ON t.oid = c.conrelid
WHERE c.contype = 'c' AND t.relnamespace = 'public'::regnamespace AND t.relname !~ '^(django|auth)_' ORDER BY 1, 2
"""

Columns = dict[str, Any]


def column(name: str, good: Any, bad: Any) -> tuple[Columns, Columns]:
    return {name: good}, {name: bad}


BOTH: dict[str, tuple[Columns, Columns]] = {
    "entry_source_known": column("data_source", "manual", "fax"),
    "entry_starts_before_its_end": (
        {"starts_on": MOMENT.date(), "ends_on": MOMENT.date()},
        {"starts_on": LATER.date(), "ends_on": MOMENT.date()},
    ),
    "estimate_kind_known": column("kind", "experiment", "hunch"),
    "estimate_starts_before_its_end": (
        {"starts_on": MOMENT.date(), "ends_on": MOMENT.date()},
        {"starts_on": LATER.date(), "ends_on": MOMENT.date()},
    ),
    "estimate_in_its_interval": (
        {"estimate": 1.0, "low": 1.0, "high": 2.0},
        {"estimate": 0.9, "low": 1.0, "high": 2.0},
    ),
    "calibration_method_known": column("method", "platt", "guess"),
    "decision_confidence_is_a_probability": column("confidence", 1, 1.1),
    "outcome_rightness_is_a_share": column("rightness", 1, 1.1),
    "proposal_kind_known": column("kind", "double", "odd"),
    "proposal_state_known": column("state", "open", "lost"),
    "proposal_confidence_is_a_probability": column("confidence", 1, 1.1),
    "review_because_known": column("because", "risk", "mood"),
    "review_rank_known": column("rank", 3, 4),
    "review_state_known": column("state", "open", "lost"),
    "policy_confidence_is_a_probability": column("confidence_below", 0, -0.1),
    "policy_effects_known": column("effects", ["read"], ["read", "sing"]),
    "policy_risk_classes_known": column("risk_classes", ["high"], ["high", "huge"]),
    "policy_sample_is_a_share": column("sample_share", 1, 1.1),
    "policy_second_reviewer_known": column("second_reviewer", ["high"], ["huge"]),
    "attribute_is_text_or_number": ({"text_value": "x"}, {"text_value": "x", "number_value": 1}),
    "deletion_done_is_of_its_count": ({"done": 2, "count": 2}, {"done": 3, "count": 2}),
    "firing_state_known": column("state", "fired", "lost"),
    "schedule_overlap_known": column("overlap", "skip", "pile"),
    "schedule_catch_up_known": column("catch_up", "all", "some"),
    "schedule_jitter_of_a_day": column("jitter_seconds", 86_400, 86_401),
    "tick_state_known": column("state", "started", "lost"),
    "delivery_state_known": column("state", "pending", "lost"),
    "retention_rule_action_known": column("action", "expire", "hide"),
    "retention_rule_keeps": column("ttl_seconds", 1, 0),
    "derived_policy_known": column("policy", "hide", "shout"),
    "erasure_policy_known": column("refuse_erased_ids", "never", "sometimes"),
    "memory_earlier_text_has_no_origin": (
        {"head": ONE, "external_id": ""}, {"head": ONE, "external_id": "e"},
    ),
    "memory_embedding_known": column("embedding", "ready", "half"),
    "memory_importance_is_a_share": column("importance", 1, 1.1),
    "memory_state_known": column("state", "active", "asleep"),
    "memory_text_no_newer_than_version": (
        {"text_version": 2, "version": 2}, {"text_version": 3, "version": 2},
    ),
    "memory_valid_from_before_to": (
        {"valid_from": MOMENT, "valid_to": MOMENT}, {"valid_from": LATER, "valid_to": MOMENT},
    ),
    "link_kind_is_a_name": column("kind", "supports", "Likes it"),
    "link_valid_from_before_to": (
        {"valid_from": MOMENT, "valid_to": MOMENT}, {"valid_from": LATER, "valid_to": MOMENT},
    ),
    "break_glass_of_one": column("group_id", ONE, None),
    "break_glass_lasts": ({"opened_at": MOMENT, "until": LATER}, {"opened_at": MOMENT, "until": MOMENT}),
    "break_glass_has_reason": column("reason", "because", ""),
    "principal_kind_known": column("kind", "person", "robot"),
    "scope_of_groups_or_principal": column("groups", [ONE], []),
    "link_weight_is_a_share": column("weight", 1, 1.1),
    "version_known_from_before_to": (
        {"known_from": MOMENT, "known_to": MOMENT}, {"known_from": LATER, "known_to": MOMENT},
    ),
    "version_state_known": column("state", "active", "asleep"),
    "posting_counts": column("tf", 1, 0),
    "segment_documents": column("documents", 1, 0),
    "list_size": column("size", 1, 0),
    "passage_has_text": ({"start": 0, "end": 1}, {"start": 1, "end": 1}),
    "rejection_policy_known": column("policy", "allow", "shout"),
    "secrets_policy_known": column("policy", "redact", "shout"),
    "concept_has_extent": column("radius", 0.1, 0),
    "relation_between_two": ({"source_id": ONE, "target_id": OTHER}, {"source_id": ONE, "target_id": ONE}),
    "relation_kind_known": column("kind", "is_a", "likes"),
    "relation_weight_is_a_share": column("weight", 0, -0.1),
    "layout_state_known": column("state", "ready", "lost"),
    "position_is_whole": (
        {"coordinates": [0.5], "sources": [1], "confidences": [1.0]},
        {"coordinates": [0.5], "sources": [1], "confidences": []},
    ),
    "space_default_holds_all": (
        {"is_default": True, "holds_all": True}, {"is_default": True, "holds_all": False},
    ),
    "dimension_range_rises": (
        {"range_low": 0, "range_high": 1}, {"range_low": 1, "range_high": 1},
    ),
    "dimension_weight_not_negative": column("weight", 0, -0.1),
    "space_version_from_1": column("number", 1, 0),
    "membership_role_known": column("role", "owner", "king"),
    "policy_lets_a_step_run": column("concurrency", 1, 0),
    "run_counts": ({"open_steps": 0, "failed_steps": 0}, {"open_steps": 0, "failed_steps": -1}),
    "run_ended_has_an_end": (
        {"status": "failed", "finished_at": MOMENT}, {"status": "failed", "finished_at": None},
    ),
    "run_status_known": (
        {"status": "running", "finished_at": None},
        {"status": "lost", "finished_at": None},
    ),
    "step_claimed_while_running": (
        {"status": "running", "token": ONE, "lease_until": MOMENT},
        {"status": "ready", "token": ONE, "lease_until": MOMENT},
    ),
    "step_counts": ({"waiting_on": 0, "open_items": 0}, {"waiting_on": -1, "open_items": 0}),
    "step_priority_of_five": column("priority", 5, 6),
    "step_status_known": (
        {"status": "ready", "token": None, "lease_until": None},
        {"status": "lost", "token": None, "lease_until": None},
    ),
    "version_status_known": column("status", "draft", "lost"),
}  # fmt: skip
"""By the constraint's name: the columns of a row that passes, and of one that breaks it."""

# Django's own for its PositiveInteger fields; where one of ours is stricter or needs both, a row can break this one only without it
COUNTS = {
    "axes_accessattempt.failures_since_start": (),
    "embedding_embeddingmodel.dimension": (),
    "memory_bulkchunk.first_line": (),
    "memory_bulkchunk.lines": (),
    "memory_bulkchunk.number": (),
    "memory_conversationturn.attempts": (),
    "memory_conversationturn.number": (),
    "memory_deletionjob.count": ("deletion_done_is_of_its_count",),
    "memory_deletionjob.done": (),
    "memory_deletionjob.erased": (),
    "memory_document.bytes": (),
    "memory_document.characters": (),
    "memory_document.pages": (),
    "memory_document.version": (),
    "memory_documentjob.attempts": (),
    "memory_documentjob.status": (),
    "memory_quotarow.bytes": (),
    "memory_quotarow.memories": (),
    "memory_quotarow.searches_per_day": (),
    "memory_indexstate.rewritten": (),
    "memory_memory.passages": (),
    "memory_memory.term_count": (),
    "memory_memory.text_version": ("memory_text_no_newer_than_version",),
    "memory_memory.version": ("memory_text_no_newer_than_version",),
    "memory_memory.word_count": (),
    "memory_memoryversion.version": (),
    "memory_passage.end": ("passage_has_text",),
    "memory_passage.page": (),
    "memory_passage.passage": (),
    "memory_passage.start": ("passage_has_text",),
    "memory_thread.members": (),
    "memory_tombstone.lead": (),
    "memory_tombstone.trail": (),
    "memory_tombstone.words": (),
    "spaces_layout.around": (),
    "spaces_layout.done": (),
    "spaces_layout.own": (),
    "spaces_layout.sample": (),
    "spaces_layout.total": (),
    "spaces_space.version": (),
    "spaces_spacedimension.place": (),
    "spaces_spacedimension.version": (),
    "spaces_spaceversion.number": ("space_version_from_1",),
    "workflows_policy.concurrency": ("policy_lets_a_step_run",),
    "workflows_step.attempt": (),
    "workflows_step.lost": (),
    "workflows_step.position": (),
    "workflows_step.priority": ("step_priority_of_five",),
    "workflows_step.retries": (),
    "workflows_templateversion.number": (),
    "workflows_transition.attempt": (),
}
STRICTER = {f"{where.replace('.', '_')}_check": others for where, others in COUNTS.items()}
# it knows the states too
STRICTER["run_status_known"] = ("run_ended_has_an_end",)
BOTH |= {f"{where.replace('.', '_')}_check": column(where.split(".")[1], 1, -1) for where in COUNTS}


@pytest.fixture
def tables(db) -> dict[str, str]:
    """The table of each check constraint of the database."""
    with connection.cursor() as cursor:
        cursor.execute(FOUND)
        return {name: table for table, name in cursor.fetchall()}


def insert(row: Columns) -> None:
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join(["%s"] * len(row))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO copy ({names}) VALUES ({marks})", list(row.values()))


def test_the_databases_check_constraints_are_those_named_here(tables):
    assert sorted(tables) == sorted(BOTH)


@pytest.mark.parametrize("name", sorted(BOTH))
def test_a_check_constraint_takes_one_row_and_refuses_another(tables, name):
    good, bad = BOTH[name]
    row = make_row(tables[name])
    for other, table in tables.items():
        if table == tables[name]:
            row |= BOTH[other][0]
    with connection.cursor() as cursor:
        cursor.execute(
            f'CREATE TEMP TABLE copy (LIKE "{tables[name]}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)'
        )
        for stricter in STRICTER.get(name, ()):
            cursor.execute(f"ALTER TABLE copy DROP CONSTRAINT {stricter}")
        insert(row | good)
        with pytest.raises(IntegrityError) as refused:
            insert(row | bad)
        assert isinstance(refused.value.__cause__, psycopg.errors.CheckViolation)
        assert refused.value.__cause__.diag.constraint_name == name
        cursor.execute(f"ALTER TABLE copy DROP CONSTRAINT {name}")
        insert(row | bad)
        cursor.execute("DROP TABLE copy")
