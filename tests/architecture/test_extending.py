"""The files and names that the documentation points at exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
TOP = "accountability|memory|spaces|workflows|liftos|tests|docs|deploy"
REFERENCE = re.compile(rf"`((?:{TOP})/[\w./-]*)(?::(\w+))?`")
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]*))?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_referenced_files_and_names_exist(page):
    missing = [
        f"{path}:{name}" if name else path
        for path, name in REFERENCE.findall(page.read_text())
        if not (ROOT / path).exists() or (name and name not in names(ROOT / path))
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_pages_and_headings(page):
    broken = []
    for path, heading in LINK.findall(page.read_text()):
        target = page.parent / path if path else page
        if not target.exists() or (heading and heading not in headings(target)):
            broken.append(f"{path}#{heading}")
    assert broken == []


def test_every_change_names_a_test_to_copy():
    _, *changes = (ROOT / "docs" / "extending.md").read_text().split("\n## ")
    assert len(changes) >= 10
    assert [each.split("\n")[0] for each in changes if "`tests/" not in each] == []


def names(path: Path) -> set[str]:
    """Return the names that a module defines at its top level."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    lines = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}
