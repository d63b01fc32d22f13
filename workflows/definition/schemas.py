"""JSON Schema (2020-12) for parameters and arguments, including arguments that are only partly known.

`workflows.definition.keywords` defines what callers may write, `workflows.definition.checking` validates values.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from workflows.definition.checking import MAX_STEPS, Checker, TooMuchToCheck
from workflows.definition.checks import FUNCTION_FORMATS, Place
from workflows.definition.keywords import KEYWORDS
from workflows.definition.types import FunctionLike, Json

MAX_FAULTS: Final = 50
_INLINE_DEPTH = 8


def types_of(schema: Json) -> frozenset[str] | None:
    """Return the types that a schema's `type` allows, or None if it has none."""
    named = schema.get("type") if isinstance(schema, Mapping) else None
    if isinstance(named, str):
        return frozenset({named})
    return frozenset(named) if isinstance(named, list) else None


def value_faults(schema: Mapping[str, Json], value: Json, *, partly: bool = False) -> list[tuple[Place, str]]:
    """Return at most `MAX_FAULTS` faults of a value, as paths and sentences in a fixed order.

    Args:
        schema: a valid one (`schema_faults`); with `partly`, a function's own.
        value: JSON; with `partly`, it may contain `Unknown`.
        partly: whether arguments are checked before the run.
    """
    checker = Checker(schema, trusted=partly)
    try:
        found = list(islice(checker.findings(schema, value), MAX_FAULTS))
    except TooMuchToCheck:
        return [((), f"It takes more than {MAX_STEPS} steps to validate: send less, or simplify the schema.")]
    return sorted({(finding.place, sentence(finding.message())) for finding in found})


def sentence(text: str) -> str:
    """Return a text cut to 300 characters, ending with a full stop, question mark or ellipsis."""
    text = text if len(text) <= 300 else f"{text[:299]}…"
    return text if text.endswith((".", "?", "…")) else f"{text}."


def arguments_schema(function: FunctionLike | None) -> dict[str, Json]:
    """Return the JSON Schema of a function's arguments; an empty one accepts anything.

    Unless the schema specifies otherwise, additional arguments are refused, because a misspelled one would be ignored at every run.
    """
    if function is None or not function.schema:
        return {}
    schema = (
        _of_model(function.schema) if hasattr(function.schema, "model_json_schema") else dict(function.schema)
    )
    return schema if "additionalProperties" in schema else schema | {"additionalProperties": False}


@lru_cache(maxsize=512)
def _of_model(model: Any) -> dict[str, Json]:
    return model.model_json_schema()


def written_out(schema: Json, definitions: Mapping[str, Json], depth: int = _INLINE_DEPTH) -> Json:
    """Return a function's schema with references inlined, and only keywords allowed for a template's parameters.

    Args:
        schema: of one argument.
        definitions: `$defs` of the function's schema.
        depth: maximum nesting of inlined references; deeper ones accept anything.
    """
    if isinstance(schema, list):
        return [written_out(each, definitions, depth) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    named = schema.get("$ref")
    if isinstance(named, str):
        target = definitions.get(named.rpartition("/")[2]) if depth else None
        rest = {key: each for key, each in schema.items() if key != "$ref"}
        inlined = written_out(target, definitions, depth - 1) if target is not None else {}
        return {**inlined, **written_out(rest, definitions, depth)} if isinstance(inlined, dict) else inlined
    kept: dict[str, Json] = {}
    for key, each in schema.items():
        if key == "properties" and isinstance(each, Mapping):
            kept[key] = {name: written_out(member, definitions, depth) for name, member in each.items()}
        elif key == "format":
            # other formats are left to the function, which accepts more than their grammars
            kept |= {key: each} if each in FUNCTION_FORMATS else {}
        elif key in KEYWORDS:
            kept[key] = (
                each
                if key in ("default", "const", "enum", "examples")
                else written_out(each, definitions, depth)
            )
    return kept
