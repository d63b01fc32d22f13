"""What runs and cached results of functions quote of memories goes with the memories."""

from django.db import transaction

from liftos.kernel.caching.results import get_function_cache
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.erasure.sweep import Place, quoting
from liftos.kernel.erasure.types import Going

_MENTIONING = """
SELECT DISTINCT run_id FROM workflows_mention WHERE organisation_id = %s AND memory_id = ANY(%s)
"""
# in the order in which whoever ends a step takes them: the run, then its steps
_LOCK = (
    "SELECT id FROM workflows_run WHERE organisation_id = %s AND id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
)
_BLANK_STEPS = """
UPDATE workflows_step SET result = NULL, value = NULL, error = CASE WHEN error IS NULL THEN NULL
    ELSE jsonb_build_object('type', 'Erased', 'message', 'it quoted a memory that was erased') END,
    approval = CASE WHEN approval ? 'reason' THEN jsonb_set(approval, '{reason}', '""') ELSE approval END
WHERE organisation_id = %s AND run_id = ANY(%s)
"""
_BLANK_RUNS = """
UPDATE workflows_run SET parameters = '{}', metadata = '{}' WHERE organisation_id = %s AND id = ANY(%s)
"""
# the history is never updated: a line is taken out and put back without its reason
_BLANK_REASONS = """
WITH gone AS (
    DELETE FROM workflows_transition WHERE organisation_id = %s AND run_id = ANY(%s) AND reason <> '' RETURNING *
)
INSERT INTO workflows_transition (id, organisation_id, run_id, step_id, before, after, attempt, reason, worker, at)
SELECT id, organisation_id, run_id, step_id, before, after, attempt, '', worker, at FROM gone
"""
_RENAME = "UPDATE workflows_run SET name = 'erased' WHERE organisation_id = %s AND id = ANY(%s)"
_FORGET = "DELETE FROM workflows_mention WHERE organisation_id = %s AND memory_id = ANY(%s)"

_RUNS = Place("workflows_run", ("id",), texts=("name",), values=("parameters", "metadata"))
_STEPS = Place("workflows_step", ("run_id",), values=("value", "result", "error", "approval"))
_HISTORY = Place("workflows_transition", ("run_id",), texts=("reason",), only="AND reason <> ''")
_TEMPLATES = Place("workflows_template", ("id",), texts=("name",))
_VERSIONS = Place("workflows_templateversion", ("template_id",), values=("payload", "definition"))
TEMPLATES = "workflow templates"


def erase_quotes(going: Going) -> int:
    """Remove what runs quote of memories; return how many runs that were. See `memory.ports.Eraser`.

    A run is one of them if a function of it stored, changed or found a memory, or if anything that it holds quotes one. All results
    of such a run go, and its parameters: what a later step made of the memory can't be told apart. A run that is still going sees
    null in their place. Templates stay, for a published version never changes: the receipt says how many quote.
    """
    where = (going.organisation, list(going.memories))
    with raw_cursor() as cursor:
        runs = {row[0] for row in cursor.execute(_MENTIONING, where).fetchall()}
        named = quoting(going, _RUNS)
        runs |= {row[0] for place in (_STEPS, _HISTORY) for row in quoting(going, place)}
        runs |= {row[0] for row in named}
        if runs:
            these = (going.organisation, sorted(runs))
            cursor.execute(_LOCK, these).fetchall()
            for statement in (_BLANK_STEPS, _BLANK_RUNS, _BLANK_REASONS):
                cursor.execute(statement, these)
            cursor.execute(
                _RENAME, (going.organisation, [id_ for id_, name, *_ in named if going.quotes.in_text(name)])
            )
            cursor.execute(_FORGET, where)
    templates = {row[0] for place in (_TEMPLATES, _VERSIONS) for row in quoting(going, place)}
    if templates:
        going.kept[TEMPLATES] = len(templates)
    return len(runs)


def forget_results(going: Going) -> int:
    """Remove an organisation's cached results, now and again once the erasure has committed: others may ask in between.

    Args:
        going: what is being erased; results are not looked into, all go.

    Returns:
        How many this process had, of all organisations.
    """
    organisation = going.organisation
    cache = get_function_cache()
    held = int(cache.stats()["cache_size"])
    cache.forget(organisation)
    transaction.on_commit(lambda: cache.forget(organisation))
    return held
