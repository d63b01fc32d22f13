"""The original's own programs, run unchanged out of a checkout against a product.

Nothing is installed for good and nothing of the checkout is changed: each program runs in a throw-away virtual environment with the
packages it needs, on a copy of the checkout, for a bounded time. What can't run says why.
"""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.compat.gateway import PREFIX, SECRET, make_token
from tests.compat.product import OLD_PORT
from tests.compat.service_calls import call_every_route
from tests.compat.session import Session

INSTALL_SECONDS, RUN_SECONDS = 300, 240
PASSED, FAILED = (
    re.compile(r"^(.+?): ✅ PASS\s*$", re.MULTILINE),
    re.compile(r"^(.+?): ❌ FAIL\s*$", re.MULTILINE),
)


@dataclass(slots=True)
class Report:
    """The result of one program: calls or checks, successes, failures, or why it did not run."""

    program: str
    calls: int = 0
    held: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: str = ""


class CanNotRun(Exception):
    """This program can't run here."""


class Checkout:
    """A copy of a checkout of the original, with a virtual environment of its own."""

    def __init__(self, given: Path, room: Path) -> None:
        self.root = room / "original"
        ignored = shutil.ignore_patterns(".git", "node_modules", "__pycache__", ".venv", "venv")
        shutil.copytree(given, self.root, ignore=ignored, symlinks=True, dirs_exist_ok=True)
        self.room = room

    def find(self, *patterns: str, says: str = "") -> Path:
        """Return the first file matching one of the patterns that contains a text.

        Raises:
            CanNotRun: there is none.
        """
        for pattern in patterns:
            for file in sorted(self.root.glob(pattern)):
                if file.is_file() and says in file.read_text(encoding="utf-8", errors="replace"):
                    return file
        raise CanNotRun(f"not in this checkout ({', '.join(patterns)})")

    def python(self, *packages: str, requirements: Path | None = None) -> str:
        """Return the interpreter of a virtual environment that has some packages.

        Raises:
            CanNotRun: pip could not install them.
        """
        place = self.room / f"venv-{secrets.token_hex(3)}"
        interpreter = str(place / "bin" / "python")
        wanted = [*packages, *(["-r", str(requirements)] if requirements else [])]
        try:
            subprocess.run(
                [sys.executable, "-m", "venv", str(place)], check=True, capture_output=True, timeout=120
            )
            command = [interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted]
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
        except (subprocess.SubprocessError, OSError):
            named = requirements.relative_to(self.root) if requirements else ", ".join(packages)
            raise CanNotRun(f"needs {named}, which pip could not install here") from None
        return interpreter

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the checkout for at most RUN_SECONDS.

        Raises:
            CanNotRun: it lacks a package, or does not end.
        """
        try:
            done = subprocess.run(
                command,
                cwd=self.root,
                env=_clean() | environment,
                capture_output=True,
                text=True,
                timeout=RUN_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CanNotRun(f"did not end within {RUN_SECONDS} s") from None
        if missing := re.search(r"No module named '([^']+)'", done.stderr + done.stdout):
            raise CanNotRun(f"needs the package {missing[1]}")
        return done


def endpoint_script(checkout: Checkout, url: str) -> Report:
    """Run the marketing endpoint script, which only knows port 8003."""
    script = checkout.find("test_marketing_endpoints.py", "**/test_marketing_endpoints.py")
    return _script(Report("marketing endpoint script"), checkout, script, url)


def cross_service_script(checkout: Checkout, url: str) -> Report:
    """Run the script that stores for one service and searches from another, wherever it is in the checkout."""
    script = checkout.find(
        "*cross*service*.py", "tests/*cross*service*.py", "scripts/*cross*service*.py", says="/analytics"
    )
    return _script(Report("cross-service script"), checkout, script, url)


def _script(report: Report, checkout: Checkout, script: Path, url: str) -> Report:
    if urlsplit(url).port != OLD_PORT:
        raise CanNotRun(f"it asks port {OLD_PORT} alone, and somebody else listens there")
    text = script.read_text(encoding="utf-8", errors="replace")
    needs = [
        name
        for name in ("httpx", "aiohttp", "requests")
        if re.search(rf"^\s*import {name}\b", text, re.MULTILINE)
    ]
    done = checkout.run(checkout.python(*needs or ["httpx"]), str(script), PYTHONIOENCODING="utf-8")
    passed, failed = PASSED.findall(done.stdout), FAILED.findall(done.stdout)
    if not passed and not failed:
        report.calls, report.held = 1, int(done.returncode == 0)
        report.failed = [] if report.held else [(done.stderr or done.stdout).strip().splitlines()[-1][:150]]
        return report
    report.calls, report.held, report.failed = len(passed) + len(failed), len(passed), failed
    return report


def load_test(checkout: Checkout, url: str) -> Report:
    """Run the load test with pytest, as it stands, against the product in place of its gateway and memory service."""
    script = checkout.find("tests/test_load_performance.py")
    python = checkout.python("pytest", "pytest-asyncio", "aiohttp")
    result, empty = checkout.room / "load.xml", checkout.room / "empty.ini"
    empty.write_text("[pytest]\nasyncio_mode = auto\n")
    done = checkout.run(
        python, "-m", "pytest", "-q", "-c", str(empty), "--noconftest", "-p", "no:cacheprovider", f"--junitxml={result}", str(script),
        LOAD_TEST_BASE_URL=url, LOAD_TEST_MEMORY_URL=url,
    )  # fmt: skip
    if not result.exists():
        raise CanNotRun(f"pytest said: {(done.stdout or done.stderr).strip()[-150:]}")
    report = Report("load test")
    for case in ET.parse(result).iter("testcase"):
        problem = case.find("failure") if case.find("failure") is not None else case.find("error")
        report.calls += 1
        report.held += problem is None
        if problem is not None:
            report.failed.append(
                f"{case.get('name')}: {(problem.get('message') or '').splitlines()[0][:120]}"
            )
    return report


def old_gateway(checkout: Checkout, url: str) -> Report:
    """Start the original's gateway before the product and send the 18 calls through it, with a token of its own kind."""
    app = checkout.find("services/gateway/app.py")
    python = checkout.python(requirements=checkout.find("services/gateway/requirements.txt"))
    port = _free_port()
    org = f"compat-old-gateway-{secrets.token_hex(3)}"
    environment = {
        "MEMORY_SERVICE_URL": url,
        "JWT_SECRET": SECRET,
        "JWT_ALGORITHM": "HS256",
        "PYTHONPATH": str(checkout.root),
    }
    command = [python, "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(port)]
    log = checkout.room / "gateway.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=app.parent,
            env=_clean() | environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_for(port, process, log)
        headers = {"authorization": f"Bearer {make_token(org)}"}
        session = Session("the original's gateway", f"http://localhost:{port}{PREFIX}", org, headers)
        call_every_route(session)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return report_of(session)


def streamlit_client(checkout: Checkout, url: str) -> Report:
    """Have the Streamlit page's client store, search in three ways and list, under a real Streamlit."""
    place = checkout.find("liftos-streamlit/utils/api_client.py").parent.parent
    python = checkout.python("streamlit", "requests")
    done = checkout.run(python, str(Path(__file__).with_name("streamlit_driver.py")), str(place), url)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise CanNotRun((done.stderr.strip().splitlines() or ["it said nothing"])[-1][:150])
    failed = [f"{line['call']}: {line['problem']}" for line in lines if line["problem"]]
    return Report("Streamlit client", len(lines), len(lines) - len(failed), failed)


PROGRAMS: dict[str, Callable[[Checkout, str], Report]] = {
    "marketing endpoint script": endpoint_script,
    "cross-service script": cross_service_script,
    "load test": load_test,
    "the original's gateway": old_gateway,
    "Streamlit client": streamlit_client,
}


def run_all(given: Path, room: Path, url: str) -> list[Report]:
    """Run every program of a checkout; report why a program can't run."""
    checkout, reports = Checkout(given, room), []
    for name, program in PROGRAMS.items():
        try:
            reports.append(program(checkout, url))
        except CanNotRun as reason:
            reports.append(Report(name, skipped=str(reason)))
    return reports


def report_of(session: Session) -> Report:
    """Return the report of a session's calls."""
    failed = [f"{each.call}: {each.problem}" for each in session.outcomes if each.problem]
    return Report(session.program, len(session.outcomes), len(session.outcomes) - len(failed), failed)


def _clean() -> dict[str, str]:
    """Return the environment without our variables."""
    ours = ("LIFTOS_", "DJANGO_", "PYTHONPATH", "DATABASE_URL", "REDIS_URL", "MAKE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = log.read_text(errors="replace")
            missing = re.search(r"No module named '([^']+)'", said)
            raise CanNotRun(
                f"needs the package {missing[1]}" if missing else said.strip().splitlines()[-1][:150]
            )
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise CanNotRun("its gateway did not start within 60 s")
