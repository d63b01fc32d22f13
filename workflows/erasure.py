"""Erasure in workflows: runs and cached function results that quote an erased memory."""

import json

from django.db import transaction

from liftos.kernel.caching.results import get_function_cache
from liftos.kernel.db.transactions import raw_cursor, read_column, whole_tenant
from liftos.kernel.erasure.sweep import Place, quoting
from liftos.kernel.erasure.types import Going
from workflows.statements import (
    BLANK_REASONS,
    BLANK_RUNS,
    BLANK_STEPS,
    FORGET_MENTIONS,
    FORGET_USERS,
    LOCK_RUNS,
    RENAME_RUNS,
    RUNS_MENTIONING,
    RUNS_OF_PERSON,
    STRIP_SCHEDULE,
    STRIP_TRIGGER,
)

_RUNS = Place("workflows_run", ("id",), texts=("name",), values=("parameters", "metadata"))
_STEPS = Place("workflows_step", ("run_id",), values=("value", "result", "error", "approval"))
_HISTORY = Place("workflows_transition", ("run_id",), texts=("reason",), only="AND reason <> ''")
_TEMPLATES = Place("workflows_template", ("id",), texts=("name",))
_VERSIONS = Place("workflows_templateversion", ("template_id",), values=("payload", "definition"))
_TRIGGERS = Place("workflows_trigger", ("id",), texts=("name",), values=("parameters", "conditions"))
_SCHEDULES = Place("workflows_schedule", ("id",), texts=("name",), values=("parameters",))
TEMPLATES = "workflow templates"


def erase_quotes(going: Going) -> int:
    """Blank the runs of the person and those that quote erased memories; return their number. See `memory.ports.Eraser`.

    Another run is affected if one of its functions stored, changed or found a memory, or if any of its texts quotes one. All its
    results and parameters are removed, because what later steps derived from the memory can't be told apart. A run in progress
    reads null instead. Templates are kept, because published versions never change; the receipt counts those that quote.
    """
    where = (going.organisation, list(going.memories))
    with whole_tenant(going.organisation), raw_cursor() as cursor:
        runs = {row[0] for row in cursor.execute(RUNS_MENTIONING, where).fetchall()}
        named = quoting(going, _RUNS)
        runs |= {row[0] for place in (_STEPS, _HISTORY) for row in quoting(going, place)}
        runs |= {row[0] for row in named}
        theirs = {"organisation": going.organisation, **going.person.values}
        of_person = read_column(RUNS_OF_PERSON, theirs)
        runs.update(of_person)
        if runs:
            these = (going.organisation, sorted(runs))
            cursor.execute(LOCK_RUNS, these).fetchall()
            for statement in (BLANK_STEPS, BLANK_RUNS, BLANK_REASONS):
                cursor.execute(statement, these)
            cursor.execute(
                RENAME_RUNS,
                (going.organisation, [id_ for id_, name, *_ in named if going.quotes.in_text(name)]),
            )
            cursor.execute(FORGET_MENTIONS, where)
            if of_person:
                cursor.execute(FORGET_USERS, theirs | {"runs": of_person})
    templates = {row[0] for place in (_TEMPLATES, _VERSIONS) for row in quoting(going, place)}
    if templates:
        going.kept[TEMPLATES] = len(templates)
    return len(runs)


def strip_triggers(going: Going) -> int:
    """Remove what quotes erased memories from triggers, and pause these; return their number.

    A trigger without a condition would fire more often than its owner wanted, one without a parameter start other runs.
    """
    return _strip(going, _TRIGGERS, STRIP_TRIGGER)


def strip_schedules(going: Going) -> int:
    """Remove what quotes erased memories from schedules, and pause these; return their number. See `strip_triggers`."""
    return _strip(going, _SCHEDULES, STRIP_SCHEDULE)


def _strip(going: Going, place: Place, statement: str) -> int:
    with whole_tenant(going.organisation), raw_cursor() as cursor:
        found = quoting(going, place)
        for ident, name, *given in found:
            left = [
                {key: value for key, value in each.items() if not going.quotes.in_value({key: value})}
                for each in given
            ]
            values = (*map(json.dumps, left), going.quotes.in_text(name), going.organisation, ident)
            cursor.execute(statement, values)
    return len(found)


def forget_results(going: Going) -> int:
    """Drop all cached results of the organisation, and again after the commit: the cache may be refilled in between.

    Returns:
        The number of results this process had cached, over all organisations.
    """
    organisation = going.organisation
    cache = get_function_cache()
    held = int(cache.stats()["cache_size"])
    cache.forget(organisation)
    transaction.on_commit(lambda: cache.forget(organisation))
    return held
