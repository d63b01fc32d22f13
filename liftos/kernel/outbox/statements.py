"""The relay's SQL."""

# organisations with events to put in order, or with subscribers that are behind and not waiting to retry
ORGANISATIONS_WITH_EVENTS = "SELECT organisation_id FROM liftos_organisations_with_events(%s)"
# the events of all organisations that wait for the relay, and since when
BACKLOG = "SELECT waiting, oldest, behind, deliveries FROM liftos_events_backlog()"

ADD_STREAM = "INSERT INTO events_stream (id, organisation_id, last) VALUES (%s, %s, 0) ON CONFLICT DO NOTHING"
# one relay at a time puts an organisation's events in order; others skip it
LOCK_STREAM = "SELECT last FROM events_stream WHERE organisation_id = %s FOR UPDATE SKIP LOCKED"
READ_LAST = "SELECT last FROM events_stream WHERE organisation_id = %s"
# `written` is drawn when an event is written: of two about one subject, the later is written after the earlier committed.
# Events from before there was a relay have none; their ids ascend with time.
SEQUENCE = """
WITH batch AS (
    SELECT id, row_number() OVER (ORDER BY written NULLS FIRST, id) AS place
    FROM (
        SELECT id, written FROM events_outboxevent WHERE organisation_id = %(organisation)s AND sequence IS NULL
        ORDER BY written NULLS FIRST, id LIMIT %(limit)s
    ) AS waiting
), placed AS (
    UPDATE events_outboxevent AS e SET sequence = %(last)s + batch.place FROM batch
    WHERE e.organisation_id = %(organisation)s AND e.id = batch.id RETURNING 1
)
UPDATE events_stream SET last = last + (SELECT count(*) FROM placed) WHERE organisation_id = %(organisation)s
RETURNING last - %(last)s
"""
ADD_CURSOR = """
INSERT INTO events_cursor (id, organisation_id, subscriber, position, failures) VALUES (%s, %s, %s, 0, 0)
ON CONFLICT DO NOTHING
"""
# a subscriber handles an organisation's events in one process at a time
LOCK_CURSOR = """
SELECT position FROM events_cursor
WHERE organisation_id = %s AND subscriber = %s AND (retry_at IS NULL OR retry_at <= clock_timestamp()) FOR UPDATE SKIP LOCKED
"""
READ_AFTER = """
SELECT organisation_id, sequence, id, type, source, subject, data::text, recorded_at, correlation_id, traceparent, scope_id,
    external_id, attributes::text
FROM events_outboxevent WHERE organisation_id = %s AND sequence > %s ORDER BY sequence LIMIT %s
"""
MOVE_CURSOR = """
UPDATE events_cursor SET position = %s, failures = 0, retry_at = NULL, error = ''
WHERE organisation_id = %s AND subscriber = %s
"""
# seconds double from 1 to at most 60
FAIL_CURSOR = """
UPDATE events_cursor SET failures = failures + 1, error = %s,
    retry_at = clock_timestamp() + least(60, power(2, least(failures, 6))) * interval '1 second'
WHERE organisation_id = %s AND subscriber = %s
"""
# what every subscriber has handled; a subscriber without a cursor has yet to begin
HANDLED_BY_ALL = """
SELECT coalesce(min(coalesce(c.position, 0)), 9223372036854775807) FROM unnest(%(names)s::text[]) AS n(name)
LEFT JOIN events_cursor AS c ON c.organisation_id = %(organisation)s AND c.subscriber = n.name
"""
PRUNE = """
DELETE FROM events_outboxevent AS e USING (
    SELECT o.id FROM events_outboxevent AS o
    WHERE o.organisation_id = %(organisation)s AND o.sequence <= %(handled)s AND o.recorded_at < %(before)s
    ORDER BY o.sequence LIMIT %(limit)s
) AS old WHERE e.organisation_id = %(organisation)s AND e.id = old.id
"""
ORGANISATIONS_WITH_OLD_EVENTS = "SELECT organisation_id FROM liftos_organisations_with_old_events(%s)"
# the last numbers of several organisations, seen before a tenant is known
LAST_OF_EACH = "SELECT organisation_id, last FROM liftos_last_events(%s)"
OLDEST_KEPT = "SELECT min(sequence) FROM events_outboxevent WHERE organisation_id = %s"
# an event from outside arrives once, however often it is sent
ADD_ARRIVAL = """
INSERT INTO events_outboxevent (
    id, organisation_id, type, source, subject, data, attributes, external_id, correlation_id, traceparent, scope_id
) VALUES (
    %(id)s, %(organisation)s, %(type)s, %(source)s, %(subject)s, %(data)s::jsonb, %(attributes)s::jsonb, %(external_id)s,
    %(correlation_id)s, %(traceparent)s, %(scope)s
) ON CONFLICT (organisation_id, source, external_id) WHERE external_id <> '' DO NOTHING RETURNING id
"""
FIND_ARRIVAL = """
SELECT id, type, memory_id FROM events_outboxevent
WHERE organisation_id = %s AND source = %s AND external_id = %s AND external_id <> ''
"""
BECOME_MEMORY = """
UPDATE events_outboxevent SET data = %s::jsonb, memory_id = %s, scope_id = %s, attributes = attributes - 'data_base64' - 'datacontenttype'
WHERE organisation_id = %s AND id = %s
"""
WITHDRAW_ARRIVAL = (
    "DELETE FROM events_outboxevent WHERE organisation_id = %s AND id = %s AND sequence IS NULL"
)
# events from outside that only a principal saw which is deleted
ERASE_ARRIVALS = """
UPDATE events_outboxevent SET subject = '', data = '{"erased": true}', attributes = '{}'
WHERE organisation_id = %s AND scope_id = %s AND external_id <> ''
"""
