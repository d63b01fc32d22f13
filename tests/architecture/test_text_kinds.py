"""Every caller of the embedding manager says whether its texts are queries or documents."""

import ast

from liftos.runtime.embedded.paths import REPOSITORY

# embedders and their measurements call models, not the manager
APART = ("liftos/kernel/embedding/", "liftos/bench/")


def test_callers_of_the_manager_name_the_kind():
    seen, silent = 0, []
    for app in ("liftos", "accountability", "memory", "spaces", "workflows"):
        for path in sorted((REPOSITORY / app).rglob("*.py")):
            name = path.relative_to(REPOSITORY).as_posix()
            if name.startswith(APART):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in {"embed", "embed_many"}
                ):
                    seen += 1
                    if "kind" not in {each.arg for each in node.keywords}:
                        silent.append(f"{name}:{node.lineno}")
    assert silent == []
    assert seen > 8
