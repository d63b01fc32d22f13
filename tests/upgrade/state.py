"""A dump of an earlier state, restored and brought up to date, and what it answers now."""

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.http import HttpResponse
from django.test import Client, override_settings
from psycopg.conninfo import make_conninfo

from liftos.kernel.db.scratch import switch_database
from liftos.runtime.backup.dump import KEYS, bring_back
from liftos.runtime.backup.options import superuser_url

DATA = Path(__file__).parent.parent / "data" / "upgrade"


@dataclass(frozen=True)
class Upgraded:
    """
    Attributes:
        commit: the state's.
        kept: what callers and outsiders have from before: ids and API keys by name, proofs, checkpoints, an export.
        recorded: each question with the answer before the upgrade.
        answers: the answers after it, in the same order: status and JSON.
    """

    commit: str
    kept: dict[str, Any]
    recorded: list[dict[str, Any]]
    answers: list[tuple[int, Any]]
    client: Client

    @property
    def ids(self) -> dict[str, Any]:
        return self.kept["ids"]

    def ask(
        self, method: str, path: str, body: Any = None, *, key: str = "owner", **headers: str
    ) -> HttpResponse:
        return ask(self.client, self.kept["keys"][key], method, path, body, headers)

    def get(self, path: str, key: str = "owner") -> Any:
        answer = self.ask("GET", path, key=key)
        assert answer.status_code == 200, answer.content
        return answer.json()


def ask(
    client: Client, token: str, method: str, path: str, body: Any, headers: dict[str, str]
) -> HttpResponse:
    sent = {"authorization": f"Bearer {token}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    raw = b"" if body is None else json.dumps(body).encode()
    return client.generic(method, path, raw, content_type="application/json", headers=sent)


@contextmanager
def upgraded(state: str) -> Iterator[Upgraded]:
    """Restore a state's dump into a database of its own, migrate it as its operator would, and ask it what was asked before."""
    directory = DATA / state
    kept, recorded = (
        json.loads(gzip.decompress((directory / f"{name}.json.gz").read_bytes()))
        for name in ("kept", "answers")
    )
    client = Client(raise_request_exception=False)
    keys = directory / KEYS
    own = override_settings(
        LIFTOS_LEDGER_KEY_FILE=str(keys / "ledger_key"),
        LIFTOS_VALUE_KEY_FILE=str(keys / "value_key"),
        # the dump's Idempotency-Keys are as old as the dump
        LIFTOS_IDEMPOTENCY_HOURS=24 * 365 * 100,
    )
    with own, _restored(directory):
        call_command("migrate", verbosity=0)
        answers = []
        for each in recorded:
            answer = ask(client, kept["keys"][each["key"]], each["method"], each["path"], each["body"], {})
            answers.append((answer.status_code, json.loads(answer.content)))
        yield Upgraded(state, kept, recorded, answers, client)


@contextmanager
def _restored(directory: Path) -> Iterator[None]:
    name = f"liftos_upgrade_{directory.name}_{os.getpid()}"
    earlier = connections["owner"].settings_dict["NAME"]
    with connections["owner"].cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    try:
        switch_database(name)
        bring_back(url=make_conninfo(superuser_url(""), dbname=name), directory=directory)
        yield
    finally:
        switch_database(earlier)
        with connections["owner"].cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}"')
