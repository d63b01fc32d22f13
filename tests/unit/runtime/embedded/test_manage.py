import subprocess
import sys

import pytest

import manage
from liftos.runtime.embedded.paths import REPOSITORY


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], False),
        (["help", "migrate"], False),
        (["migrate", "--help"], False),
        (["--version"], False),
        (["makemessages"], False),
        (["check"], False),
        (["check", "--deploy"], False),
        (["check", "--database", "default"], True),
        (["check", "--database=default"], True),
        (["migrate"], True),
        (["makemigrations", "--check"], True),
        (["anything_new"], True),
    ],
)
def test_only_commands_known_to_need_no_database_start_none(arguments, expected):
    assert manage.needs_servers(arguments) is expected


def test_importing_the_package_imports_no_django():
    code = "import liftos.runtime.embedded, sys; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0
