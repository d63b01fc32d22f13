"""Validation of a value against a JSON Schema, in steps proportional to the value and the schema.

Callers' schemas have passed `workflows.definition.keywords`: no references, and at most `MAX_OVERLAP` schemas for one value. So each
value is visited a bounded number of times, a visit costs at most one step per member, and equality is a comparison of integers
(`Equality`). Steps are counted anyway, and validation stops after `MAX_STEPS`.

Functions' own schemas are trusted code: in those, `pattern` and `$ref` to `$defs` are supported.
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
_STEPS_BETWEEN_CLOCK_READS = 10_000


class TooMuchToCheck(Exception):
    """Validation takes more than MAX_STEPS steps."""


class Checker:
    """One validation of one value.

    Attributes:
        steps: counted so far.
    """

    def __init__(self, root: Mapping[str, Json], *, trusted: bool = False) -> None:
        """Prepare a validation.

        Args:
            root: the whole schema.
            trusted: whether it is a function's own schema.
        """
        self.steps = 0
        self.trusted = trusted
        self.equality = Equality(self.tick)
        self._root = root
        self._clock_read_at = 0
        self._plans: dict[int, list[tuple[Check, str, Any]]] = {}
        self._members: dict[int, set[int | None]] = {}

    def tick(self, steps: int = 1) -> None:
        """Count steps.

        Raises:
            TooMuchToCheck: more than MAX_STEPS.
            GivenUp: the request's deadline has passed.
        """
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise TooMuchToCheck
        if self.steps - self._clock_read_at >= _STEPS_BETWEEN_CLOCK_READS:
            self._clock_read_at = self.steps
            check_deadline()

    def findings(self, schema: Json, value: Json, place: Place = ()) -> Findings:
        """Yield what is wrong with a value, lazily, so that `fits` stops after the first finding."""
        self.tick()
        if not isinstance(schema, Mapping):
            if schema is False:
                yield Finding(place, "false", lambda: "No value is allowed here")
            return
        visit = Visit(self, schema, place)
        for check, word, wanted in self._plan(schema):
            if isinstance(value, Unknown) and word not in OF_UNKNOWN:
                continue
            if word in WHOLE_VALUE and self.trusted and self.equality.number(value) is None:
                continue  # undecidable while a part is unknown
            yield from check(visit, wanted, value)

    def fits(self, schema: Json, value: Json) -> bool:
        """Return whether a value is valid."""
        return next(self.findings(schema, value), None) is None

    def among(self, members: list[Json], value: Json) -> bool:
        """Return whether a value is in a schema's list; the list is indexed once."""
        if id(members) not in self._members:
            self._members[id(members)] = {self.equality.number(each) for each in members}
        return self.equality.number(value) in self._members[id(members)]

    def named(self, name: Json) -> Json:
        """Return the schema that `$ref` names; one that accepts anything if it is outside the function's schema."""
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
