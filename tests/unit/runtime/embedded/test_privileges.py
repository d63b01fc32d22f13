"""Ownership changes when `make up` leaves root; the complete run is in tests/faults."""

import os
import pwd
import subprocess
import tempfile
from pathlib import Path

import pytest

from liftos.kernel.keyfiles import _make, give_to_owner
from liftos.runtime.embedded import EmbeddedError, privileges
from liftos.runtime.embedded.accounts import Account, server_account
from liftos.runtime.embedded.files import open_lock, open_log, prepare_home, write_private
from tests.ordinary_user import python_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")

DAEMON = Account("daemon", pwd.getpwnam("daemon").pw_uid, pwd.getpwnam("daemon").pw_gid)
BIN = pwd.getpwnam("bin").pw_uid


def owner(path):
    return path.lstat().st_uid


@pytest.fixture
def home(tmp_path):
    prepare_home(tmp_path / "home")
    return tmp_path / "home"


def test_service_files_change_owner_and_keep_their_mode(home):
    write_private(home / "secret_key", "secret")
    (home / "run" / "prometheus").mkdir(parents=True)
    (home / "run" / "prometheus" / "counter.db").touch(mode=0o640)
    (home / "state" / "up.lock").touch()
    privileges.hand_over(home, DAEMON)
    for name in ("", "secret_key", "log", "state", "state/up.lock", "run/prometheus/counter.db"):
        assert owner(home / name) == DAEMON.uid, name
    assert (home / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (home / "run" / "prometheus" / "counter.db").stat().st_mode & 0o777 == 0o640


def test_other_files_keep_their_owner(home, tmp_path):
    elsewhere = tmp_path / "shadow"
    elsewhere.touch()
    os.link(elsewhere, home / "state" / "second_name")
    (home / "state" / "link").symlink_to(elsewhere)
    (home / "run").symlink_to(tmp_path)
    (home / "ledger_key").symlink_to(elsewhere)
    (home / "backup").mkdir()
    (home / "backup" / "dump").touch()
    (home / "log" / "anothers").touch()
    os.chown(home / "log" / "anothers", BIN, -1)
    privileges.hand_over(home, DAEMON)
    assert owner(elsewhere) == owner(tmp_path) == 0
    assert owner(home / "backup") == owner(home / "backup" / "dump") == 0
    assert owner(home / "log" / "anothers") == BIN


def test_a_home_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        privileges.hand_over(tmp_path / "link", DAEMON)
    assert owner(tmp_path) == 0


def test_files_root_creates_later_belong_to_the_homes_owner(home):
    privileges.hand_over(home, DAEMON)
    os.close(open_lock(home / "state" / "new.lock"))
    os.close(open_log(home / "log" / "new.log"))
    write_private(home / "credentials.json", "{}")
    _make(home / "value_key")
    prepare_home(home / "inner")
    made = ("state/new.lock", "log/new.log", "credentials.json", "value_key", "inner", "inner/log")
    assert [owner(home / name) for name in made] == [DAEMON.uid] * len(made)


def test_roots_own_files_stay_roots(home):
    os.close(open_lock(home / "state" / "new.lock"))
    assert owner(home / "state" / "new.lock") == 0


def test_root_follows_no_symlinks_or_hard_links(home, tmp_path):
    privileges.hand_over(home, DAEMON)
    target = tmp_path / "target"
    target.touch()
    (home / "log" / "postgres.log").symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        open_log(home / "log" / "postgres.log")
    os.link(target, home / "log" / "hard")
    with (home / "log" / "hard").open("rb") as file:
        give_to_owner(file.fileno(), home / "log")
    assert owner(target) == 0


def test_account_is_the_datas_owner_then_the_homes_then_a_system_account(home):
    os.chown(home, DAEMON.uid, DAEMON.gid)
    assert server_account(home) == DAEMON
    (home / "pg").mkdir()
    assert server_account(home) == DAEMON  # the data are root's: Postgres could not run as their owner
    os.chown(home / "pg", BIN, -1)
    assert server_account(home).uid == BIN


@pytest.fixture
def left(home, monkeypatch, capsys):
    """Return the user root would become, or the line saying why not, without switching."""
    monkeypatch.delenv("LIFTOS_PORT", raising=False)
    monkeypatch.setattr(privileges, "PACKAGES", ())
    became = []
    monkeypatch.setattr(privileges, "_become", lambda home, account: became.append(account))
    os.chown(home, DAEMON.uid, DAEMON.gid)

    def leave():
        privileges.leave_root(home)
        return became[0] if became else capsys.readouterr().err

    return leave


def test_root_becomes_the_homes_owner(left, monkeypatch):
    monkeypatch.setattr(privileges, "_access_obstacle", lambda home, account: None)
    assert left() == DAEMON


def test_privileged_port_keeps_root(left, monkeypatch):
    monkeypatch.setenv("LIFTOS_PORT", "80")
    said = left()
    assert said.startswith("LiftOS runs as root instead of daemon: port 80 requires root")
    assert said.count("\n") == 1


def test_a_home_of_one_user_with_data_of_another_keeps_root(left, home):
    (home / "pg").mkdir()
    os.chown(home / "pg", BIN, -1)
    assert "its data belong to different users" in left()


def test_interpreter_only_root_can_run_keeps_root(left, tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "python").symlink_to("/bin/true")
    monkeypatch.setattr(privileges.sys, "executable", str(closed / "python"))
    said = left()
    assert "it can't start" in said
    assert said.count("\n") == 1


def test_invalid_port_is_refused_before_anything_is_created(tmp_path, monkeypatch):
    monkeypatch.setenv("LIFTOS_PORT", "none")
    with pytest.raises(EmbeddedError, match="not a port number"):
        privileges.leave_root(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_an_ordinary_user_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(privileges.os, "geteuid", lambda: 1000)
    privileges.leave_root(tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.fixture
def probe(tmp_path):
    """Return the paths of a checkout that the probe finds unreadable."""
    repository = tmp_path / "checkout"
    (repository / "liftos" / "deep").mkdir(parents=True)
    (repository / "manage.py").touch()
    (repository / "liftos" / "deep" / "module.py").touch(mode=0o644)
    for directory in tmp_path.parents:
        if directory == Path(tempfile.gettempdir()):
            break
        directory.chmod(directory.stat().st_mode | 0o011)  # pytest closes its own to others
    tmp_path.chmod(0o711)

    python = python_for(DAEMON.uid)
    if python is None:
        pytest.skip("no Python here that another user can start")

    def run(*named):
        arguments = ["liftos", str(repository), str(tmp_path), *named]
        done = subprocess.run(
            [python, "-I", "-S", "-c", privileges._PROBE, *arguments],
            cwd="/", capture_output=True, text=True, check=False, user=DAEMON.uid, group=DAEMON.gid, extra_groups=[],
        )  # fmt: skip
        assert done.stderr == ""
        return done.returncode, done.stdout.strip().removeprefix(str(tmp_path))

    return run, repository


def test_readable_checkout_is_accepted(probe):
    run, _ = probe
    assert run() == (0, "")


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("", 0o700),
        ("manage.py", 0o600),
        ("liftos", 0o700),
        ("liftos/deep", 0o744),
        ("liftos/deep/module.py", 0o600),
    ],
)
def test_closed_path_is_named(probe, name, mode):
    run, repository = probe
    (repository / name).chmod(mode)
    code, said = run()
    assert code == 1
    assert said.rstrip("/").startswith(f"/checkout/{name}".rstrip("/"))


def test_named_files_elsewhere_must_be_reachable_too(probe, tmp_path):
    run, _ = probe
    key = tmp_path / "ledger_key"
    key.touch(mode=0o600)
    assert run(f"{os.R_OK}:{key}") == (1, "/ledger_key")
    key.chmod(0o644)
    assert run(f"{os.R_OK}:{key}") == (0, "")
    assert run(f"{os.W_OK}:{key}") == (1, "/ledger_key")
    # one that is still to be made needs a directory to be made in
    assert run(f"{os.R_OK}:{tmp_path / 'none'}") == (1, "")
