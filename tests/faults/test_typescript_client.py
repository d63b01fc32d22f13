"""The TypeScript client, built from the service's own document, installed as a package, and used against the service."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faults.service import ROOT, Service

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not shutil.which("npm"), reason="needs Node and npm"),
]

CONSUMER = """
import { Client, type Hit } from "liftos-client";

export async function best(client: Client): Promise<string | undefined> {
  const hits: Hit[] = await client.recall("rain", { limit: 1 });
  // @ts-expect-error: not a field of a hit
  hits[0]?.contents;
  // @ts-expect-error: a limit is a number
  await client.recall("rain", { limit: "1" });
  const content = hits[0]?.content;
  // a memory stored as an object is answered as one
  return typeof content === "string" ? content : undefined;
}
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABASE_URL", "REDIS_URL"):
            patch.delenv(name, raising=False)
        made = Service(tmp_path_factory.mktemp("service") / "home")
        made.web = made.start_web()
        # its relay orders the events that a stream sends
        made.start_worker()
        yield made
        made.close()


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_built_packed_and_installed_client_works_against_the_service(service, tmp_path):
    package, consumer = tmp_path / "package", tmp_path / "consumer"
    ignored = shutil.ignore_patterns("node_modules", "dist", "build", "schema.ts")
    shutil.copytree(ROOT / "clients" / "typescript", package, ignore=ignored)
    document = tmp_path / "openapi.json"
    document.write_text(service.manage("spectacular", "--format", "openapi-json"), encoding="utf-8")
    address = f"http://127.0.0.1:{service.port}"

    run("npm", "ci", "--no-audit", "--no-fund", cwd=package)
    run("npm", "run", "generate", cwd=package, OPENAPI=str(document))
    run("npm", "run", "build", cwd=package)
    tested = run("npm", "test", cwd=package, LIFTOS_URL=address, LIFTOS_KEY=service.key)
    assert "# fail 0" in tested
    assert "# skipped 0" in tested

    packed = run("npm", "pack", "--silent", cwd=package).strip()
    consumer.mkdir()
    (consumer / "package.json").write_text('{"type": "module", "private": true}')
    run("npm", "install", "--no-audit", "--no-fund", str(package / packed), cwd=consumer)
    use = "new Client(process.env.URL, process.env.KEY).get('x').catch((error) => console.log(error.status))"
    for imports in ("import { Client } from 'liftos-client'", "const { Client } = require('liftos-client')"):
        script = consumer / ("used.mjs" if imports.startswith("import") else "used.cjs")
        script.write_text(f"{imports};\n{use};\n")
        assert run("node", script.name, cwd=consumer, URL=address, KEY=service.key) == "404\n"
    (consumer / "used.ts").write_text(CONSUMER)
    compiler = package / "node_modules" / "typescript" / "bin" / "tsc"
    options = ("--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--skipLibCheck")
    run("node", str(compiler), *options, "used.ts", cwd=consumer)
