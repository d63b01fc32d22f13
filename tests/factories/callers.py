"""A caller of the API: an organisation, its key, and Django's test client."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client


@dataclass(frozen=True)
class Caller:
    organisation: UUID
    slug: str
    token: str
    client: Client

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.client.get(path, headers={"authorization": f"Bearer {self.token}"} | headers)

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self.client.delete(path, headers={"authorization": f"Bearer {self.token}"} | headers)

    def post(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.send(path, json.dumps(body), "application/json", **headers)

    def put(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self._with_body(self.client.put, path, body, headers)

    def patch(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self._with_body(self.client.patch, path, body, headers)

    def _with_body(self, call: Any, path: str, body: Any, headers: dict[str, str]) -> HttpResponse:
        sent = {"authorization": f"Bearer {self.token}"} | headers
        return call(
            path, json.dumps(body) if body is not None else "", content_type="application/json", headers=sent
        )

    def send(self, path: str, raw: str | bytes, content_type: str, **headers: str) -> HttpResponse:
        sent = {"authorization": f"Bearer {self.token}"} | headers
        return self.client.post(path, raw, content_type=content_type, headers=sent)

    def store(self, content: str, **fields: Any) -> str:
        response = self.post("/api/v1/memories", {"content": content} | fields)
        assert response.status_code == 201, response.content
        return response.json()["id"]

    def search(self, query: str, **fields: Any) -> list[dict[str, Any]]:
        response = self.post("/api/v1/search", {"query": query} | fields)
        assert response.status_code == 200, response.content
        return response.json()["results"]

    def upload(
        self,
        content: bytes,
        name: str = "",
        media_type: str = "",
        *,
        query: str = "",
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> HttpResponse:
        """Send a document as multipart."""
        parts = {
            "file": SimpleUploadedFile(name or "file", content, media_type or "application/octet-stream")
        } | fields
        sent = {"authorization": f"Bearer {self.token}"} | (headers or {})
        return self.client.post(f"/api/v1/documents{query}", parts, headers=sent)
