"""Hooks for schemathesis (SCHEMATHESIS_HOOKS): forbidden content, existing ids, and JSON lines."""

import json
import os
from typing import Any

import schemathesis

FOREIGN = os.environ.get("LIFTOS_FUZZ_FOREIGN", "")
IDS = [each for each in os.environ.get("LIFTOS_FUZZ_IDS", "").split(",") if each]


@schemathesis.check
def no_foreign_data(ctx: Any, response: Any, case: Any) -> None:
    """Check that no answer contains the other organisation's content."""
    del ctx, case
    assert not FOREIGN or FOREIGN.encode() not in response.content, "another organisation's data"


@schemathesis.check
def no_inner_text(ctx: Any, response: Any, case: Any) -> None:
    """Check that no answer quotes an exception and each has a correlation id."""
    del ctx, case
    for inner in ("Traceback", "psycopg", 'File "/'):
        assert inner.encode() not in response.content, f"an answer says {inner}"
    assert response.headers.get("x-correlation-id"), "no correlation id"


@schemathesis.hook
def map_path_parameters(ctx: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Use the other organisation's ids half of the time, instead of random ones."""
    del ctx
    if not path_parameters or not IDS:
        return path_parameters
    # by the value itself, so that a run can be repeated
    return {
        name: IDS[len(str(value)) % len(IDS)] if sum(str(value).encode()) % 2 else value
        for name, value in path_parameters.items()
    }


@schemathesis.serializer("application/x-ndjson")
def lines(ctx: Any, value: Any) -> bytes:
    """Encode a value as one or several JSON lines."""
    del ctx
    rows = value if isinstance(value, list) else [value]
    return b"\n".join(json.dumps(row, default=str).encode() for row in rows)
