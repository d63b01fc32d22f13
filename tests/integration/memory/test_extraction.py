"""The optional extractor, against a local server that speaks OpenAI's chat completions."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from memory.checks import check_extractor
from memory.conversations.extraction import work
from memory.models import ConversationTurn, Memory, MemoryLink
from memory.tasks import extract_from_turns

pytestmark = pytest.mark.enable_socket
TURNS = "/api/v1/conversations/call/turns"
SAID = [
    {"role": "user", "name": "Ada", "content": "We moved the launch to the fifth of May."},
    {"role": "assistant", "content": "Noted. Who tells the press?"},
    {"role": "user", "name": "Ada", "content": "Grace does."},
]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers), body))
        status, answer = self.server.answers.pop(0) if self.server.answers else (200, {"memories": []})
        content = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(
            json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()
        )

    def log_message(self, *_args):
        pass


@pytest.fixture
def model(settings):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.answers, server.requests = [], []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        settings.LIFTOS_EXTRACTOR_URL = f"http://127.0.0.1:{server.server_port}/v1"
        settings.LIFTOS_EXTRACTOR_MODEL, settings.LIFTOS_EXTRACTOR_API_KEY = "small", "hush"
        yield server
        server.shutdown()
        thread.join()


def run(caller):
    extract_from_turns(str(caller.organisation))


def extracted(caller):
    with tenant_transaction(caller.organisation):
        return list(Memory.objects.filter(memory_type="extracted").order_by("id"))


def waiting(caller):
    with tenant_transaction(caller.organisation):
        return ConversationTurn.objects.filter(waits=True).count()


def test_nothing_waits_while_it_is_off(acme):
    acme.post(TURNS, {"turns": SAID})
    assert waiting(acme) == 0
    assert work.configured_extractor() is None


def test_candidates_rest_on_the_turns_that_stay_as_they_were(acme, model):
    ids = acme.post(TURNS, {"turns": SAID}).json()["ids"]
    assert work.list_organisations_with_waiting_turns() == [acme.organisation]
    model.answers = [
        (
            200,
            {
                "memories": [
                    {"text": "The launch is on the fifth of May.", "turns": [0]},
                    {"text": "Grace tells the press.", "turns": [1, 2]},
                ]
            },
        )
    ]
    run(acme)
    path, headers, body = model.requests[0]
    assert (path, headers["Authorization"], body["model"]) == ("/v1/chat/completions", "Bearer hush", "small")
    assert [each["text"] for each in json.loads(body["messages"][1]["content"])] == [
        each["content"] for each in SAID
    ]
    first, second = extracted(acme)
    assert (first.content, first.state, first.metadata["extracted_by"]) == (
        "The launch is on the fifth of May.",
        "candidate",
        "small",
    )
    with tenant_transaction(acme.organisation):
        sources = MemoryLink.objects.filter(kind="derived_from", memory=second).values_list(
            "target_id", flat=True
        )
        assert sorted(map(str, sources)) == sorted(ids[1:])
    assert [each["content"] for each in acme.get(TURNS).json()["results"]] == [
        each["content"] for each in SAID
    ]
    assert all(hit["id"] != str(first.id) for hit in acme.search("when is the launch"))
    assert acme.post(f"/api/v1/memories/{first.id}/confirm", {"reason": "yes"}).status_code == 200
    assert any(hit["id"] == str(first.id) for hit in acme.search("when is the launch"))
    run(acme)
    assert (len(model.requests), waiting(acme)) == (1, 0)


def test_earlier_turns_are_context_and_carry_no_candidate(acme, model):
    acme.post(TURNS, {"turns": SAID[:2]})
    run(acme)
    acme.post(TURNS, SAID[2])
    model.answers = [
        (
            200,
            {
                "memories": [
                    {"text": "Old.", "turns": [0]},
                    {"text": "Grace tells the press.", "turns": [2, 0, 7]},
                ]
            },
        )
    ]
    run(acme)
    shown = json.loads(model.requests[1][2]["messages"][1]["content"])
    assert [each["new"] for each in shown] == [False, False, True]
    [only] = extracted(acme)
    assert only.content == "Grace tells the press."


def test_what_repeats_a_turn_or_says_nothing_is_dropped(acme, model):
    acme.post(TURNS, SAID[0])
    model.answers = [
        (
            200,
            '```json\n{"memories": [{"text": "we moved the launch to the fifth of may", "turns": [0]}, {"text": " ", "turns": [0]}]}\n```',
        )
    ]
    run(acme)
    assert (extracted(acme), waiting(acme)) == ([], 0)


BAD = {
    "error": (500, {}),
    "no json": (200, "I think"),
    "other shape": (200, {"facts": []}),
    "long": (200, {"memories": [{"text": "x" * 2_001, "turns": [0]}]}),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_answer_stores_nothing_and_turns_wait_for_a_later_attempt(acme, model, case):
    acme.post(TURNS, SAID[0])
    model.answers = [BAD[case]]
    run(acme)
    assert (extracted(acme), waiting(acme)) == ([], 1)
    run(acme)
    assert len(model.requests) == 1, "it waits before it is tried again"


def test_turns_are_given_up_after_five_attempts(acme, model):
    acme.post(TURNS, SAID[0])
    for _ in range(work.MAX_ATTEMPTS):
        with tenant_transaction(acme.organisation):
            ConversationTurn.objects.update(leased_until=None)
        model.answers = [(500, {})]
        run(acme)
    assert (len(model.requests), waiting(acme)) == (work.MAX_ATTEMPTS, 0)


def test_unreachable_endpoint_is_no_error_of_the_store(acme, settings):
    settings.LIFTOS_EXTRACTOR_URL, settings.LIFTOS_EXTRACTOR_MODEL = "http://127.0.0.1:9/v1", "small"
    assert acme.post(TURNS, SAID[0]).status_code == 201
    run(acme)
    assert waiting(acme) == 1


def test_settings_that_make_no_extractor_are_reported(settings):
    assert check_extractor(None) == []
    settings.LIFTOS_EXTRACTOR_URL = "ftp://x"
    assert [each.id for each in check_extractor(None)] == ["memory.E002"]
    settings.LIFTOS_EXTRACTOR_URL, settings.LIFTOS_EXTRACTOR_MODEL = "http://x", ""
    assert [each.id for each in check_extractor(None)] == ["memory.E002"]
