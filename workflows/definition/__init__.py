"""Workflow templates: parsing, validation, references and conditions. No Django, no database."""

from workflows.definition.backoff import backoff
from workflows.definition.conditions import holds
from workflows.definition.graph import ancestors, topological
from workflows.definition.parameters import bind_parameters
from workflows.definition.parsing import parse
from workflows.definition.references import resolve
from workflows.definition.schemas import value_faults
from workflows.definition.stored import dump, load
from workflows.definition.types import (
    BACKGROUND,
    CRITICAL,
    HIGH,
    LOW,
    MAX_MAP_ITEMS,
    NORMAL,
    Definition,
    Fault,
    Faulty,
    FunctionLike,
    Step,
    Unresolvable,
)

__all__ = [
    "BACKGROUND", "CRITICAL", "HIGH", "LOW", "MAX_MAP_ITEMS", "NORMAL", "Definition", "Fault", "Faulty", "FunctionLike",
    "Step", "Unresolvable", "ancestors", "backoff", "bind_parameters", "dump", "holds", "load", "parse", "resolve", "topological",
    "value_faults",
]  # fmt: skip
