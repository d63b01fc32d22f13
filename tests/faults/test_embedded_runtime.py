"""The embedded servers as processes: concurrent starts, kills, leftovers, the last user stops them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil
import psycopg
import pytest

from liftos.runtime.embedded import EmbeddedError, ensure_running, hold, socket_directory, urls
from liftos.runtime.embedded.accounts import server_account
from liftos.runtime.embedded.paths import REPOSITORY
from liftos.runtime.embedded.postgres import Postgres
from liftos.runtime.embedded.redis import Redis
from liftos.runtime.embedded.redis_programs import choose_program
from tests.faults.service import free_port
from tests.ordinary_user import environment_for

pytestmark = pytest.mark.faults


@pytest.fixture(autouse=True)
def _own_servers(monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home():
    # Not tmp_path: pytest's directories are long, and closed to the account that Postgres runs as.
    parent = Path(tempfile.mkdtemp(prefix="lo-"))
    yield parent / "home"
    for kind in (Redis, Postgres):
        kind(parent / "home", None).stop()
    shutil.rmtree(parent)


def alive(home):
    return [kind.name for kind in (Postgres, Redis) if kind(home, None).alive()]


def value(home, query):
    with psycopg.connect(urls(home).superuser_database_url) as connection:
        return connection.execute(query).fetchone()[0]


def run_python(home, code):
    """Start a process that uses `home`; it prints 'held' once it has reached the test's point."""
    preamble = "import os, sys, time; from pathlib import Path; from liftos.runtime.embedded import *; home = Path(sys.argv[1])"
    return subprocess.Popen(
        [sys.executable, "-c", f"{preamble}\n{code}", str(home)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


HOLD = "hold(home); print('held', flush=True); sys.stdin.read()"


def finish(process):
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


def test_first_start_makes_roles_database_and_extension_and_the_last_lease_stops_all(home):
    with hold(home):
        assert alive(home) == ["postgres", "redis"]
        roles = "select array_agg((rolname, rolsuper, rolcreatedb, rolbypassrls)::text order by rolname) from pg_roles"
        assert value(home, f"{roles} where rolname ~ '^liftos'") == [
            "(liftos_app,f,f,f)",
            "(liftos_owner,f,t,f)",
        ]
        assert value(home, "show listen_addresses") == ""
        assert value(home, "show synchronous_commit") == "on"
        with psycopg.connect(urls(home).owner_database_url, autocommit=True) as connection:
            connection.execute("create database throwaway")
            connection.execute("create table t (v vector(3))")
        with psycopg.connect(urls(home).owner_database_url, dbname="throwaway") as connection:
            connection.execute("select '[1,2,3]'::vector")
    assert alive(home) == []


def test_hold_twice_is_one_lease(home):
    lease = hold(home)
    assert hold(home) is lease
    lease.release()
    lease.release()
    assert alive(home) == []


def test_first_starts_at_the_same_time_make_one_installation(home):
    processes = [run_python(home, HOLD) for _ in range(4)]
    assert [process.stdout.readline() for process in processes] == ["held\n"] * 4
    assert value(home, "select count(*) from pg_database where datname = 'liftos'") == 1
    pid = Postgres(home, None).pid()
    for process in processes[:-1]:
        assert finish(process) == (0, "")
        assert Postgres(home, None).pid() == pid
    assert finish(processes[-1]) == (0, "")
    assert alive(home) == []


def test_kill_of_the_postmaster_loses_nothing(home):
    with hold(home):
        with psycopg.connect(urls(home).owner_database_url) as connection:
            connection.execute("create table kept as select 42 as answer")
        os.kill(Postgres(home, None).pid(), signal.SIGKILL)
        ensure_running(home)
        with psycopg.connect(urls(home).owner_database_url) as connection:
            assert connection.execute("select answer from kept").fetchone() == (42,)


def test_a_pid_file_that_names_another_program_does_not_stop_the_start(home):
    with hold(home):
        os.kill(Postgres(home, None).pid(), signal.SIGKILL)
        account = (home / "pg").stat()
        # A live process of the very user: what Postgres by itself takes for a running server.
        other = subprocess.Popen(["sleep", "60"], cwd="/", user=account.st_uid if os.geteuid() == 0 else None)
        try:
            pid_file = home / "pg" / "postmaster.pid"
            pid_file.write_text("\n".join([str(other.pid), *pid_file.read_text().splitlines()[1:]]) + "\n")
            ensure_running(home)
            assert value(home, "select 1") == 1
        finally:
            other.kill()
            other.wait()


def test_kill_of_redis_is_repaired(home):
    with hold(home):
        first = Redis(home, None).pid()
        os.kill(first, signal.SIGKILL)
        ensure_running(home)
        assert Redis(home, None).pid() != first


def test_the_running_redis_says_what_it_is(home):
    assert Redis(home, None).running() is None
    with hold(home):
        chosen = choose_program()
        assert Redis(home, None).running() == (chosen.product, chosen.version)


def test_servers_left_by_a_killed_command_are_used_and_stopped_by_the_next(home):
    process = run_python(home, HOLD)
    assert process.stdout.readline() == "held\n"
    process.kill()
    finish(process)
    assert alive(home) == ["postgres", "redis"]
    pid = Postgres(home, None).pid()
    with hold(home):
        assert Postgres(home, None).pid() == pid
    assert alive(home) == []


def test_a_start_killed_half_way_is_finished_by_the_next(home):
    process = run_python(home, "print('held', flush=True); ensure_running(home)")
    process.stdout.readline()
    deadline = time.monotonic() + 30
    while not list(home.glob("pg.new.*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    finish(process)
    with hold(home):
        assert value(home, "select count(*) from pg_database where datname = 'liftos'") == 1


def test_a_forked_child_does_not_release_its_parents_lease(home):
    process = run_python(
        home,
        "import signal\n"
        "lease = hold(home)\n"
        "if os.fork() == 0: sys.exit()\n"
        "os.wait(); print('held', flush=True); sys.stdin.read()",
    )
    assert process.stdout.readline() == "held\n"
    assert alive(home) == ["postgres", "redis"]
    finish(process)
    assert alive(home) == []


def test_external_servers_are_not_started(home, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    with hold(home):
        assert alive(home) == ["postgres"]


def test_a_home_too_long_for_a_socket_works(home):
    long = home / ("x" * 120)
    with hold(long):
        assert value(long, "select 1") == 1
    assert socket_directory(long).parent == Path("/tmp")
    shutil.rmtree(socket_directory(long))


def test_other_users_cannot_reach_the_sockets_or_the_data(home):
    with hold(home):
        assert [oct((home / name).stat().st_mode & 0o077) for name in ("run", "pg", "log", "state")] == [
            "0o0"
        ] * 4


def test_blocking_file_gives_one_line_and_exit_code_1(home):
    home.write_text("")
    command = [sys.executable, str(REPOSITORY / "manage.py"), "up"]
    environment = {**os.environ, "LIFTOS_HOME": str(home)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    home.unlink()
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: LIFTOS_HOME {home}: a file is in the way, {home};")
    assert result.stderr.count("\n") == 1


def test_a_broken_data_directory_is_one_line(home):
    with hold(home):
        pass
    (home / "pg" / "global" / "pg_control").unlink()
    with pytest.raises(
        EmbeddedError, match=r"postgres stopped while starting: .*pg_control.*\(log: "
    ) as caught:
        hold(home)
    assert "\n" not in str(caught.value)
    assert alive(home) == []


SUPERVISE = """
specs = [ChildSpec("web", (sys.executable, "-c", "import time; print('serving'); time.sleep(600)")),
         ChildSpec("worker", (sys.executable, "-c", "import time; time.sleep(.2); raise SystemExit(3)"))]
with Supervisor(home, specs) as supervisor:
    lease = hold(home); supervisor.start(); supervisor.run(); lease.release()
print("end")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_supervisor_restarts_what_dies_and_stops_all_on_a_signal(home, number):
    process = run_python(home, SUPERVISE)
    seen = []
    while not seen or "restarting in 1 s" not in seen[-1]:
        seen.append(process.stdout.readline())
        assert seen[-1], "".join(seen)
    os.kill(Postgres(home, None).pid(), signal.SIGKILL)
    while "postgres is running again" not in seen[-1]:
        seen.append(process.stdout.readline())
        assert seen[-1], "".join(seen)
    process.send_signal(number)
    code, rest = finish(process)
    assert (code, rest.splitlines()[-1]) == (0, "end")
    assert "web    | serving\n" in seen
    assert "worker ended unexpectedly (exit code 3); restarting in 0.5 s\n" in seen
    assert alive(home) == []


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def start_up(home, python, **environment):
    return subprocess.Popen(
        [python, str(REPOSITORY / "manage.py"), "up"],
        env={**os.environ, "LIFTOS_HOME": str(home), "LIFTOS_PORT": str(free_port()), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process, words):
    seen = []
    while not seen or words not in seen[-1]:
        seen.append(process.stdout.readline())
        assert seen[-1], "".join(seen)
    return seen


@as_root
@pytest.mark.timeout(300)
def test_up_started_by_root_runs_nothing_as_root(home):
    home.parent.chmod(0o711)
    # as a root of earlier days left it: servers ran, and the home's own files are root's
    with hold(home):
        account = server_account(home)
    (home / "secret_key").write_text("made by root long ago\n")
    (home / "secret_key").chmod(0o600)
    python, variables = environment_for(account.uid, home.parent / "python")
    process = start_up(home, python, **variables)
    try:
        seen = read_until(process, "Ctrl-C stops it")
        assert f"Starting LiftOS from {home} as {account.name}\n" in seen
        assert not [line for line in seen if "runs as root" in line]
        supervisor = psutil.Process(process.pid)
        family = [supervisor, *supervisor.children(recursive=True)]
        assert len(family) >= 5  # supervisor, two of web, two of the worker, and the servers
        assert (
            {each.uids().real for each in family}
            == {each.uids().effective for each in family}
            == {account.uid}
        )
        assert {Postgres(home, None).pid(), Redis(home, None).pid()} <= {each.pid for each in family}
        assert not [path for path in home.rglob("*") if path.lstat().st_uid == 0]
        keys = ("secret_key", "ledger_key", "value_key", "credentials.json")
        assert {(home / name).stat().st_mode & 0o777 for name in keys} == {0o600}
        assert (home / "secret_key").read_text() == "made by root long ago\n"
        credentials = json.loads((home / "credentials.json").read_text())
        request = urllib.request.Request(
            f"{credentials['base_url']}/search",
            json.dumps({"query": "price", "limit": 1}).encode(),
            {"X-Api-Key": credentials["api_key"], "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["data"]["results"]
        web = next(each for each in family if "gunicorn" in each.cmdline())
        web.kill()
        read_until(process, "web ended unexpectedly (SIGKILL)")
    finally:
        process.send_signal(signal.SIGINT)
        code, rest = finish(process)
    assert (code, rest.splitlines()[-1]) == (0, "LiftOS has stopped")
    assert alive(home) == []


@as_root
def test_up_stays_root_where_a_key_is_roots_alone_and_says_so(home):
    home.parent.chmod(0o711)
    closed = home.parent / "closed"
    closed.mkdir(mode=0o700)
    process = start_up(home, sys.executable, LIFTOS_LEDGER_KEY_FILE=str(closed / "ledger_key"))
    try:
        *before, last = read_until(process, "Starting LiftOS from")
        (why,) = [line for line in before if line.startswith("LiftOS runs as root instead of ")]
        # this Python may itself be in root's own home, which is then what stands in the way
        assert str(closed) in why or "it can't start" in why
        assert last == f"Starting LiftOS from {home} as root\n"
    finally:
        process.send_signal(signal.SIGINT)
        finish(process)
