"""The SQL of retention rules. Each runs in a tenant transaction."""

from memory.holds.statements import HELD

# memories that a rule has kept long enough, except held ones
_DUE = f"""
SELECT m.id FROM memory_memory AS m WHERE m.organisation_id = %(organisation)s AND m.head IS NULL AND m.id > %(after)s
AND m.recorded_at <= now() - make_interval(secs => %(ttl)s)
AND (%(type)s::text IS NULL OR m.memory_type = %(type)s) AND (%(source)s::text IS NULL OR m.source = %(source)s) AND (%(scope)s::int IS NULL OR m.scope_id = %(scope)s)
AND NOT {HELD}
"""  # noqa: S608  built from constants
# lock memories that a rule has expire, after an id, except those that another transaction has locked
LOCK_DUE_TO_EXPIRE = (
    f"{_DUE} AND m.state = ANY(%(states)s) ORDER BY m.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED"
)
# memories that a rule has erased, after an id
LIST_DUE_TO_ERASE = f"{_DUE} ORDER BY m.id LIMIT %(limit)s"
