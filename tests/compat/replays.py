"""All replays against one product, each program in its own organisation."""

import secrets

from tests.compat import client_calls
from tests.compat.gateway import gateway, make_token
from tests.compat.service_calls import call_every_route
from tests.compat.session import Outcome, Session

CLIENTS = {
    "cross-service script": client_calls.cross_service_script,
    "Streamlit client": client_calls.streamlit_client,
    "UI shell": client_calls.ui_shell,
    "feedback and intelligence services": client_calls.feedback_and_intelligence,
    "causal and evaluation modules": client_calls.modules_with_memories,
    "data ingestion service": client_calls.marketing,
    "what is not served yet": client_calls.not_served_yet,
}


def replay_all(url: str, default_org: str) -> list[Outcome]:
    """Send every call of every program that needs no checkout; return the results.

    Args:
        url: of a product that trusts this machine's headers, creates organisations, and has a default organisation.
        default_org: its slug.
    """
    run = secrets.token_hex(3)
    sessions = [behind_the_gateway(url, f"compat-gateway-{run}")]
    direct = Session("the service's own routes", url, f"compat-direct-{run}", context(f"compat-direct-{run}"))
    call_every_route(direct)
    sessions.append(direct)
    for number, (program, calls) in enumerate(CLIENTS.items()):
        org = f"compat-{number}-{run}"
        session = Session(program, url, org, context(org))
        calls(session)
        sessions.append(session)
    load = Session("load test", url, default_org, {})
    client_calls.load_test(load)
    return [outcome for session in [*sessions, load] for outcome in session.outcomes]


def behind_the_gateway(url: str, org: str) -> Session:
    """Send the 18 calls with a JWT through the stand-in gateway, then one that names an organisation itself."""
    with gateway(url) as outside:
        session = Session(
            "behind the old gateway", outside, org, {"authorization": f"Bearer {make_token(org)}"}
        )
        call_every_route(session)
        # the original's gateway let a caller name another organisation beside its own
        session.ask("GET", "/insights", status=400, shape={"detail": str}, x_org_id="another")
    return session


def context(org: str) -> dict[str, str]:
    """Return the context headers of the original's services."""
    return {
        "x-user-id": "u1",
        "x-org-id": org,
        "x-memory-context": f"org_{org}_context",
        "x-user-roles": "admin,analyst",
    }
