"""The SQL of memory/search/relations/lookup.py."""

# Entities among names: number of memories (capped), and for rare entities the newest ones.
NAMES = """
WITH known AS MATERIALIZED (
    SELECT n.name, (
        SELECT count(*) FROM (
            SELECT 1 FROM memory_entity AS e WHERE e.organisation_id = %(organisation)s AND e.key = n.name LIMIT %(rare)s + 1
        ) AS capped
    ) AS members FROM unnest(%(names)s::text[]) AS n(name)
)
SELECT known.name, known.members, (
    SELECT string_agg(uuid_send(memory_id), '') FROM (
        SELECT memory_id FROM memory_entity
        WHERE organisation_id = %(organisation)s AND key = known.name AND known.members <= %(rare)s AND {where}
        ORDER BY memory_id DESC LIMIT %(limit)s
    ) AS newest
) FROM known WHERE known.members > 0
"""
# Memories that happened within periods.
PERIODS = """
SELECT p.place, string_agg(uuid_send(m.id), '')
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY AS p(starts, ends, place)
CROSS JOIN LATERAL (
    SELECT id FROM memory_memory WHERE organisation_id = %(organisation)s
    AND happened_at >= p.starts AND happened_at < p.ends AND {where} ORDER BY happened_at LIMIT %(limit)s
) AS m GROUP BY p.place
"""
# those that hold at the time of the search
_HOLDS = "(valid_from IS NULL OR valid_from <= %(at)s) AND (valid_to IS NULL OR valid_to > %(at)s)"
# Links of memories, as seen from them; at most `most` per memory and direction.
LINKS = f"""
SELECT uuid_send(n.id), uuid_send(l.other), l.kind, l.weight, l.forward
FROM unnest(%(ids)s::uuid[]) AS n(id) CROSS JOIN LATERAL (
    (SELECT target_id AS other, kind, weight, true AS forward FROM memory_memorylink
     WHERE organisation_id = %(organisation)s AND memory_id = n.id AND target_id IS NOT NULL AND {_HOLDS} LIMIT %(most)s)
    UNION ALL
    (SELECT memory_id, kind, weight, false FROM memory_memorylink
     WHERE organisation_id = %(organisation)s AND target_id = n.id AND {_HOLDS} LIMIT %(most)s)
) AS l
"""  # noqa: S608  built from constants
# Traits of memories that pass the filters. Times are epoch seconds, because floats parse ten times faster than timestamps;
# happened_at in whole seconds, because a float rounds the last microsecond of 9999 up to the year 10000.
TRAITS = """
SELECT uuid_send(m.id), m.thread_id, extract(epoch FROM date_trunc('second', m.happened_at))::float8,
       extract(epoch FROM m.recorded_at)::float8,
       m.asks, m.tells_time, m.importance
FROM unnest(%(ids)s::uuid[]) AS wanted(id) JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = wanted.id
WHERE {where}
"""
# Entities of memories among names.
NAMED = """
SELECT uuid_send(e.memory_id), e.key, e.kind FROM unnest(%(names)s::text[]) AS n(name)
CROSS JOIN unnest(%(ids)s::uuid[]) AS m(id)
JOIN memory_entity AS e ON e.organisation_id = %(organisation)s AND e.key = n.name AND e.memory_id = m.id
"""
