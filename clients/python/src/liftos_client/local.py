"""A service of one's own on this machine, for tests and notebooks."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from liftos_client.clients import Client

READY_SECONDS = 180.0
END_SECONDS = 60.0


@contextmanager
def local(
    checkout: str | os.PathLike[str] | None = None,
    *,
    home: str | os.PathLike[str] | None = None,
    python: str | None = None,
) -> Iterator[Client]:
    """Start LiftOS with its own servers, yield a client of it, and stop it.

    Args:
        checkout: directory of LiftOS Core; default: `LIFTOS_CHECKOUT`, then the one that this client lies in.
        home: directory of the data, which stays; default: a temporary one.
        python: interpreter with LiftOS's dependencies; default: the checkout's `.venv`, then the running one.

    Raises:
        RuntimeError: there is no checkout, or the service did not start; the text ends with its last lines.
    """
    root = _checkout(checkout)
    own = root / ".venv" / "bin" / "python"
    interpreter = python or (str(own) if own.exists() else sys.executable)
    with tempfile.TemporaryDirectory(prefix="liftos-") as temporary:
        data = Path(home or Path(temporary) / "home")
        output = Path(temporary) / "output"
        environment = {**os.environ, "LIFTOS_HOME": str(data), "LIFTOS_PORT": str(_free_port())}
        for name in ("DATABASE_URL", "LIFTOS_OWNER_DATABASE_URL", "REDIS_URL"):
            environment.pop(name, None)
        with output.open("wb") as log:
            process = subprocess.Popen(
                [interpreter, "manage.py", "up"],
                cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            kept = _wait(process, int(environment["LIFTOS_PORT"]), output, data / "credentials.json")
            with Client(kept["base_url"], kept["api_key"]) as client:
                yield client
        finally:
            _stop(process)


def _checkout(given: str | os.PathLike[str] | None) -> Path:
    named = given or os.environ.get("LIFTOS_CHECKOUT")
    candidates = [Path(named)] if named else list(Path(__file__).resolve().parents)
    for each in candidates:
        if (each / "manage.py").exists() and (each / "liftos").is_dir():
            return each.resolve()
    raise RuntimeError("No checkout of LiftOS Core: name its directory, or set LIFTOS_CHECKOUT.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: "subprocess.Popen[bytes]", port: int, output: Path, credentials: Path) -> dict[str, str]:
    """Return the credentials once the service is ready; they are written a little later."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/ready", timeout=5).status_code == 200:
                kept: dict[str, str] = json.loads(credentials.read_text(encoding="utf-8"))
                return kept
        except (httpx2.TransportError, FileNotFoundError, json.JSONDecodeError):
            pass
        time.sleep(0.2)
    _stop(process)
    tail = output.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
    raise RuntimeError("\n".join(["The service did not start:", *tail]))


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
