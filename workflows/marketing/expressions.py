"""Arithmetic on a record's fields, such as `revenue - spend * 1.19`: numbers, names, + - * / and parentheses, nothing else. Pure."""

import ast
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

MAX_LENGTH = 500
_OPERATORS: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class InvalidExpression(ValueError):
    """An expression has more than numbers, fields, + - * / and parentheses."""


def parse_expression(text: str) -> ast.expr:
    """Return an expression.

    Raises:
        InvalidExpression: it is none.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidExpression(f"An expression has at most {MAX_LENGTH} characters")
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InvalidExpression("Not an expression of numbers, fields, + - * / and parentheses") from None
    _check(body)
    return body


def _check(node: ast.AST) -> None:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        _check(node.left)
        _check(node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        _check(node.operand)
    elif not (
        isinstance(node, ast.Name)
        or (
            isinstance(node, ast.Constant)
            and isinstance(node.value, int | float)
            and not isinstance(node.value, bool)
        )
    ):
        raise InvalidExpression("Not an expression of numbers, fields, + - * / and parentheses")


def evaluate(node: ast.expr, record: Mapping[str, Any]) -> Decimal | None:
    """Return an expression's value for a record; None if a field is no number, or it divides by 0."""
    if isinstance(node, ast.BinOp):
        left, right = evaluate(node.left, record), evaluate(node.right, record)
        if left is None or right is None or (isinstance(node.op, ast.Div) and right == 0):
            return None
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp):
        value = evaluate(node.operand, record)
        return value if value is None or isinstance(node.op, ast.UAdd) else -value
    if isinstance(node, ast.Constant):
        return Decimal(str(node.value))
    return decimal_of(record.get(node.id)) if isinstance(node, ast.Name) else None


def decimal_of(value: Any) -> Decimal | None:
    """Return a JSON number as a decimal; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
