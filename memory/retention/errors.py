"""Errors of retention rules."""

from liftos.kernel.errors import Conflict, NotFound


class RuleNotFound(NotFound):
    """There is no such retention rule."""

    code = "memory.rule_not_found"


class RuleExists(Conflict):
    """A retention rule with this name already exists."""

    code = "memory.rule_exists"
