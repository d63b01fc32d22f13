"""One old program's calls to the product over HTTP, and their outcomes."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.compat.shapes import Envelope, differences

NO_BODY = object()
ABSENT = {404, 405, 422}
"""How a call is refused that is not served yet: no route, no method, or a body whose fields are not read."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one call: as in the contract, not served yet, or its differences."""

    program: str
    call: str
    served: bool = True
    problem: str = ""


class Session:
    """Sends a program's calls with its headers, and keeps their outcomes.

    Attributes:
        org: the organisation it acts for.
        outcomes: one for each call, in order.
    """

    def __init__(self, program: str, url: str, org: str, headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        self.program, self.org, self.headers = program, org, headers
        self.host, self.port, self.prefix = parts.hostname or "", parts.port, parts.path.rstrip("/")
        self.outcomes: list[Outcome] = []

    def ask(
        self,
        method: str,
        path: str,
        body: Any = NO_BODY,
        *,
        shape: Any = dict,
        status: int | frozenset[int] = 200,
        check: Callable[[Any], str] | None = None,
        **headers: str,
    ) -> Any:
        """Send a call, compare status and answer with what the contract says, and return the answer.

        Args:
            body: sent as JSON, if given.
            shape: of the answer: an Envelope, or as `shapes.differences` takes it.
            check: called with an answer of the right shape; returns an error, or "".
        """
        found, answer = self.send(method, path, body, **headers)
        allowed = status if isinstance(status, frozenset) else frozenset({status})
        if found not in allowed:
            problem = f"{found} instead of {'/'.join(map(str, sorted(allowed)))}: {json.dumps(answer)[:200]}"
        else:
            wrong = shape.differences(answer) if isinstance(shape, Envelope) else differences(shape, answer)
            problem = "; ".join(wrong[:3]) or (check(answer) if check is not None else "")
        self._note(method, path, problem=problem)
        return answer

    def not_yet(self, method: str, path: str, body: Any = NO_BODY) -> None:
        """Send a call that is not served yet; it fails once it is answered."""
        found, _ = self.send(method, path, body)
        problem = "" if found in ABSENT else f"answered with {found}: no longer one that is not served"
        self._note(method, path, served=False, problem=problem)

    def send(self, method: str, path: str, body: Any = NO_BODY, **headers: str) -> tuple[int, Any]:
        """Send a call; return status and JSON, None where the answer is none."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        payload = None if body is NO_BODY else json.dumps(body)
        try:
            connection.request(
                method,
                self.prefix + path,
                payload,
                {"content-type": "application/json"} | self.headers | sent,
            )
            response = connection.getresponse()
            raw = response.read()
            try:
                return response.status, json.loads(raw)
            except ValueError:
                return response.status, None
        finally:
            connection.close()

    def _note(self, method: str, path: str, *, served: bool = True, problem: str = "") -> None:
        self.outcomes.append(Outcome(self.program, f"{method} {path.partition('?')[0]}", served, problem))


def dig(answer: Any, *keys: str) -> Any:
    """Return the value at a path of keys, or ""."""
    for key in keys:
        answer = answer.get(key, "") if isinstance(answer, dict) else ""
    return answer
