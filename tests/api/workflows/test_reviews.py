"""Overturning the publication of a template takes it out of use."""

from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM
from tests.factories.callers import Caller
from tests.factories.flows import step

TEMPLATES = "/api/v1/workflows/templates"


def overturn(caller, template):
    _, token = create_api_key(organisation=caller.organisation, by=SYSTEM, name="reviewer")
    reviewer = Caller(caller.organisation, caller.slug, token, caller.client)
    listed = caller.get(f"/api/v1/decisions?operation=workflow.publish&subject_id={template}").json()[
        "results"
    ]
    answer = reviewer.post(
        f"/api/v1/decisions/{listed[-1]['id']}/reviews", {"verdict": "overturn", "reason": "nobody tried it"}
    )
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_the_template_is_retired(acme, flow):
    template = flow(step("a"))
    made = overturn(acme, template)
    assert (made["state"], made["reversal"]["operation"], made["reversal"]["changed"]) == (
        "overturned", "workflow.retire", 1,
    )  # fmt: skip
    assert acme.get(f"{TEMPLATES}/{template}").json()["retired_at"]
    assert acme.post("/api/v1/workflows/runs", {"template": template}).status_code == 409
    chain = acme.get(f"/api/v1/decisions/{made['id']}/chain").json()["results"]
    assert [each["decision"]["operation"] for each in chain] == [
        "workflow.publish", "decision.review", "workflow.retire",
    ]  # fmt: skip


def test_republished_template_is_left_alone(acme, flow):
    template = flow(step("a"))
    body = {"name": "flow", "steps": [step("b")]}
    headers = {"authorization": f"Bearer {acme.token}"}
    acme.client.put(f"{TEMPLATES}/{template}", body, content_type="application/json", headers=headers)
    assert acme.post(f"{TEMPLATES}/{template}/publish", {}).status_code == 200
    assert overturn(acme, template)["reversal"]["left_alone"] == 1
    assert acme.get(f"{TEMPLATES}/{template}").json()["retired_at"] is None
