"""Screen lines before they are queued, so that no secret waits in the database for a worker."""

import json
from typing import Any

from liftos.kernel.http.parsing import InvalidRequest, parse_json
from memory.bulk.lines import WITHOUT
from memory.policy_types import Secrets
from memory.secrets.scanning import without_secrets
from memory.secrets.screening import IDENTITY, screen_json
from memory.types import Screened

Notes = dict[str, list[dict[str, Any]]] | None
"""What was found in lines, by line number; None for nothing."""


def screen_lines(first: int, lines: list[str], secrets: Secrets) -> tuple[list[str], Notes]:
    """Return lines without their secrets, and what was found by line number, None for nothing.

    Args:
        first: the number of the first line.
        lines: as sent.
        secrets: the organisation's policy; lines stay as they are unless it is to redact or refuse.
    """
    if secrets not in WITHOUT:
        return lines, None
    clean, notes = [], dict[str, list[dict[str, Any]]]()
    for number, line in enumerate(lines, start=first):
        shown, found = _screen(line)
        clean.append(shown)
        if found:
            notes[str(number)] = Screened(str(secrets), found).listed
    return clean, notes or None


def read_notes(kept: str | None, secrets: Secrets) -> dict[int, Screened]:
    """Return what `screen_lines` found, by line number; the lines have no secrets, even if the policy is laxer now.

    Args:
        kept: the notes as JSON, as the database returns them.
        secrets: the organisation's policy now.
    """
    notes = json.loads(kept) if kept else {}
    return {int(number): _noted(found, secrets) for number, found in notes.items()}


def _noted(found: list[dict[str, Any]], secrets: Secrets) -> Screened:
    policy = secrets if secrets in WITHOUT else Secrets.REDACT
    if any(each["field"] in IDENTITY for each in found):
        policy = Secrets.REFUSE
    return Screened(str(policy), {(each["field"], each["kind"]): each["count"] for each in found})


def _screen(line: str) -> tuple[str, dict[tuple[str, str], int]]:
    try:
        value = parse_json(line) if line.strip() else None
    except InvalidRequest:
        return without_secrets(line), {}
    clean, found = screen_json(value)
    return (json.dumps(clean, ensure_ascii=False), found) if found else (line, {})
