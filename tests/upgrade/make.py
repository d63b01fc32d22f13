"""Make the populated dump of a state of the product, and what that state answers.

    git worktree add /tmp/state a8766e9
    python3.11 -m venv /tmp/state/.venv
    /tmp/state/.venv/bin/pip install -r /tmp/state/deploy/requirements/dev.txt
    python -m tests.upgrade.make /tmp/state tests/data/upgrade/a8766e9

It runs the state's own programs in a home of their own: everything while it is populated, then the web process alone, so that some
work is left unfinished. The dump is made before the questions are asked. Secrets in it are of this dump alone.
"""

import argparse
import gzip
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.upgrade.populate import leave_work, make_callers, populate
from tests.upgrade.product import Product
from tests.upgrade.questions import questions

# where a state keeps its web process' settings
SETTINGS = (
    ("liftos/runtime/web/gunicorn_conf.py", "liftos.runtime.web.gunicorn_conf", "liftos.asgi:application"),
    ("liftos/embedded/gunicorn_conf.py", "liftos.embedded.gunicorn_conf", "liftos.wsgi:application"),
)
SETTLE_SECONDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path, help="the state, with its own .venv")
    parser.add_argument("output", type=Path, help="where the dump and the answers go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="upgrade-") as directory:
        # the embedded servers run as an ordinary user, who must get there
        Path(directory).chmod(0o755)
        product = Product(options.checkout.resolve(), Path(directory) / "home")
        kept, answers = make(product, Path(directory) / "backup")
        shutil.rmtree(options.output, ignore_errors=True)
        shutil.copytree(Path(directory) / "backup", options.output)
    for name, value in (("kept", kept), ("answers", answers)):
        raw = json.dumps(value, ensure_ascii=False, indent=1).encode()
        (options.output / f"{name}.json.gz").write_bytes(gzip.compress(raw, 9, mtime=0))


def make(product: Product, backup: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Fill the product and write its backup; return what an outsider and its callers kept, and what it answers."""
    with product.running("manage.py", "up"):
        make_callers(product)
        ids = populate(product)
        # the sequencer, the sweep and the keeper of traces have their turns
        time.sleep(SETTLE_SECONDS)
        kept = _kept_outside(product, ids)
    settings, application = next(names for path, *names in SETTINGS if (product.checkout / path).exists())
    web = ("-m", "gunicorn", "-c", f"python:{settings}", application)
    with product.servers(), product.running(*web):
        leave_work(product, ids)
        product.manage("backup", str(backup), "--with-keys")
        answers = []
        for question in questions(ids):
            answer = product.ask(question.method, question.path, question.body, key=question.key)
            assert answer.status < 500, (question, answer)
            answers.append(vars(question) | {"status": answer.status, "answer": answer.body})
    return kept | {"ids": ids, "keys": product.keys}, answers


def _kept_outside(product: Product, ids: dict[str, Any]) -> dict[str, Any]:
    head = product.do("GET", "/api/v1/ledger/checkpoint")
    proofs = [
        product.do("GET", f"/api/v1/decisions/{ids[name]}/proof?disclose=true")
        for name in ("decision-first", "decision-second", "decision-overturned")
    ]
    answer = product.ask("POST", "/api/v1/search", {"query": "boots"}, key="owner")
    ids["trace"] = answer.headers["x-trace-id"]
    time.sleep(3)
    product.do("GET", f"/api/v1/traces/{ids['trace']}")
    exported = product.ask("GET", "/api/v1/decisions/export", key="owner").text
    published = product.home.with_name("checkpoints").read_text()
    return {"checkpoint": head, "proofs": proofs, "export": exported, "published": published}


if __name__ == "__main__":
    main()
