"""Secrets are named in templates, kept by the operator, sent, and never shown."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.contrib.auth.models import User

from accountability.models import DecisionPayload
from liftos.kernel.db.transactions import tenant_transaction
from tests.factories.flows import registered_functions, step
from workflows.checks import secrets_are_usable
from workflows.models import Step, Template, TemplateVersion, Transition
from workflows.publishing.credentials import MASK, is_literal
from workflows.secrets import Revealer, find_secret

SECRET, OWN = "s3cr3t/value+of=crm", "the-own-secret-of-acme"
TEMPLATES, RUNS = "/api/v1/workflows/templates", "/api/v1/workflows/runs"


@pytest.fixture(autouse=True)
def calls():
    with registered_functions() as made:
        yield made


@pytest.fixture
def keep(settings, tmp_path):
    """A function that writes secrets into the operator's file."""
    file = tmp_path / "secrets.json"
    settings.LIFTOS_WORKFLOW_SECRETS_FILE = str(file)

    def write(mode=0o600, **secrets):
        file.write_text(json.dumps(secrets))
        file.chmod(mode)
        return file

    return write


@pytest.fixture
def server(settings):
    """A service that answers with the headers it was sent, in several forms."""
    seen = []

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(dict(self.headers))
            given = self.headers.get("Authorization", "")
            bare = given.removeprefix("Bearer ")
            body = json.dumps(
                {"plain": given, "encoded": base64.b64encode(bare.encode()).decode(), bare: [bare]}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("ETag", bare)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    settings.LIFTOS_HTTP_PRIVATE_HOSTS = [f"127.0.0.1:{made.server_port}"]
    made.seen, made.url = seen, f"http://127.0.0.1:{made.server_port}/"
    yield made
    made.shutdown()
    thread.join()


def asks(url, value="Bearer {secret:crm}", header="Authorization"):
    return step("call", "http.request", arguments={"url": url, "headers": {header: value}})


def save(caller, *steps, name="flow", **fields):
    return caller.post(TEMPLATES, {"name": name, "steps": list(steps)} | fields)


def run(caller, *steps, given=None, **fields):
    made = save(caller, *steps, **fields)
    assert made.status_code == 201, made.content
    assert caller.post(f"{TEMPLATES}/{made.json()['id']}/publish", {}).status_code == 200
    response = caller.post(RUNS, {"template": "flow", "wait": True, "parameters": given or {}})
    assert response.status_code == 201, response.content
    return response


def test_secret_is_sent_and_never_stored(acme, keep, server):
    keep(crm=SECRET)
    response = run(acme, asks(server.url))
    assert [each["Authorization"] for each in server.seen] == [f"Bearer {SECRET}"]
    (call,) = response.json()["steps"]
    assert call["status"] == "done"
    assert call["result"]["json"] == {
        "plain": "Bearer {secret:crm}", "encoded": "{secret:crm}", "{secret:crm}": ["{secret:crm}"],
    }  # fmt: skip
    shown = response.content.decode() + acme.get(TEMPLATES).content.decode()
    with tenant_transaction(acme.organisation):
        for model in (Step, Transition, Template, TemplateVersion, DecisionPayload):
            shown += str(list(model.objects.values()))
    assert SECRET not in shown
    assert base64.b64encode(SECRET.encode()).decode() not in shown


def test_organisations_own_secret_takes_precedence(acme, rival, keep, monkeypatch):
    monkeypatch.setenv("LIFTOS_SECRET_CRM", "from-the-environment")
    monkeypatch.setenv("LIFTOS_SECRET_MAIL_BOX", "mail-of-the-environment")
    keep(**{"acme/crm": OWN})
    assert find_secret("acme", "crm").value == OWN
    assert find_secret("rival", "crm").value == "from-the-environment"
    assert find_secret("rival", "mail-box").value == "mail-of-the-environment"
    assert OWN not in repr(find_secret("acme", "crm"))


def test_the_installations_own_key_is_no_secret_for_templates(acme, monkeypatch):
    monkeypatch.setenv("LIFTOS_SECRET_KEY", "the key that signs sessions")
    assert find_secret("acme", "key") is None
    assert find_secret("acme", "KEY") is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"headers": {"Authorization": "Bearer {secret:none}"}}, "There is no secret none"),
        ({"headers": {"Authorization": "Bearer abcdef"}}, "{secret:NAME}"),
        ({"headers": {"x-api-key": "abcdef"}}, "{secret:NAME}"),
        ({"headers": {"COOKIE": "session=abc"}}, "{secret:NAME}"),
        ({"headers": {"X-Auth-Token": "{token}"}}, "{secret:NAME}"),
        ({"headers": {"Authorization": "Bearer abcdef {secret:crm}"}}, "{secret:NAME}"),
        ({"text": "{secret:crm}", "method": "POST"}, "can't be used here"),
        ({"url": "http://a.example/{secret:crm}"}, "can't be used here"),
    ],
)
def test_invalid_secret_references_are_refused_on_save(acme, keep, arguments, told):
    keep(crm=SECRET)
    parameters = {"type": "object", "properties": {"token": {"type": "string"}}, "required": ["token"]}
    whole = {"url": "http://a.example/"} | arguments
    refused = save(acme, step("call", "http.request", arguments=whole), parameters=parameters)
    assert refused.status_code == 422, refused.content
    assert told in refused.content.decode()
    assert "abcdef" not in refused.content.decode()
    with tenant_transaction(acme.organisation):
        assert not Template.objects.exists()


