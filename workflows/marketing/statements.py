"""The SQL of marketing. Each statement runs in a tenant transaction."""

# --- entry_rows.py

_AMOUNT = (
    "CASE WHEN jsonb_typeof(m.metadata -> '{0}') = 'number' AND abs((m.metadata ->> '{0}')::numeric) < 1e15"
    " THEN (m.metadata ->> '{0}')::numeric END AS {0}"
)
_TEXT = "left(coalesce(CASE WHEN jsonb_typeof(m.metadata -> '{0}') = 'string' THEN m.metadata ->> '{0}' END, ''), {1}) AS {0}"
_DATE = "(m.metadata ->> '{0}')::date"
_AMOUNTS = ", ".join(
    _AMOUNT.format(each) for each in ("spend", "impressions", "clicks", "conversions", "revenue")
)
_TEXTS = ", ".join(
    _TEXT.format(name, most)
    for name, most in (
        ("time_zone", 60), ("currency", 3), ("campaign_id", 200), ("campaign_name", 200), ("channel", 200), ("geo", 200),
    )
)  # fmt: skip
# Anybody may store a memory with such a type and metadata: what does not read as an entry is none. Casts stand behind CASE,
# because Postgres may test conditions in any order.
_IS_ENTRY = f"""
m.memory_type = ANY(%(types)s::text[]) AND m.head IS NULL
AND CASE WHEN m.metadata ->> 'data_source' = ANY(%(sources)s::text[])
          AND length(m.metadata ->> 'source_id') BETWEEN 1 AND 200
          AND pg_input_is_valid(m.metadata ->> 'entry_id', 'uuid')
          AND m.metadata ->> 'date_range_start' ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$'
          AND m.metadata ->> 'date_range_end' ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$'
          AND pg_input_is_valid(m.metadata ->> 'date_range_start', 'date')
          AND pg_input_is_valid(m.metadata ->> 'date_range_end', 'date')
     THEN {_DATE.format("date_range_start")} <= {_DATE.format("date_range_end")} ELSE false END
"""
# memories by id, read as entries. IS TRUE keeps the planner from walking an index of the organisation, which it takes for empty
# until the statistics know it.
_READ = f"""
SELECT m.organisation_id, m.id AS memory_id, m.scope_id,
    m.metadata ->> 'data_source' AS data_source, m.metadata ->> 'source_id' AS source_id, (m.metadata ->> 'entry_id')::uuid AS entry_id,
    {_DATE.format("date_range_start")} AS starts_on, {_DATE.format("date_range_end")} AS ends_on, {_TEXTS}, {_AMOUNTS},
    m.state = ANY(%(visible)s::text[]) AS counts
FROM memory_memory AS m WHERE m.id = ANY(%(memories)s::uuid[]) AND (m.organisation_id = %(organisation)s) IS TRUE AND {_IS_ENTRY}
"""  # noqa: S608  built from constants
COLUMNS = (
    "entry_id", "data_source", "source_id", "starts_on", "ends_on", "time_zone", "currency", "campaign_id", "campaign_name",
    "channel", "geo", "spend", "impressions", "clicks", "conversions", "revenue", "counts", "scope_id",
)  # fmt: skip
# rows of new memories; a memory that repeats another's entry has none
INSERT_ENTRIES = f"""
WITH read AS MATERIALIZED ({_READ})
INSERT INTO marketing_entry (organisation_id, memory_id, {", ".join(COLUMNS)})
SELECT organisation_id, memory_id, {", ".join(COLUMNS)} FROM read ON CONFLICT DO NOTHING
"""  # noqa: S608
# rows of changed memories
UPDATE_ENTRIES = f"""
WITH read AS MATERIALIZED ({_READ})
UPDATE marketing_entry AS e SET {", ".join(f"{each} = read.{each}" for each in COLUMNS)} FROM read
WHERE e.organisation_id = read.organisation_id AND e.memory_id = read.memory_id AND NOT EXISTS (
    SELECT 1 FROM marketing_entry AS other WHERE other.organisation_id = e.organisation_id AND other.data_source = read.data_source
    AND other.source_id = read.source_id AND other.starts_on = read.starts_on AND other.ends_on = read.ends_on
    AND other.scope_id = read.scope_id AND other.memory_id <> e.memory_id OFFSET 0
)
"""  # noqa: S608
# rows of memories that have ceased to be entries
FORGET_ENTRIES = f"""
WITH read AS MATERIALIZED ({_READ})
DELETE FROM marketing_entry WHERE ctid = ANY (ARRAY(
    SELECT e.place FROM unnest(%(memories)s::uuid[]) AS a(id) CROSS JOIN LATERAL (
        SELECT x.ctid AS place FROM marketing_entry AS x WHERE x.organisation_id = %(organisation)s AND x.memory_id = a.id OFFSET 0
    ) AS e
    WHERE a.id NOT IN (SELECT memory_id FROM read)
))
"""  # noqa: S608
# rows of a batch that is ingested, given as columns
INGEST_ENTRIES = f"""
INSERT INTO marketing_entry (organisation_id, memory_id, {", ".join(COLUMNS)})
SELECT %s, * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::date[], %s::date[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::text[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::boolean[], %s::int[])
ON CONFLICT DO NOTHING
"""  # noqa: S608
# rows of erased memories
DELETE_ENTRIES = "DELETE FROM marketing_entry WHERE organisation_id = %s AND memory_id = ANY(%s)"

