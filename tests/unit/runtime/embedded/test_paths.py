from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict

from liftos.runtime.embedded import home, socket_directory, urls
from liftos.runtime.embedded.paths import POSTGRES_SOCKET, REPOSITORY, SOCKET_PATH_MAX


def test_home_is_in_the_repository_unless_named(monkeypatch, tmp_path):
    monkeypatch.delenv("LIFTOS_HOME", raising=False)
    assert home() == REPOSITORY / ".liftos"
    monkeypatch.setenv("LIFTOS_HOME", "  ")
    assert home() == REPOSITORY / ".liftos"
    monkeypatch.setenv("LIFTOS_HOME", str(tmp_path / "a" / ".." / "b"))
    assert home() == tmp_path / "b"


def test_two_names_of_one_home_are_one_home(monkeypatch, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setenv("LIFTOS_HOME", str(tmp_path / "link"))
    assert home() == (tmp_path / "real").resolve()


def test_short_home_has_its_sockets_inside():
    assert socket_directory(Path("/srv/liftos")) == Path("/srv/liftos/run")


@pytest.mark.parametrize("name", ["a b", "a,b", "a'b", "gedächtnis", "a%2Fb", "x" * 120])
def test_long_or_unsafe_path_gets_a_short_socket_directory(name):
    first, second = Path("/srv") / name, Path("/srv") / (name + "2")
    chosen = socket_directory(first)
    assert chosen.parent == Path("/tmp")
    assert chosen == socket_directory(first)
    assert chosen != socket_directory(second)
    assert not first.exists()


def test_the_limit_is_exact():
    fits = SOCKET_PATH_MAX - len(f"/run/{POSTGRES_SOCKET}")
    longest = Path("/" + "h" * (fits - 1))
    assert socket_directory(longest) == longest / "run"
    assert socket_directory(Path(f"{longest}h")).parent == Path("/tmp")


def test_urls_parse_to_role_database_and_socket():
    addresses = urls(Path("/Srv/Lift-OS"))
    expected = {"host": "/Srv/Lift-OS/run", "port": "5432"}
    assert conninfo_to_dict(addresses.database_url) == {"user": "liftos_app", "dbname": "liftos", **expected}
    assert conninfo_to_dict(addresses.owner_database_url) == {
        "user": "liftos_owner",
        "dbname": "liftos",
        **expected,
    }
    assert conninfo_to_dict(addresses.superuser_database_url) == {
        "user": "postgres",
        "dbname": "postgres",
        **expected,
    }
    redis = urlsplit(addresses.redis_url)
    assert (redis.scheme, unquote(redis.path), redis.query) == ("unix", "/Srv/Lift-OS/run/redis.sock", "db=0")