def test_a_secret_of_another_function_is_refused(acme, keep):
    keep(crm=SECRET)
    refused = save(acme, step("a", arguments={"value": "{secret:crm}"}))
    assert (refused.status_code, "can't be used here" in refused.content.decode()) == (422, True)


def test_parameters_cannot_name_secrets(acme, keep, server):
    keep(crm=SECRET)
    parameters = {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]}
    run(acme, asks(server.url, "{note}", "X-Note"), given={"note": "{secret:crm}"}, parameters=parameters)
    assert [each["X-Note"] for each in server.seen] == ["{secret:crm}"]


def test_a_secret_goes_to_its_hosts_alone(acme, keep, server):
    keep(crm={"value": SECRET, "hosts": ["api.crm.example"]})
    (call,) = run(acme, asks(server.url)).json()["steps"]
    assert (call["status"], call["error"]["code"]) == ("failed", "workflows.secret_not_for_host")
    assert server.seen == []


def test_missing_secret_fails_the_step_by_name(acme, keep, server):
    keep(crm=SECRET)
    made = save(acme, asks(server.url)).json()["id"]
    acme.post(f"{TEMPLATES}/{made}/publish", {})
    keep(other=SECRET)
    (call,) = acme.post(RUNS, {"template": "flow", "wait": True}).json()["steps"]
    assert call["error"] == {
        "type": "SecretUnknown", "code": "workflows.secret_unknown", "message": "There is no secret crm.",
    }  # fmt: skip


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_may_read_is_not_used(acme, keep, mode):
    keep(mode, crm=SECRET)
    assert [each.id for each in secrets_are_usable(None)] == ["workflows.E002"]
    refused = save(acme, asks("http://a.example/"))
    assert (refused.status_code, refused.json()["code"]) == (503, "workflows.secrets_unusable")


def test_errors_do_not_reveal_secrets(keep):
    keep(crm=SECRET)
    revealer = Revealer("acme")
    marked = revealer.mark({"Authorization": "Bearer {secret:crm}"})
    assert revealer.reveal(marked["Authorization"], host="a.example") == f"Bearer {SECRET}"
    assert revealer.reveal("~forged:crm~ {secret:crm}", host="a.example") == "~forged:crm~ {secret:crm}"
    error = revealer.mask_error(OSError(f"could not send {SECRET}"))
    assert str(error) == "could not send {secret:crm}"


def test_credentials_that_were_published_before_are_masked(acme, client):
    made = save(acme, step("call", "http.request", arguments={"url": "http://a.example/"})).json()["id"]
    literal = {
        "url": "http://a.example/",
        "headers": {"Authorization": "Bearer old-literal", "Accept": "text/csv"},
    }
    with tenant_transaction(acme.organisation):
        version = TemplateVersion.objects.get(template_id=made)
        version.payload["steps"][0]["arguments"] = literal
        version.definition["steps"][0]["arguments"] = literal
        version.save()
    body = acme.get(f"{TEMPLATES}/{made}")
    assert "old-literal" not in body.content.decode()
    headers = body.json()["versions"][0]["definition"]["steps"][0]["arguments"]["headers"]
    assert headers == {"Authorization": MASK, "Accept": "text/csv"}
    client.force_login(User.objects.create_superuser("root"))
    page = client.get(f"/admin/workflows/template/{made}/change/").content.decode()
    assert "text/csv" in page
    assert "old-literal" not in page


@pytest.mark.parametrize(
    ("name", "value", "literal"),
    [
        ("Authorization", "Bearer {secret:crm}", False),
        ("Authorization", "{secret:crm}", False),
        ("Cookie", "session={secret:crm}; other={secret:mail}", False),
        ("Authorization", "Basic dXNlcjpwYXNzd29yZA== {secret:crm}", True),
        ("Authorization", "Bearer {{secret:crm}}", True),
        ("X-Session-Token", "abc", True),
        ("apikey", "abc", True),
        ("Accept", "text/csv", False),
        ("X-Author", "ann", False),
    ],
)
def test_headers_that_count_as_credentials(name, value, literal):
    assert is_literal(name, value) is literal
