"""Shipped templates for marketing teams, and the function they need."""

import json
from importlib import resources
from typing import Any

TEMPLATES = ("weekly_insight_digest", "memory_hygiene", "causal_impact", "geo_lift")


def read_template(name: str) -> dict[str, Any]:
    """Return the payload of one of TEMPLATES, as for `POST /api/v1/workflows/templates`."""
    payload: dict[str, Any] = json.loads(
        resources.files("workflows.marketing").joinpath(f"{name}.json").read_text("utf-8")
    )
    return payload
