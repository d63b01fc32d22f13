"""OpenAPI: pydantic models as the shapes, every error documented once."""

from typing import Any

from drf_spectacular.contrib.pydantic import PydanticExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import OpenApiParameter
from pydantic import BaseModel
from rest_framework.views import APIView

from liftos.kernel.http.strict import Declared

OLD_ROUTES = "seed contract"
"""The tag of the old platform's routes; clients that were generated from the document are named after it."""


class Shapes(PydanticExtension):
    """Names a shape's component by its title, if it was given one: so it may be renamed in the code alone."""

    priority = 1

    def get_name(self, auto_schema: AutoSchema, direction: str) -> str:
        """Return the component's name."""
        name: str = super().get_name(auto_schema, direction)
        return self.target.model_config.get("title") or name


class Schema(AutoSchema):
    """Adds to each operation the error answers that every route gives."""

    ERRORS = {
        "401": "No usable credential",
        "403": "This credential may not do that",
        "404": "There is no such thing, or it is another organisation's",
        "414": "The address is too long",
        "422": "A field at fault, named",
        "429": "More requests than are allowed; Retry-After says when again",
        "503": "A part this needs is away; Retry-After says when again",
    }
    # where a body is sent, where a version is changed
    SENT = {
        "400": "The body can't be read",
        "409": "What is there already, or was rejected, does not allow it",
        "413": "The body is too large",
    }
    CHANGED = {"412": "It is at another version", "428": "An If-Match header must name the version"}

    def get_tags(self) -> list[str]:
        """Group operations: the old platform's routes, and each native resource."""
        parts = self.path.strip("/").split("/")
        return [parts[2]] if parts[:2] == ["api", "v1"] and len(parts) > 2 else [OLD_ROUTES]

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Return the credentials that open a route."""
        return spectacular_settings.SECURITY if self.view.authentication_classes else []

    def get_request_serializer(self) -> Any:
        """Return the body's shape where no decorator names one: there is no body."""

    def map_parsers(self) -> list[str]:
        """Return the media type of bodies: views read them themselves, without DRF's parsers."""
        return ["application/json"]

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the operation with its error answers."""
        operation = super().get_operation(*args, **kwargs)
        if operation is not None and getattr(self.view, "authentication_classes", None):
            errors = dict(self.ERRORS)
            if "{" in self.path:
                errors |= self.CHANGED if self.method != "GET" else {}
            if self.method != "GET":
                errors |= self.SENT
            for status, description in sorted(errors.items()):
                operation["responses"].setdefault(status, {"description": description})
        return operation


_declared: dict[tuple[type[APIView], str], Declared] = {}


def declared(view: APIView, method: str) -> Declared:
    """Return what a view's method documents that it takes (`extend_schema`); what it does not document, it does not take.

    Args:
        view: set up for a request.
        method: `get`, `post`, …; `head` is a get.
    """
    name = "get" if method == "head" else method
    found = _declared.get((type(view), name))
    if found is None:
        documented = getattr(getattr(view, name), "kwargs", {}).get("schema")
        found = Declared((), None)
        if documented is not None:
            schema = documented()
            schema.view, schema.method = view, name.upper()
            parameters = schema.get_override_parameters()
            names = tuple(each.name for each in parameters if each.location == OpenApiParameter.QUERY)
            found = Declared(names, schema.get_request_serializer())
        _declared[type(view), name] = found
    return found


def query_parameters(model: type[BaseModel]) -> list[OpenApiParameter]:
    """Return a pydantic model's fields as query parameters."""
    properties = model.model_json_schema()["properties"]
    required = model.model_json_schema().get("required", [])
    return [
        OpenApiParameter(
            name,
            _plain_type(shape),
            OpenApiParameter.QUERY,
            required=name in required,
            default=shape.get("default"),
        )
        for name, shape in properties.items()
    ]


def _plain_type(shape: dict[str, Any]) -> type:
    return {"integer": int, "number": float, "boolean": bool}.get(shape.get("type", "string"), str)
