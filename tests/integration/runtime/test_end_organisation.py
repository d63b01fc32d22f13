"""`manage.py end_organisation`."""

import base64
import json
from io import StringIO

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import CommandError, call_command
from psycopg import sql
from psycopg.conninfo import make_conninfo

from accountability.canonical import canonicalise
from accountability.ledger.signing import verifier
from liftos.runtime.backup.options import superuser_url
from liftos.runtime.ending.tables import tenant_tables
from tests.conftest import make_caller
from tests.factories.flows import registered_functions
from tests.security.world import make_world


def rows(url, organisation):
    """Return the number of an organisation's rows in every tenant table."""
    with psycopg.connect(url) as connection:
        counts = {}
        for table in tenant_tables(connection):
            query = sql.SQL("SELECT count(*) FROM {} WHERE organisation_id = %s").format(
                sql.Identifier(table)
            )
            counts[table] = connection.execute(query, [organisation]).fetchone()[0]
        named = connection.execute("SELECT count(*) FROM tenancy_organisation WHERE id = %s", [organisation])
        return counts | {"tenancy_organisation": named.fetchone()[0]}


def end(caller, url, directory, **options):
    out = StringIO()
    call_command(
        "end_organisation", caller.slug, export=directory, url=url, stdout=out, stderr=StringIO(), **options
    )
    return json.loads(out.getvalue())


@pytest.fixture
def url(committed_db):
    return make_conninfo(superuser_url(""), dbname=committed_db)


def test_everything_of_an_organisation_goes_and_nothing_of_another(url, tmp_path):
    acme, rival = make_caller("Acme"), make_caller("Rival")
    with registered_functions():
        world = make_world(acme)
        make_world(rival)
    before, theirs = rows(url, acme.organisation), rows(url, rival.organisation)
    assert sum(count > 0 for count in before.values()) > 30
    with pytest.raises(CommandError, match="--yes"):
        end(acme, url, tmp_path / "out")
    with pytest.raises(CommandError, match="court"):
        end(acme, url, tmp_path / "out", yes=True)
    assert rows(url, acme.organisation) == before
    assert acme.delete(f"/api/v1/retention/holds/{world.hold}").status_code == 200

    receipt = end(acme, url, tmp_path / "out", yes=True)
    assert {table: count for table, count in rows(url, acme.organisation).items() if count} == {}
    assert rows(url, rival.organisation) == theirs
    assert acme.get("/api/v1/memories").status_code == 401
    assert rival.get("/api/v1/memories").status_code == 200
    assert receipt["removed"]["memory_memory"] == before["memory_memory"]
    assert receipt["files_left"] == []

    signed = {name: value for name, value in receipt.items() if name not in ("signature", "key")}
    key = Ed25519PublicKey.from_public_bytes(verifier().public_key)
    key.verify(base64.b64decode(receipt["signature"]), canonicalise(signed))
    assert json.loads((tmp_path / "out" / "receipt.json").read_text()) == receipt
    exported = (tmp_path / "out" / "memories.jsonl").read_text().splitlines()
    assert world.memory in {json.loads(line).get("id") for line in exported}
    assert {"decisions.jsonl", "memories.jsonl", "tables/workflows_run.jsonl"} <= set(receipt["exported"])
    assert "secret_hash" not in (tmp_path / "out" / "tables" / "tenancy_apikey.jsonl").read_text()


def test_a_directory_with_files_is_refused(url, tmp_path):
    acme = make_caller("Acme")
    (tmp_path / "file").write_text("x")
    with pytest.raises(CommandError, match="not empty"):
        end(acme, url, tmp_path, yes=True)
    assert acme.get("/api/v1/memories").status_code == 200


def test_an_unknown_organisation_is_refused(url, tmp_path):
    with pytest.raises(CommandError, match="nobody"):
        call_command("end_organisation", "nobody", export=tmp_path / "out", yes=True, url=url)
