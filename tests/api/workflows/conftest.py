import pytest

from tests.factories.flows import registered_functions, step


@pytest.fixture
def calls():
    with registered_functions() as made:
        yield made


@pytest.fixture
def flow(acme, calls):
    """A function that publishes a template of some steps for Acme and returns its id."""

    def make(*steps, name="flow", **fields):
        made = acme.post(
            "/api/v1/workflows/templates", {"name": name, "steps": list(steps) or [step("a")]} | fields
        )
        assert made.status_code == 201, made.content
        published = acme.post(f"/api/v1/workflows/templates/{made.json()['id']}/publish", {})
        assert published.status_code == 200, published.content
        return made.json()["id"]

    return make


@pytest.fixture
def run(acme, flow):
    """A function that runs some steps to their end and returns the run."""

    def carry_out(*steps, wait=True, **fields):
        flow(*steps, **fields)
        response = acme.post("/api/v1/workflows/runs", {"template": "flow", "wait": wait})
        assert response.status_code == 201, response.content
        return response.json()

    return carry_out
