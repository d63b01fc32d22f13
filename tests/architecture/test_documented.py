"""What operators and callers can use is written down."""

import re
from pathlib import Path

from django.core.management import get_commands

from tests.architecture.routes import routes

ROOT = Path(__file__).parent.parent.parent
NAME = re.compile(r"\b(?:LIFTOS_[A-Z_]+|DATABASE_URL|REDIS_URL)\b")
READS = re.compile(r"""(?:env(?:_flag|_list)?\(|environ(?:\.get\(|\[))\s*["']([A-Z_]+)["']""")
OURS = ("liftos", "memory", "spaces", "workflows", "accountability")


def test_every_setting_is_documented():
    documented = set(NAME.findall((ROOT / "docs" / "settings.md").read_text()))
    sources = [ROOT / "liftos" / "settings.py", *(ROOT / "liftos" / "embedded").glob("*.py")]
    read = {name for source in sources for name in READS.findall(source.read_text()) if NAME.fullmatch(name)}
    assert len(read) > 20
    assert sorted(read - documented) == []


def test_every_documented_setting_exists():
    text = "".join(
        path.read_text() for path in [ROOT / "liftos" / "settings.py", *(ROOT / "liftos").rglob("*.py")]
    )
    documented = set(NAME.findall((ROOT / "docs" / "settings.md").read_text()))
    assert sorted(name for name in documented if name not in text) == []


def test_every_command_is_documented():
    text = (ROOT / "docs" / "commands.md").read_text()
    ours = [name for name, app in get_commands().items() if app.split(".")[0] in OURS]
    assert len(ours) > 5
    assert sorted(name for name in ours if f"`{name}" not in text) == []


def test_every_route_is_documented():
    text = (ROOT / "docs" / "api.md").read_text()
    assert sorted(route for route in routes() if f"`{route}`" not in text) == []
