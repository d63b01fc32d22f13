#!/usr/bin/env python
"""Run one command of LiftOS, with the database and the cache that it needs."""

import os
import sys

# Nothing of ours is imported before this: an older Python could not even parse it.
if sys.version_info < (3, 11):  # noqa: UP036 (the point is to say so)
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(f"error: LiftOS needs Python 3.11 or newer, and this is {found}; try PYTHON=python3.11 make up")

WITHOUT_DATABASE = frozenset(
    {
        "",
        "help",
        "--help",
        "-h",
        "version",
        "--version",
        "collectstatic",
        "compilemessages",
        "diffsettings",
        "findstatic",
        "makemessages",
        "spectacular",
        "startapp",
        "verify_proof",
    }
)


def needs_servers(arguments: list[str]) -> bool:
    """Return whether a command line needs a database; if in doubt, True."""
    command = arguments[0] if arguments else ""
    if command == "check":
        return any(argument.startswith("--database") for argument in arguments)
    return command not in WITHOUT_DATABASE and not {"-h", "--help"}.intersection(arguments)


def migrate_if_new(arguments: list[str]) -> None:
    """Make the tables of an embedded database that has none: a first command need not be `make up`."""
    if os.environ.get("DATABASE_URL") or arguments[0] in ("migrate", "makemigrations", "restore"):
        return
    import subprocess

    import psycopg

    from liftos.runtime.embedded import home, urls

    with psycopg.connect(urls(home()).owner_database_url) as connection:
        row = connection.execute("SELECT to_regclass('django_migrations')").fetchone()
    if row == (None,):
        sys.stderr.write("Making the tables of a new database ...\n")
        subprocess.run([sys.executable, __file__, "migrate", "--verbosity", "0"], check=True)


def run(arguments: list[str]) -> int:
    """Run a command of Django's; return the exit code."""
    from django.core.management import execute_from_command_line

    from liftos.runtime.environment import InvalidEnvironment

    try:
        execute_from_command_line([sys.argv[0], *arguments])
    except InvalidEnvironment as error:
        sys.stderr.writelines(f"error: {problem}\n" for problem in error.problems)
        return 1
    return 0


def main(arguments: list[str]) -> int:
    """Run the command; return the exit code."""
    from liftos.runtime.embedded import EmbeddedError, hold, home, supervise

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")
    if arguments[:1] == ["up"]:
        if len(arguments) > 1:
            sys.stderr.write(
                "error: up takes no arguments; LIFTOS_HOME, LIFTOS_PORT and LIFTOS_BIND steer it\n"
            )
            return 2
        return supervise(home())
    try:
        if needs_servers(arguments) and not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
            hold(home())
            migrate_if_new(arguments)
        return run(arguments)
    except EmbeddedError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