# --- queries.py

# stored entries of a source, by the numbers of those asked for
FIND_ENTRIES = """
SELECT DISTINCT ON (a.index) a.index, e.entry_id, e.memory_id, m.content, m.metadata::text
FROM unnest(%(indexes)s::int[], %(ids)s::text[], %(starts)s::date[], %(ends)s::date[]) AS a(index, source_id, starts_on, ends_on)
JOIN marketing_entry AS e ON e.organisation_id = %(organisation)s AND e.data_source = %(source)s AND e.source_id = a.source_id
    AND e.starts_on = a.starts_on AND e.ends_on = a.ends_on
JOIN memory_memory AS m ON m.organisation_id = e.organisation_id AND m.id = e.memory_id
ORDER BY a.index, e.scope_id
"""

# --- entries.py; {where} is by asking.Asked.where

_ENTRY = """e.memory_id, e.entry_id, e.data_source, e.source_id, e.starts_on, e.ends_on, e.campaign_id, e.campaign_name, e.channel, e.geo,
    e.currency, e.time_zone, e.counts, e.spend, e.impressions, e.clicks, e.conversions, e.revenue"""
# a page of entries, newest stored first
LIST_ENTRIES = f"""
SELECT {_ENTRY} FROM marketing_entry AS e
WHERE {{where}} AND (%(before)s::uuid IS NULL OR e.memory_id < %(before)s) ORDER BY e.memory_id DESC LIMIT %(limit)s
"""  # noqa: S608
# how many entries there are
COUNT_ENTRIES = "SELECT count(*) FROM marketing_entry AS e WHERE {where}"
# an entry by its own id, which several scopes may have, or by its memory's
ENTRY = f"""
SELECT {_ENTRY} FROM marketing_entry AS e WHERE e.organisation_id = %(organisation)s AND (e.memory_id = %(entry)s OR e.entry_id = %(entry)s)
ORDER BY e.memory_id = %(entry)s DESC, e.counts DESC, e.memory_id LIMIT 1
"""  # noqa: S608

# --- insights.py; {where} is by asking.Asked.where

_SUMS = ", ".join(
    f"sum(e.{each}) AS {each}" for each in ("spend", "impressions", "clicks", "conversions", "revenue")
)
# currencies of entries; entries without one are counted with any
CURRENCIES = "SELECT DISTINCT e.currency FROM marketing_entry AS e WHERE {where} AND e.currency <> '' ORDER BY 1 LIMIT 20"
# sums by a source, and of all in the last row
SUMS_BY_SOURCE = f"""
SELECT e.data_source, count(*), {_SUMS} FROM marketing_entry AS e WHERE {{where}}
GROUP BY GROUPING SETS ((e.data_source), ()) ORDER BY e.data_source NULLS LAST
"""  # noqa: S608
# campaigns by revenue
TOP_CAMPAIGNS = f"""
SELECT e.campaign_id, max(e.campaign_name), {_SUMS} FROM marketing_entry AS e
WHERE {{where}} AND (e.campaign_id <> '' OR e.campaign_name <> '')
GROUP BY e.campaign_id, CASE WHEN e.campaign_id = '' THEN e.campaign_name END
ORDER BY sum(e.revenue) DESC NULLS LAST, sum(e.spend) DESC NULLS LAST, e.campaign_id LIMIT 10
"""  # noqa: S608
# sums by periods and other groups
TRENDS = f"""
SELECT {{groups}}, {_SUMS} FROM marketing_entry AS e WHERE {{where}} GROUP BY {{places}} ORDER BY {{places}} LIMIT %(most)s
"""  # noqa: S608
# averages per day by weekday, Monday 0
BY_WEEKDAY = f"""
SELECT extract(isodow FROM e.starts_on)::int - 1, count(DISTINCT e.starts_on), {_SUMS}
FROM marketing_entry AS e WHERE {{where}} GROUP BY 1 ORDER BY 1
"""  # noqa: S608
# the same by calendar month
BY_MONTH = f"""
SELECT extract(month FROM e.starts_on)::int, count(DISTINCT e.starts_on), {_SUMS}
FROM marketing_entry AS e WHERE {{where}} GROUP BY 1 ORDER BY 1
"""  # noqa: S608

# --- causal_export.py

