"""The SQL of experiments and models. Each statement runs in a tenant transaction."""

_DATE = "(m.metadata ->> '{0}')::date"
_NUMBER = "CASE WHEN jsonb_typeof(e -> '{0}') = 'number' AND abs((e ->> '{0}')::numeric) < 1e15 THEN (e ->> '{0}')::float8 END AS {0}"
# Anybody may store a memory with such a type: what does not read as a study has no rows. Casts stand behind CASE, because
# Postgres may test conditions in any order.
_IS_STUDY = f"""
m.memory_type = ANY(%(kinds)s::text[]) AND m.head IS NULL
AND CASE WHEN jsonb_typeof(m.metadata -> 'estimates') = 'array' AND m.metadata ->> 'study' = m.memory_type
          AND m.metadata ->> 'date_from' ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$' AND pg_input_is_valid(m.metadata ->> 'date_from', 'date')
          AND m.metadata ->> 'date_to' ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$' AND pg_input_is_valid(m.metadata ->> 'date_to', 'date')
     THEN {_DATE.format("date_from")} <= {_DATE.format("date_to")} ELSE false END
"""
# the estimates of changed memories, one row for each; rows of estimates that are gone go
FOLLOW_STUDIES = f"""
WITH read AS MATERIALIZED (
    SELECT m.organisation_id, m.id AS memory_id, m.scope_id, t.place, m.memory_type AS kind,
        left(coalesce(e ->> 'channel', ''), 200) AS channel, left(coalesce(e ->> 'metric', ''), 200) AS metric,
        {_DATE.format("date_from")} AS starts_on, {_DATE.format("date_to")} AS ends_on,
        {", ".join(_NUMBER.format(each) for each in ("estimate", "low", "high", "level"))},
        m.state = ANY(%(visible)s::text[]) AS counts
    FROM memory_memory AS m
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE WHEN jsonb_typeof(m.metadata -> 'estimates') = 'array' THEN m.metadata -> 'estimates' ELSE '[]' END
    ) WITH ORDINALITY AS t(e, place)
    WHERE m.id = ANY(%(memories)s::uuid[]) AND (m.organisation_id = %(organisation)s) IS TRUE AND t.place <= 500
      AND jsonb_typeof(e) = 'object' AND {_IS_STUDY}
), gone AS (
    DELETE FROM marketing_estimate AS s WHERE s.organisation_id = %(organisation)s AND s.memory_id = ANY(%(memories)s::uuid[])
      AND NOT EXISTS (SELECT 1 FROM read WHERE read.memory_id = s.memory_id AND read.place = s.place)
)
INSERT INTO marketing_estimate AS s
    (organisation_id, memory_id, place, kind, channel, metric, starts_on, ends_on, estimate, low, high, level, counts, scope_id)
SELECT organisation_id, memory_id, place, kind, channel, metric, starts_on, ends_on,
    CASE WHEN whole THEN estimate END, CASE WHEN whole THEN low END, CASE WHEN whole THEN high END, CASE WHEN whole THEN level END,
    counts, scope_id
FROM (
    SELECT *, coalesce(low <= estimate AND estimate <= high AND low < high AND level >= 0.5 AND level < 1, false) AS whole FROM read
) AS read
ON CONFLICT (organisation_id, memory_id, place) DO UPDATE SET kind = excluded.kind, channel = excluded.channel, metric = excluded.metric,
    starts_on = excluded.starts_on, ends_on = excluded.ends_on, estimate = excluded.estimate, low = excluded.low, high = excluded.high,
    level = excluded.level, counts = excluded.counts, scope_id = excluded.scope_id
"""  # noqa: S608
# rows of erased memories
DELETE_STUDIES = "DELETE FROM marketing_estimate WHERE organisation_id = %s AND memory_id = ANY(%s)"

_WHERE = """
s.organisation_id = %(organisation)s AND s.counts
AND (%(kind)s::text IS NULL OR s.kind = %(kind)s) AND (%(channel)s::text = '' OR s.channel = %(channel)s)
AND (%(metric)s::text = '' OR s.metric = %(metric)s)
AND (%(starts_on)s::date IS NULL OR s.ends_on >= %(starts_on)s) AND (%(ends_on)s::date IS NULL OR s.starts_on <= %(ends_on)s)
"""
# a page of studies, newest stored first
LIST_STUDIES = f"""
SELECT DISTINCT s.memory_id FROM marketing_estimate AS s WHERE {_WHERE} AND (%(before)s::uuid IS NULL OR s.memory_id < %(before)s)
ORDER BY s.memory_id DESC LIMIT %(limit)s
"""  # noqa: S608
# estimates with their studies
ESTIMATES = f"""
SELECT s.memory_id, m.metadata ->> 'name', s.kind, s.channel, s.metric, s.starts_on, s.ends_on, s.estimate, s.low, s.high, s.level, m.metadata::text
FROM marketing_estimate AS s JOIN memory_memory AS m ON m.organisation_id = s.organisation_id AND m.id = s.memory_id
WHERE {_WHERE} AND s.estimate IS NOT NULL ORDER BY s.ends_on, s.memory_id, s.place LIMIT %(limit)s
"""  # noqa: S608
