"""Fill a large log in minutes: the rows that `record` would write, sent by COPY and sequenced normally."""

from typing import Any
from uuid import UUID

from tqdm import tqdm

from accountability.leaf import RECORD_FIELDS
from accountability.ledger.sequencer import drain
from liftos.bench.accountability.decisions import record_one
from liftos.bench.database import as_owner
from liftos.kernel.db.binary import UuidArray
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction

BATCH = 20_000
CHAIN = 10

# the database sets the dates
_WRITTEN = tuple(name for name in RECORD_FIELDS if name != "recorded_at")
_COLUMNS = (
    *(name for name in _WRITTEN if name != "versions"),
    "versions_text",
    "salt",
    "body",
    "leaf_head",
    "leaf_tail",
)
# Postgres refuses COPY into a table with row security, so use a temporary table
_TABLE = """
CREATE TEMPORARY TABLE IF NOT EXISTS fill (
    LIKE accountability_decisionrecord, versions_text text, salt bytea, body text, leaf_head bytea, leaf_tail bytea
) ON COMMIT DELETE ROWS
"""
_COPY = f"COPY fill ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_TYPES = {
    "confidence": "float8", "parents": "uuid[]", "id": "uuid", "organisation_id": "uuid",
    "started_at": "timestamptz", "ended_at": "timestamptz", "payload_commitment": "bytea", "salt": "bytea",
    "body": "text", "leaf_head": "bytea", "leaf_tail": "bytea", "versions_text": "text",
}  # fmt: skip
_SPREAD = (
    """ALTER TABLE fill ALTER COLUMN versions DROP NOT NULL, ALTER COLUMN recorded_at DROP NOT NULL,
        ALTER COLUMN scope_id DROP NOT NULL""",
    f"""WITH record AS (
        INSERT INTO accountability_decisionrecord ({", ".join(_WRITTEN)})
        SELECT {", ".join("versions_text::jsonb" if name == "versions" else name for name in _WRITTEN)} FROM fill
        RETURNING id, recorded_at
    )
    INSERT INTO accountability_ledgerpending (decision_id, organisation_id, leaf_hash)
    SELECT id, organisation_id, liftos_leaf_hash(leaf_head, record.recorded_at, leaf_tail) FROM fill JOIN record USING (id)""",
    """INSERT INTO accountability_decisionpayload (decision_id, organisation_id, salt, body)
    SELECT id, organisation_id, salt, body FROM fill""",
    """INSERT INTO accountability_decisionlink (organisation_id, parent_id, child_id)
    SELECT organisation_id, parent, id FROM fill, unnest(parents) AS p(parent)""",
)


def fill(organisation: UUID, records: int) -> list[UUID]:
    """Append decisions in chains of ten; return their ids."""
    made: list[UUID] = []
    with tqdm(total=records, unit="record", desc="filling the log", disable=None) as progress:
        while len(made) < records:
            count = min(BATCH, records - len(made))
            with tenant_transaction(organisation):
                _fill(organisation, made, count)
            drain(organisation=organisation)
            progress.update(count)
    as_owner("VACUUM ANALYZE")
    return made


def _fill(organisation: UUID, made: list[UUID], count: int) -> None:
    with raw_cursor() as cursor:
        cursor.execute(_TABLE)
        cursor.execute(_SPREAD[0])
        with cursor.copy(_COPY) as copy:
            copy.set_types([_TYPES.get(name, "varchar") for name in _COLUMNS])

            def write(values: dict[str, Any]) -> None:
                values["parents"] = UuidArray(parent.bytes for parent in values["parents"])
                copy.write_row([values[name] for name in _COLUMNS])

            for _ in range(count):
                parents = (made[-1],) if len(made) % CHAIN else ()
                made.append(record_one(organisation, len(made), parents, write))
        for statement in _SPREAD[1:]:
            cursor.execute(statement)