# entries in order of time
ENTRIES = """
SELECT e.memory_id, e.data_source, e.source_id, e.starts_on, e.ends_on, e.campaign_id, e.campaign_name, e.channel, e.geo, e.currency,
    e.spend, e.impressions, e.clicks, e.conversions, e.revenue
FROM marketing_entry AS e WHERE {where} ORDER BY e.starts_on, e.data_source, e.campaign_id, e.source_id LIMIT %(most)s
"""

# --- causal_records.py

_CAUSAL = """
FROM memory_memory AS m WHERE m.organisation_id = %(organisation)s AND m.memory_type = %(type)s AND m.head IS NULL
    AND m.state = ANY(%(visible)s::text[]) AND (m.expires_at IS NULL OR m.expires_at > now())
"""
_QUALITY = "CASE WHEN jsonb_typeof(m.metadata -> 'quality_score') = 'number' THEN (m.metadata ->> 'quality_score')::float8 END"
_ELEMENTS = "CASE WHEN jsonb_typeof(m.metadata -> '{0}') = 'array' THEN m.metadata -> '{0}' ELSE '[]' END"
# the records of an experiment
CAUSAL_RECORDS_OF_EXPERIMENT = f"""
SELECT m.id, m.metadata ->> 'platform', m.metadata ->> 'campaign_id', m.metadata ->> 'timestamp', {_QUALITY},
    coalesce(m.metadata ->> 'treatment_type', m.metadata -> 'treatment_assignment' ->> 'treatment_type', 'control') <> 'control'
        OR m.metadata -> 'treatment_assignment' ->> 'control_group' = 'false',
    jsonb_array_length({_ELEMENTS.format("confounders")}), jsonb_array_length({_ELEMENTS.format("external_factors")})
{_CAUSAL} AND m.metadata ->> 'experiment_id' = %(experiment)s ORDER BY m.metadata ->> 'timestamp', m.id LIMIT %(most)s
"""
_OF_PLATFORM = f"""
{_CAUSAL} AND m.metadata ->> 'platform' = %(platform)s
    AND m.metadata ->> 'date' BETWEEN to_char(%(starts_on)s::date, 'YYYY-MM-DD') AND to_char(%(ends_on)s::date, 'YYYY-MM-DD')
"""
# records of a platform, and how many have confounders
CONFOUNDERS_TOTAL = f"""
SELECT count(*), avg({_QUALITY}), count(*) FILTER (WHERE jsonb_array_length({_ELEMENTS.format("confounders")}) > 0),
    coalesce(sum(jsonb_array_length({_ELEMENTS.format("confounders")})), 0)::bigint
{_OF_PLATFORM}
"""
# confounders of a platform's records by variable
CONFOUNDERS = f"""
SELECT c ->> 'variable_name', count(*),
    avg(CASE WHEN jsonb_typeof(c -> 'importance_score') = 'number' THEN (c ->> 'importance_score')::float8 END),
    coalesce(array_agg(DISTINCT c ->> 'detection_method') FILTER (WHERE c ->> 'detection_method' <> ''), '{{}}'),
    coalesce(array_agg(DISTINCT c ->> 'control_strategy') FILTER (WHERE c ->> 'control_strategy' <> ''), '{{}}')
FROM (SELECT jsonb_array_elements({_ELEMENTS.format("confounders")}) AS c {_OF_PLATFORM}) AS found
WHERE c ->> 'variable_name' <> '' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1000
"""  # noqa: S608

# --- table.py; {where} is by asking.Asked.where

# sums by period and groups
TABLE = f"""
SELECT {{period}} AS period{{groups}}, count(*), {_SUMS} FROM marketing_entry AS e WHERE {{where}}
GROUP BY {{places}} ORDER BY {{places}} LIMIT %(most)s
"""  # noqa: S608
# what a report counts: entries, negative spend, entries that reach into another period
SUSPICIOUS = """
SELECT count(*), count(*) FILTER (WHERE e.spend < 0), count(*) FILTER (WHERE {period} <> {last}) FROM marketing_entry AS e WHERE {where}
"""
# entries with negative spend
NEGATIVE = """
SELECT e.memory_id, e.data_source, e.source_id, e.starts_on, e.spend FROM marketing_entry AS e WHERE {where} AND e.spend < 0
ORDER BY e.spend, e.memory_id LIMIT 20
"""
# entries that say the same of the same campaign and days under several ids
DOUBLES = """
SELECT e.data_source, e.campaign_id, e.starts_on, e.ends_on, count(*), array_agg(e.source_id ORDER BY e.source_id)
FROM marketing_entry AS e WHERE {where} AND e.campaign_id <> '' AND (e.spend <> 0 OR e.revenue <> 0)
GROUP BY e.data_source, e.campaign_id, e.starts_on, e.ends_on, e.geo, e.spend, e.impressions, e.clicks, e.conversions, e.revenue
HAVING count(*) > 1 ORDER BY count(*) DESC, e.starts_on, e.campaign_id LIMIT 20
"""
