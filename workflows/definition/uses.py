"""Validation of what steps use: functions, parameters and other steps' results."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from liftos.kernel.errors import LiftosError
from liftos.kernel.suggestions import nearest
from workflows.definition.checks import Place
from workflows.definition.conditions import condition_references
from workflows.definition.equality import Unknown
from workflows.definition.graph import Reach
from workflows.definition.parameters import properties_of
from workflows.definition.references import Reference, lookalikes, references, resolve, whole
from workflows.definition.schemas import arguments_schema, types_of, value_faults
from workflows.definition.types import Fault, FunctionLike, Json, Step

Found = Mapping[str, FunctionLike | None]


def use_faults(
    steps: Sequence[Step],
    parameters: Mapping[str, Json],
    found: Found,
    reach: Reach,
    names_of_functions: Sequence[str],
) -> Iterator[Fault]:
    """Yield the faults of functions, references and arguments.

    Args:
        steps: with distinct names.
        parameters: the template's, a valid schema.
        found: each step's function, or None.
        reach: the transitive dependencies; steps in or behind a cycle are not checked against them.
        names_of_functions: of all registered functions, for messages.
    """
    names = {step.name for step in steps}
    for step in steps:
        function = found[step.name]
        if step.function and function is None:
            yield Fault(step.name, "function", _no_function(step, names_of_functions))
        yield from _reference_faults(step, parameters, names, reach)
        if function is not None:
            yield from _argument_faults(step, function, parameters)


def _no_function(step: Step, names: Sequence[str]) -> str:
    if step.version is not None and step.function in names:
        return f"Function {step.function!r} has no version {step.version}."
    known = dict.fromkeys([*nearest(step.function, names, limit=3), *names])
    return f"There is no function {step.function!r}" + (
        f"; the functions are {', '.join(known)}." if known else "."
    )


def _all_references(step: Step) -> Iterator[tuple[str, Reference]]:
    for at, reference in references(step.arguments, ("arguments",)):
        yield ".".join(at), reference
    for at, reference in condition_references(step.when):
        yield ".".join(("when", *at)), reference
    for at, reference in references(step.map, ("map",)):
        yield ".".join(at), reference


def _reference_faults(
    step: Step, parameters: Mapping[str, Json], names: set[str], reach: Reach
) -> Iterator[Fault]:
    declared = properties_of(parameters)
    for value, name in ((step.arguments, "arguments"), (step.when, "when")):
        for at, text in lookalikes(value, declared, (name,)):
            message = (
                f"{text[:100]} is not a valid reference: path names are letters, digits, - and _; write other keys in "
                f'brackets and quotes, as in {{item["a key"]}}. For literal braces, double them.'
            )
            yield Fault(step.name, ".".join(at), message)
    for field, reference in _all_references(step):
        shown = f"{{{reference.text}}}"
        if reference.kind == "unknown":
            yield Fault(
                step.name, field, f"{shown} must be {{steps.NAME.result}}, optionally followed by a path."
            )
        elif reference.kind == "item":
            if step.map is None or not field.startswith("arguments"):
                yield Fault(
                    step.name, field, f"{shown} can only be used in the arguments of a step with a map."
                )
        elif reference.kind == "parameter":
            if reference.name not in declared:
                yield Fault(step.name, field, f"{shown} refers to a parameter that is not declared.")
        elif reference.name not in names:
            yield Fault(step.name, field, f"{shown} refers to a step that does not exist.")
        elif reach.knows(step.name) and not reach.is_before(step.name, reference.name):
            yield Fault(step.name, field, f"{shown} refers to a step that this one does not depend on.")


def _argument_faults(step: Step, function: FunctionLike, parameters: Mapping[str, Json]) -> Iterator[Fault]:
    """Check arguments against the function's schema as far as they are known before a run."""
    schema = arguments_schema(function)
    known = partly_known(step.arguments, parameters)
    found = value_faults(schema, known, partly=True)
    parse = getattr(function, "parse", None)
    if not found and parse is not None and not any(references(step.arguments)):
        # everything is known: also run the checks that a schema can't express
        found = _parse_faults(parse, known)
    for place, message in found:
        yield Fault(step.name, ".".join(("arguments", *place)), message)
    # a step with a condition on a parameter is skipped without it
    conditional = {
        reference.name for _, reference in condition_references(step.when) if reference.kind == "parameter"
    }
    for name in schema.get("required", ()):
        reference = whole(step.arguments.get(name))
        if reference is None or reference.kind != "parameter" or reference.name in conditional:
            continue
        if _may_be_absent(reference.name, parameters):
            message = f"It is required, but parameter {reference.name!r} is optional: make it required or give it a default."
            yield Fault(step.name, f"arguments.{name}", message)


def _parse_faults(parse: Callable[[Json], object], known: Json) -> list[tuple[Place, str]]:
    try:
        parse(known)
    except LiftosError as error:
        return [(tuple(str(part) for part in error.loc[1:]), error.message)]
    return []


def _may_be_absent(name: str, parameters: Mapping[str, Json]) -> bool:
    declared = properties_of(parameters).get(name)
    if declared is None:
        return False  # already reported
    has_default = isinstance(declared, Mapping) and "default" in declared
    return not has_default and name not in parameters.get("required", ())


def partly_known(value: Json, parameters: Mapping[str, Json]) -> Json:
    """Return arguments with placeholders for values that are known only in a run."""
    if isinstance(value, Mapping):
        return {key: partly_known(member, parameters) for key, member in value.items()}
    if isinstance(value, list):
        return [partly_known(member, parameters) for member in value]
    reference = whole(value)
    if reference is None:
        # a string with references in it remains a string
        if any(references(value)):
            return Unknown(frozenset({"string"}))
        return resolve(value, parameters={}, results={}) if isinstance(value, str) else value
    if reference.kind == "parameter" and not reference.path:
        return Unknown(types_of(properties_of(parameters).get(reference.name)))
    return Unknown()
