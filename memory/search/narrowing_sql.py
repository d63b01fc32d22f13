"""Conditions beside metadata (memory/search/filter_types.py:Narrowing) as SQL."""

from typing import Any

from memory.analysis.attributes import TAG_KEY, tag_mark
from memory.analysis.entities import name_key
from memory.analysis.threads import KEYS
from memory.search.filter_types import ORDER, Narrowing

_TAGGED = """
{column} IN (SELECT memory_id FROM memory_attribute
    WHERE organisation_id = %(organisation)s AND key = %(tag_key)s AND text_value = ANY(%({name})s::text[]))
"""
_MENTIONS = """
{column} IN (SELECT memory_id FROM memory_entity WHERE organisation_id = %(organisation)s AND key = %(entity)s)
"""
# a thread that was not given is that of the metadata
_IN_THREAD = """
{column} IN (
    SELECT id FROM memory_memory WHERE organisation_id = %(organisation)s AND thread = %(thread)s AND thread <> ''
    UNION ALL
    SELECT a.memory_id FROM memory_attribute AS a JOIN memory_memory AS t ON t.organisation_id = a.organisation_id AND t.id = a.memory_id
    WHERE a.organisation_id = %(organisation)s AND a.key = ANY(%(thread_keys)s::text[]) AND t.thread = ''
    AND (a.text_value = %(thread_text)s OR a.number_value = %(thread_number)s::numeric)
)
"""
# an earlier text has no external id of its own
_NAMED_THEN = """
({row}.external_id = %(external_id)s OR {row}.head IN (
    SELECT h.id FROM memory_memory AS h WHERE h.organisation_id = %(organisation)s AND h.external_id = %(external_id)s
))
"""
_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def set_tests(narrowing: Narrowing, column: str, parameters: dict[str, Any]) -> list[str]:
    """Return the tests that look memories up in other indexes by a column of memory ids; adds their parameters."""
    tests = []
    tags = [("any_tags", narrowing.any_tags)] if narrowing.any_tags else []
    wanted = (*narrowing.all_tags, *(narrowing.exact_tags or ()))
    tags += [(f"tagged{number}", (tag,)) for number, tag in enumerate(dict.fromkeys(wanted))]
    for name, values in tags:
        parameters |= {name: [tag_mark(each) for each in values], "tag_key": TAG_KEY}
        tests.append(_TAGGED.format(column=column, name=name))
    if narrowing.entity:
        parameters["entity"] = name_key(narrowing.entity)
        tests.append(_MENTIONS.format(column=column))
    if narrowing.thread:
        thread = narrowing.thread
        number = thread if thread.isascii() and thread.isdigit() else None
        parameters |= {"thread": thread, "thread_text": f"s{thread}", "thread_number": number}
        parameters["thread_keys"] = list(KEYS)
        tests.append(_IN_THREAD.format(column=column))
    return tests


def row_tests(narrowing: Narrowing, row: str, parameters: dict[str, Any], *, past: bool) -> list[str]:
    """Return the tests of columns of a memory's row, whose SQL name is given; adds their parameters.

    `text` has no index: each memory that passes the other tests is read. `past`: earlier texts may be asked for.
    """
    tests = []
    if narrowing.exact_tags is not None:
        parameters["exact_tags"] = list(narrowing.exact_tags)
        tests.append(f"{row}.tags::text[] <@ %(exact_tags)s::text[]")
    if narrowing.thread == "":
        tests.append(f"{row}.thread_id IS NULL")
    if narrowing.source is not None:
        parameters["source"] = narrowing.source
        tests.append(f'{row}.source COLLATE "C" = %(source)s')
    if narrowing.source_prefix:
        parameters |= {
            "source_from": narrowing.source_prefix,
            "source_until": f"{narrowing.source_prefix}\U0010ffff",
        }
        tests.append(
            f'{row}.source COLLATE "C" >= %(source_from)s AND {row}.source COLLATE "C" < %(source_until)s'
        )
    if narrowing.external_id:
        parameters["external_id"] = narrowing.external_id
        tests.append((_NAMED_THEN if past else "{row}.external_id = %(external_id)s").format(row=row))
    if narrowing.text:
        parameters["text"] = f"%{narrowing.text.translate(_ESCAPED)}%"
        tests.append(f"{row}.content ILIKE %(text)s")
    for number, each in enumerate(narrowing.times):
        column = f"{row}.{each.field}"
        if each.moment is None:
            tests.append(f"{column} IS {'NOT ' if each.operator == 'ne' else ''}NULL")
            continue
        parameters[f"moment{number}"] = each.moment
        sign = {"eq": "=", "ne": "IS DISTINCT FROM"}.get(each.operator) or ORDER[each.operator]
        tests.append(f"{column} {sign} %(moment{number})s")
    return tests
