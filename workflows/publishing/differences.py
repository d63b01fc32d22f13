"""Differences between two versions of a template. No Django here."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from workflows.definition import Definition, Step
from workflows.definition.types import Json

_FIELDS = tuple(each.name for each in fields(Step) if each.name not in ("name", "child_scopes"))


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Attributes:
        step: None for the template itself.
        field: of the step or template; empty if the step exists in only one version.
        before: the earlier version's value, or None.
        after: the later version's value, or None.
    """

    step: str | None
    field: str
    before: Json
    after: Json

    @property
    def kind(self) -> str:
        """One of added, removed, changed."""
        if self.field:
            return "changed"
        return "added" if self.before is None else "removed"


def differences(before: Definition, after: Definition) -> list[Difference]:
    """Return the differences: of the template, then of each step in the later version's order, then the removed steps."""
    found = [
        Difference(None, field, old, new)
        for field in ("name", "description", "parameters")
        if (old := getattr(before, field)) != (new := getattr(after, field))
    ]
    earlier = {step.name: step for step in before.steps}
    for step in after.steps:
        old_step = earlier.pop(step.name, None)
        if old_step is None:
            found.append(Difference(step.name, "", None, step.function))
        else:
            found += _changes(old_step, step)
    found += (Difference(step.name, "", step.function, None) for step in earlier.values())
    return found


def _changes(before: Step, after: Step) -> Iterator[Difference]:
    for field in _FIELDS:
        old, new = getattr(before, field), getattr(after, field)
        if old == new and type(old) is type(new):
            continue
        if field == "version" and None in (old, new):
            continue  # publishing pins the version, a draft need not name one
        if field == "arguments":
            for name in {**old, **new}:
                if name not in old or name not in new or old[name] != new[name]:
                    yield Difference(after.name, f"arguments.{name}", old.get(name), new.get(name))
        elif field == "depends_on":
            yield Difference(after.name, field, list(old), list(new))
        else:
            yield Difference(after.name, field, old, new)
