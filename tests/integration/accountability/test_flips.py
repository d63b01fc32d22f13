"""`verify_ledger` detects and locates every altered byte of the stored log."""

import re

import pytest
from django.db import connection, connections

from accountability.ledger import raw_rows
from accountability.ledger.sequencer import drain
from accountability.ledger.verification import verify_log
from accountability.models import LedgerLeaf, LedgerNode
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from tests.conftest import make_caller
from tests.integration.accountability.test_ledger import alter, put, verdict

FRAMED = ("parents", "started_at", "ended_at", "recorded_at")


@pytest.fixture
def log(committed_db):
    organisation = make_caller("Log").organisation
    parent = put(organisation, "the first")
    for number in range(9):
        put(
            organisation,
            number,
            parents=[parent],
            versions={"model": "m1", "tries": 3},
            confidence=0.25,
            subject=("campaign", "spring"),
            inputs={"query": "žluťoučký\tkůň\n"},
        )
    drain(organisation=organisation)
    return organisation


def test_every_altered_byte_of_a_record_and_its_payload_is_caught(log):
    with tenant_transaction(log), raw_cursor() as cursor:
        statement = raw_rows._COPY.format(organisation=log, first=5, end=6)
        with cursor.copy(statement.encode()) as rows:
            [line] = [bytes(row).decode()[:-1] for row in rows]
    fields = line.split("\t")
    good = raw_rows._leaf(line)
    assert good.rebuilt == good.stored
    names = ["index", "leaf_hash", "decision", "exists", "salt", "body", "versions", *raw_rows._COLUMNS]
    assert len(fields) == len(names)
    caught = dict.fromkeys(names, 0)
    for name, place in (
        (name, place) for name, field in zip(names, fields, strict=True) for place in range(len(field))
    ):
        if name in ("index", "decision", "exists"):
            continue  # what the row is called, not what it says: the next test moves rows
        position = sum(len(field) + 1 for field in fields[: names.index(name)]) + place
        for other in {chr(ord(line[position]) ^ 1), chr(ord(line[position]) ^ 4)} - {"\t", "\n", "\\"}:
            flipped = line[:position] + other + line[position + 1 :]
            try:
                found = raw_rows._leaf(flipped)
            except (raw_rows.Altered, ValueError):
                caught[name] += 1
                continue
            if found.rebuilt != found.stored:
                caught[name] += 1
                continue
            # the same value written otherwise than Postgres does: hexadecimal digits, JSON's spaces, the frame of a field
            frame = {"parents": (0, len(fields[names.index(name)]) - 1)}.get(name, (10,))
            assert (place in frame and name in FRAMED) or name in ("leaf_hash", "salt", "versions"), (
                name,
                flipped[position - 5 : position + 5],
            )
            assert found.stored == good.stored
    looked_at = [name for name, field in zip(names, fields, strict=True) if field]
    assert [name for name in looked_at if not caught[name]] == ["index", "decision", "exists"]


@pytest.mark.parametrize("model", [LedgerNode, LedgerLeaf])
def test_every_flipped_byte_of_a_stored_hash_is_caught(log, model):
    """Flip all bytes of one row, then one byte of every other row."""
    table, column = model._meta.db_table, "hash" if model is LedgerNode else "leaf_hash"
    places = ["level", "index"] if model is LedgerNode else ["index"]
    with tenant_transaction(log):
        rows = list(model.objects.order_by(*places).values_list(*places))
    assert verdict(log).holds
    where = " AND ".join(f"{place} = %s" for place in places)
    flip = f"UPDATE {table} SET {column} = set_byte({column}, %s, get_byte({column}, %s) # 1) WHERE {where}"
    for row, byte in [(rows[2], byte) for byte in range(32)] + [(row, 7) for row in rows]:
        alter(flip, byte, byte, *row)
        found = verdict(log)
        assert not found.holds
        named = f"the node {row[1]} of level {row[0]}" if model is LedgerNode else f"record {row[0]} "
        assert named in found.text
        alter(flip, byte, byte, *row)
    assert verdict(log).holds


def test_a_missing_node_is_named(log):
    alter("DELETE FROM accountability_ledgernode WHERE level = 1 AND index = 2")
    assert "the node 2 of level 1 is missing or was altered" in verdict(log).text


def test_swapped_records_are_caught(log):
    with tenant_transaction(log):
        one, two = (
            LedgerLeaf.objects.filter(index__in=[3, 4])
            .order_by("index")
            .values_list("decision_id", flat=True)
        )
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE accountability_ledgerleaf DROP CONSTRAINT leaf_once")
    alter("UPDATE accountability_ledgerleaf SET decision_id = %s WHERE index = 3", two)
    assert re.match("record 3 .* was altered", verdict(log).text)
    alter("UPDATE accountability_ledgerleaf SET decision_id = %s WHERE index = 4", one)
    assert re.match("record 3 .* was altered", verdict(log).text)


def test_verification_in_batches_agrees_with_one_pass(log, monkeypatch):
    for size in (1, 3, 4, 11, 12, 13):
        monkeypatch.setattr("accountability.ledger.verification.BATCH", size)
        with tenant_transaction(log):
            steps = list(verify_log(log))
        assert steps[-1].verdict.text == "12 records and 1 checkpoints hold"
        assert [step.records for step in steps[:-1]] == [
            min(12, size * turn) for turn in range(1, -(-12 // size) + 1)
        ]


def test_records_sequenced_during_a_verification_are_left_to_the_next(log, monkeypatch):
    monkeypatch.setattr("accountability.ledger.verification.BATCH", 5)
    with tenant_transaction(log):
        steps = verify_log(log)
        next(steps)
        # another session would do this; the log of this one grows all the same
        put(log, "meanwhile")
        drain(organisation=log)
        last = list(steps)[-1]
    assert last.verdict.holds
    assert last.records == 12
    assert verdict(log).text.startswith("13 records")


def test_the_database_answers_in_utc(log):
    # times are read as text: a session in another zone would show every record as altered
    with tenant_transaction(log), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('TimeZone'), current_setting('DateStyle')")
        zone, style = cursor.fetchone()
    assert zone == "UTC"
    assert style.startswith("ISO")
