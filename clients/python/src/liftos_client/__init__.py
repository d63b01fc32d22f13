"""Client of LiftOS Core.

from liftos_client import Client

with Client("http://localhost:8003", "liftos_…") as liftos:
liftos.remember("Rain lifts sales of boots within two days")
for hit in liftos.recall("what does wet weather do to shoe sales"):
print(hit.content)
"""

from liftos_client.clients import AsyncClient, Client
from liftos_client.errors import (
    Conflict,
    InvalidRequest,
    LiftosError,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    ServerError,
    TooManyRequests,
    Unreachable,
)
from liftos_client.fields import DecisionFields, LinkFields, MemoryChanges, MemoryFields, Narrow, SearchFields
from liftos_client.local import local
from liftos_client.models import (
    Decision,
    Event,
    Hit,
    Hits,
    LineResult,
    Link,
    Memory,
    Prompt,
    Recorded,
    Revised,
    Run,
    Stored,
)
from liftos_client.retries import Retries
from liftos_client.webhooks import InvalidSignature, verify_webhook

__all__ = [
    "AsyncClient",
    "Client",
    "Conflict",
    "Decision",
    "DecisionFields",
    "Event",
    "Hit",
    "Hits",
    "InvalidRequest",
    "InvalidSignature",
    "LiftosError",
    "LineResult",
    "Link",
    "LinkFields",
    "Memory",
    "MemoryChanges",
    "MemoryFields",
    "Narrow",
    "NotAuthenticated",
    "NotFound",
    "PermissionDenied",
    "PreconditionFailed",
    "Prompt",
    "Recorded",
    "Retries",
    "Revised",
    "Run",
    "SearchFields",
    "ServerError",
    "Stored",
    "TooManyRequests",
    "Unreachable",
    "local",
    "verify_webhook",
]
