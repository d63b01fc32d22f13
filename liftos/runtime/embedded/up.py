"""`manage.py up`: runs everything on one machine in the foreground."""

import http.client
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from liftos.runtime.embedded.accounts import user_name
from liftos.runtime.embedded.children import ChildSpec
from liftos.runtime.embedded.errors import EmbeddedError
from liftos.runtime.embedded.files import say, write_private
from liftos.runtime.embedded.paths import REPOSITORY
from liftos.runtime.embedded.preflight import Address, checked
from liftos.runtime.embedded.privileges import leave_root
from liftos.runtime.embedded.redis import Redis
from liftos.runtime.embedded.redis_programs import is_outdated, outdated_warning
from liftos.runtime.embedded.runtime import hold, wanted_servers
from liftos.runtime.embedded.supervisor import StopRequested, Supervisor

READY_SECONDS = 60.0
CREDENTIALS = ("org", "api_key", "admin_user", "admin_password")


def supervise(home: Path) -> int:
    """Run servers, web and worker until Ctrl-C.

    Returns:
        The exit code: 0 after a requested stop, 1 with one line on stderr on failure.
    """
    try:
        leave_root(home)
        with checked(home) as address:
            return _up(home, address)
    except EmbeddedError as error:
        say(f"error: {error}")
        return 1
    except OSError as error:
        say(f"error: {error.filename or home}: {(error.strerror or str(error)).lower()}")
        return 1
    except StopRequested:
        say("LiftOS has stopped")
        return 0


def _up(home: Path, address: Address) -> int:
    # read by children, their children and the settings
    os.environ.update(LIFTOS_HOME=str(home), LIFTOS_PORT=str(address.port), LIFTOS_BIND=address.bind)
    # glibc creates many heaps for threads and returns none: the web process grew by 15% in half an hour of mixed requests
    # (`bench soak`), with two heaps by 3%
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_empty(home / "run" / "prometheus"))
    with Supervisor(home, _specs(home)) as supervisor:
        supervisor.show(f"Starting LiftOS from {home} as {user_name(os.geteuid())}")
        lease = hold(home)
        try:
            supervisor.check_stop()
            _tell_redis(supervisor, home)
            _migrate(supervisor)
            credentials = _credentials(supervisor, home, address)
            supervisor.start()
            _wait_ready(supervisor, address)
            write_private(home / "credentials.json", json.dumps(credentials, indent=2) + "\n")
            supervisor.show(_summary(home, address, credentials))
            supervisor.run()
        finally:
            # children first, because they use the servers
            supervisor.stop()
            lease.release()
    supervisor.show("LiftOS has stopped")
    return 0


def _tell_redis(supervisor: Supervisor, home: Path) -> None:
    """Show the running Redis's version, and warn if it is outdated; another command may have started it."""
    for server in wanted_servers(home):
        if not isinstance(server, Redis) or (running := server.running()) is None:
            continue
        product, version = running
        supervisor.show(f"Redis: {product} {'.'.join(map(str, version))}")
        if is_outdated(product, version):
            supervisor.show(f"warning: {outdated_warning(product, version)}")


def _empty(directory: Path) -> Path:
    """Return the directory of multiprocess metrics, without those of an earlier run."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.db"):
        old.unlink(missing_ok=True)
    return directory


def _manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(REPOSITORY / "manage.py"), *arguments)


def _specs(home: Path) -> list[ChildSpec]:
    settings = "python:liftos.runtime.web.gunicorn_conf"
    web = (sys.executable, "-m", "gunicorn", "-c", settings, "liftos.asgi:application")
    threads = ("--pool", "threads", "--concurrency", os.environ.get("LIFTOS_WORKER_CONCURRENCY") or "10")
    beat = ("-B", "--schedule", str(home / "state" / "beat"))
    # gossip and mingle are for several workers
    quiet = ("--without-gossip", "--without-mingle", "--loglevel", "warning")
    # the warning about running as root takes ten lines on every start
    as_root = ("-W", "ignore:You're running the worker with superuser")
    celery = (sys.executable, *as_root, "-m", "celery", "--quiet", "-A", "liftos.celery")
    worker = (*celery, "worker", *threads, *beat, *quiet)
    log = home / "log"
    return [
        ChildSpec("web", web, log=log / "web.log"),
        ChildSpec("worker", worker, log=log / "worker.log"),
    ]


def _migrate(supervisor: Supervisor) -> None:
    supervisor.show("Bringing the database up to date")
    code, _ = supervisor.run_step(ChildSpec("setup", _manage("migrate", "--verbosity", "0")))
    if code != 0:
        raise EmbeddedError(f"the database could not be migrated (exit code {code}); see the lines above")


def _credentials(supervisor: Supervisor, home: Path, address: Address) -> dict[str, str]:
    path = home / "credentials.json"
    kept = _read_json(path.read_text(encoding="utf-8")) if path.exists() else {}
    if not kept.get("api_key"):
        supervisor.show("Loading the sample organisation (once, about 15 s)")
        code, output = supervisor.run_step(ChildSpec("setup", _manage("load_sample"), capture=True))
        if code != 0:
            raise EmbeddedError(f"the sample could not be loaded (exit code {code}); see the lines above")
        kept = {**kept, **_read_json(output)}
    return {
        "base_url": address.base_url,
        "org": kept.get("org", ""),
        "api_key": kept.get("api_key", ""),
        "admin_url": f"{address.base_url}/admin/",
        "admin_user": kept.get("admin_user", ""),
        "admin_password": kept.get("admin_password", ""),
    }


def _read_json(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return (
        {name: str(value[name]) for name in CREDENTIALS if value.get(name)} if isinstance(value, dict) else {}
    )


def _wait_ready(supervisor: Supervisor, address: Address) -> None:
    web = next(child for child in supervisor.children if child.spec.name == "web")
    seen = "nothing answered"

    def ready() -> bool:
        nonlocal seen
        connection = http.client.HTTPConnection(address.host, address.port, timeout=2)
        try:
            connection.request("GET", "/ready")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        seen = f"GET /ready answered {status}"
        return status == 200

    if not supervisor.wait_until(ready, web, READY_SECONDS):
        why = f"not ready after {READY_SECONDS:.0f} s, {seen}" if web.running else "it ended while starting"
        tail = "".join(f"\n    {line}" for line in list(web.tail)[-5:])
        raise EmbeddedError(f"the web server did not start ({why}); its last lines:{tail or ' none'}")


def _summary(home: Path, address: Address, credentials: Mapping[str, str]) -> str:
    keys = home / "credentials.json"
    read_key = f"""python3 -c 'import json; print(json.load(open("{keys}"))["api_key"])'"""
    lines = [
        "",
        "LiftOS is up",
        f"  API    {address.base_url}/api/v1/",
        f"  Docs   {address.base_url}/docs",
        f"  Admin  {credentials['admin_url']}  (user {credentials['admin_user'] or 'unknown'}, password in {keys})",
        f"  Keys   {keys}",
        f"  Logs   {home / 'log'}  (here: warnings and errors only)",
        "",
        f'  curl -H "X-Api-Key: $({read_key})" {address.base_url}/api/v1/memories',
        "",
        "Ctrl-C stops it; the data stays.",
    ]
    if not credentials["api_key"]:
        lines.insert(
            -1, f"The sample was loaded before, but its key is not in {keys}: create a new key in the admin."
        )
    return "\n".join(lines)
