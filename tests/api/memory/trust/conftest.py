"""Helpers for the tests of a memory's life."""

import json
from typing import Any

import pytest
from django.http import HttpResponse

from tests.factories.callers import Caller


class Life:
    """One caller's changes of memories."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def correct(self, memory: str, how: str, **body: Any) -> dict[str, Any]:
        response = self.caller.post(f"/api/v1/memories/{memory}/{how}", body)
        assert response.status_code in (200, 201), response.content
        return response.json()

    def patch(self, memory: str, tag: int | str | None, /, **body: Any) -> HttpResponse:
        headers = {"authorization": f"Bearer {self.caller.token}"}
        if tag is not None:
            headers["if-match"] = tag if isinstance(tag, str) else f'"{tag}"'
        return self.caller.client.patch(
            f"/api/v1/memories/{memory}", json.dumps(body), content_type="application/json", headers=headers
        )

    def history(self, memory: str) -> list[dict[str, Any]]:
        response = self.caller.get(f"/api/v1/memories/{memory}/history")
        assert response.status_code == 200, response.content
        return response.json()["results"]

    def erase(self, memory: str) -> dict[str, Any]:
        response = self.caller.delete(f"/api/v1/memories/{memory}")
        assert response.status_code == 200, response.content
        receipt = self.caller.get(f"/api/v1/erasures/{response.json()['erasure_id']}")
        assert receipt.status_code == 200, receipt.content
        return receipt.json()

    def found(self, query: str, **fields: Any) -> list[str]:
        return [hit["id"] for hit in self.caller.search(query, **fields)]


@pytest.fixture
def life(acme: Caller) -> Life:
    return Life(acme)
