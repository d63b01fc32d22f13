"""Checking a value against a JSON Schema, in steps proportional to the value and the schema.

A schema that a caller wrote has passed `workflows.definition.keywords`: no references, and no more than `MAX_OVERLAP` schemas for
one value. So each value is visited a bounded number of times, a visit costs no more than the value has members, and equality
is a comparison of numbers (`Equality`). Steps are counted all the same: what takes more than `MAX_STEPS` is given up.

Functions' own schemas come with the code: `$ref` to their `$defs` and `pattern` are followed in those.
"""

from collections.abc import Mapping
from typing import Any

from liftos.kernel.deadlines import check_deadline
from workflows.definition.checks import (
    CHECKS,
    OF_UNKNOWN,
    WHOLE_VALUE,
    Check,
    Finding,
    Findings,
    Place,
    Visit,
)
from workflows.definition.equality import Equality, Unknown
from workflows.definition.types import Json

MAX_STEPS = 5_000_000
_STEPS_BETWEEN_LOOKS = 10_000


class TooMuchToCheck(Exception):
    """Checking the value takes more steps than one caller may cost."""


class Checker:
    """One check of one value.

    Attributes:
        steps: counted so far.
    """

    def __init__(self, root: Mapping[str, Json], *, trusted: bool = False) -> None:
        """Begin a check.

        Args:
            root: the whole schema.
            trusted: it is a function's own.
        """
        self.steps = 0
        self.trusted = trusted
        self.equality = Equality(self.tick)
        self._root = root
        self._looked = 0
        self._plans: dict[int, list[tuple[Check, str, Any]]] = {}
        self._members: dict[int, set[int | None]] = {}

    def tick(self, steps: int = 1) -> None:
        """Count steps.

        Raises:
            TooMuchToCheck: there were too many.
            GivenUp: the caller's time is over.
        """
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise TooMuchToCheck
        if self.steps - self._looked >= _STEPS_BETWEEN_LOOKS:
            self._looked = self.steps
            check_deadline()

    def findings(self, schema: Json, value: Json, place: Place = ()) -> Findings:
        """Yield what is wrong with a value, lazily: who asks only whether there is anything stops after the first."""
        self.tick()
        if not isinstance(schema, Mapping):
            if schema is False:
                yield Finding(place, "false", lambda: "Nothing may stand here")
            return
        visit = Visit(self, schema, place)
        for check, word, wanted in self._plan(schema):
            if isinstance(value, Unknown) and word not in OF_UNKNOWN:
                continue
            if word in WHOLE_VALUE and self.trusted and self.equality.number(value) is None:
                continue  # nothing can be said while a part is unknown
            yield from check(visit, wanted, value)

    def fits(self, schema: Json, value: Json) -> bool:
        """Return whether nothing is wrong with a value."""
        return next(self.findings(schema, value), None) is None

    def among(self, members: list[Json], value: Json) -> bool:
        """Return whether a value is one of a schema's list; the list is read once."""
        if id(members) not in self._members:
            self._members[id(members)] = {self.equality.number(each) for each in members}
        return self.equality.number(value) in self._members[id(members)]

    def named(self, name: Json) -> Json:
        """Return the schema that `$ref` names; anything, where it leads out of the function's own."""
        found: Any = self._root
        for part in str(name).removeprefix("#/").split("/"):
            found = found.get(part, True) if isinstance(found, Mapping) else True
        return found

    def _plan(self, schema: Mapping[str, Json]) -> list[tuple[Check, str, Any]]:
        plan = self._plans.get(id(schema))
        if plan is None:
            self.tick(len(schema))
            plan = [(CHECKS[word], word, wanted) for word, wanted in schema.items() if word in CHECKS]
            self._plans[id(schema)] = plan
        return plan
