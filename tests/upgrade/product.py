"""A checkout of some state of the product, run as its own operators run it: nothing of it is imported here."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def until(true: Callable[[], Any], seconds: float = 300) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := true()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


@dataclass
class Product:
    """
    Attributes:
        checkout: of the state, with its own `.venv`.
        home: LIFTOS_HOME, made if need be.
        keys: API keys by the name that requests use.
    """

    checkout: Path
    home: Path
    port: int = field(default_factory=free_port)
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "LIFTOS_HOME": str(self.home),
            "LIFTOS_PORT": str(self.port),
            "LIFTOS_SWEEP_SECONDS": "1",
            "LIFTOS_CHECKPOINT_FILE": str(self.home.with_name("checkpoints")),
            "DJANGO_SETTINGS_MODULE": "liftos.settings",
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LIFTOS_")}
        return inherited | own

    def python(self, *arguments: str, given: str | None = None) -> str:
        command = [str(self.checkout / ".venv" / "bin" / "python"), *arguments]
        done = subprocess.run(
            command,
            cwd=self.checkout,
            env=self.environment,
            capture_output=True,
            text=True,
            input=given,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def manage(self, *arguments: str, given: str | None = None) -> str:
        return self.python("manage.py", *arguments, given=given)

    @contextlib.contextmanager
    def running(self, *arguments: str) -> Iterator[None]:
        """Run a process of the product until it is ready, and stop it after the block."""
        command = [str(self.checkout / ".venv" / "bin" / "python"), *arguments]
        self.home.parent.mkdir(parents=True, exist_ok=True)
        with self.home.with_suffix(".log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.checkout,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            until(lambda: self._ready() or self._ended(process))
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)

    @contextlib.contextmanager
    def servers(self) -> Iterator[None]:
        """Keep the embedded servers up for a block: a command that waits for its input holds them."""
        command = [str(self.checkout / ".venv" / "bin" / "python"), "manage.py", "shell"]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(
            command,
            cwd=self.checkout,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=quiet,
            stderr=quiet,
        ) as holder:
            yield
            holder.communicate(b"")

    def _ready(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/ready").status == 200
        return False

    def _ended(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, f"it ended: see {self.home.with_suffix('.log')}"
        return False

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request; a text as body is NDJSON, anything else is sent as JSON."""
        sent = {"Content-Type": "application/x-ndjson" if isinstance(body, str) else "application/json"}
        if key:
            sent["Authorization"] = f"Bearer {self.keys[key]}"
        raw = body if isinstance(body, str) or body is None else json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, None if raw is None else raw.encode(), sent | (headers or {}))
            response = connection.getresponse()
            got = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, got, response.read().decode())
        finally:
            connection.close()

    def do(self, method: str, path: str, body: Any = None, *, key: str = "owner", **headers: str) -> Any:
        """Send a request that must succeed; return its JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.ask(method, path, body, key=key, headers=named)
        assert answer.status < 300, f"{method} {path} {body}: {answer.status} {answer.text[:2000]}"
        return answer.body if answer.text else None
