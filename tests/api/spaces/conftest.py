"""Spaces and members by way of the API."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.factories.callers import Caller

PRICE = {"name": "price", "low": ["cheap", "low price"], "high": ["expensive", "high price"]}
FEEL = {"name": "feel", "low": ["shoddy, poor quality"], "high": ["premium feel, high quality"]}
COST = {"name": "cost", "field": "cost", "range": [0, 100], "unit": "euro"}
REACH = {"name": "reach", "field": "reach", "range": [1, 1000], "scale": "log"}


@dataclass
class Spaces:
    caller: Caller

    def make(self, *dimensions: Any, name: str = "offers", **fields: Any) -> str:
        body = {"name": name, "dimensions": list(dimensions) or [PRICE, FEEL], **fields}
        response = self.caller.post("/api/v1/spaces", body)
        assert response.status_code == 201, response.content
        return response.json()["id"]

    def add(self, space: str, content: str, coordinates: Any = None, **fields: Any) -> str:
        memory = self.caller.store(content, **fields)
        self.member(space, memory, coordinates)
        return memory

    def member(self, space: str, memory: str, coordinates: Any = None) -> dict[str, Any]:
        body = {"memory_id": memory} | ({"coordinates": coordinates} if coordinates is not None else {})
        response = self.caller.post(f"/api/v1/spaces/{space}/members", body)
        assert response.status_code in {200, 201}, response.content
        return response.json()

    def get(self, space: str, what: str = "", **query: Any) -> Any:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        response = self.caller.get(f"/api/v1/spaces/{space}{what}" + (f"?{asked}" if asked else ""))
        assert response.status_code == 200, response.content
        return response.json()

    def positions(self, space: str, **query: Any) -> dict[str, dict[str, Any]]:
        return {
            each["memory_id"]: each["coordinates"]
            for each in self.get(space, "/positions", **query)["results"]
        }

    def put(self, space: str, *dimensions: Any) -> dict[str, Any]:
        path = f"/api/v1/spaces/{space}/dimensions"
        response = self.caller.client.put(
            path,
            json.dumps({"dimensions": list(dimensions)}),
            content_type="application/json",
            headers={"authorization": f"Bearer {self.caller.token}"},
        )
        assert response.status_code == 200, response.content
        return response.json()

    def search(self, query: str = "", **fields: Any) -> list[str]:
        return [hit["id"] for hit in self.caller.search(query, **{"search_type": "conceptual", **fields})]


@pytest.fixture
def spaces(acme) -> Spaces:
    return Spaces(acme)
