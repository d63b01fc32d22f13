"""Everything that operators and callers can use is documented."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from liftos.dropins.views import DropInView
from liftos.kernel.http.views import CompatView, NativeView
from liftos.runtime.environment import Environment
from tests.architecture.routes import routes

ROOT = Path(__file__).parent.parent.parent
NAME = re.compile(r"\b(?:LIFTOS_[A-Z_]+|DATABASE_URL|REDIS_URL)\b")
READS = re.compile(r"""environ(?:\.get\(|\.setdefault\(|\[)\s*["']([A-Z_]+)["']""")
OURS = ("liftos", "memory", "spaces", "workflows", "accountability")


def test_every_setting_is_documented():
    documented = set(NAME.findall((ROOT / "docs" / "settings.md").read_text()))
    assert len(Environment.model_fields) > 90
    assert sorted(Environment.model_fields.keys() - documented) == []


def test_every_variable_that_is_read_is_validated():
    """`os.environ` is read beside the one place only before Django is there, and never for a name that place does not know."""
    sources = [path for app in OURS for path in (ROOT / app).rglob("*.py")] + [ROOT / "manage.py"]
    read = {name for source in sources for name in READS.findall(source.read_text()) if NAME.fullmatch(name)}
    assert {"LIFTOS_HOME", "DATABASE_URL"} <= read
    assert sorted(read - Environment.model_fields.keys()) == []


def test_every_documented_setting_exists():
    documented = set(NAME.findall((ROOT / "docs" / "settings.md").read_text())) - {"LIFTOS_SECRET_"}
    assert sorted(documented - Environment.model_fields.keys()) == []


def test_every_command_is_documented():
    text = (ROOT / "docs" / "commands.md").read_text()
    ours = [name for name, app in get_commands().items() if app.split(".")[0] in OURS]
    assert len(ours) > 5
    assert sorted(name for name in ours if f"`{name}" not in text) == []


@pytest.mark.parametrize(
    ("page", "base"), [("api.md", NativeView), ("compat.md", CompatView), ("dropins.md", DropInView)]
)
def test_every_route_is_documented(page, base):
    text, found = (ROOT / "docs" / page).read_text(), routes(base)
    assert len(found) > 20
    assert [route for route in found if f"`{route}`" not in text] == []


def test_every_route_is_native_or_compat_or_another_products():
    assert set(routes()) == {*routes(NativeView), *routes(CompatView), *routes(DropInView)}
