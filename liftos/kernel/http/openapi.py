"""The OpenAPI document: shapes from pydantic models, error responses added to every operation."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar

from django.core.exceptions import ImproperlyConfigured
from drf_spectacular.contrib.pydantic import PydanticExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from pydantic import BaseModel
from rest_framework.views import APIView

from liftos.kernel.http.strict import Declared

F = TypeVar("F", bound=Callable[..., Any])
V = TypeVar("V", bound=type[APIView])

IF_MATCH = "If-Match"
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 200},
    OpenApiParameter.HEADER,
    description="A repeated request with the same key gets the first one's answer.",
)
OLD_ROUTES = "seed contract"
"""The tag of the old platform's routes; generated clients are named after it."""


_claimed: dict[str, str] = {}


@cache
def _shapes_of(model: type[BaseModel], name: str) -> Mapping[str, str]:
    """Return the schemas, as JSON, of a model's component and of those within it, by component name."""
    schema = model.model_json_schema(mode="serialization")
    shapes = {**schema.pop("$defs", {}), name: schema}
    return {each: json.dumps(shape, sort_keys=True) for each, shape in shapes.items()}


class Shapes(PydanticExtension):
    """Names a model's component by its title if it has one, so that its class can be renamed."""

    priority = 1

    def get_name(self, auto_schema: AutoSchema, direction: str) -> str:
        """Return the component's name.

        Raises:
            ImproperlyConfigured: another model's component, or one within it, has the name; the document would give both the
                schema of the first.
        """
        name: str = super().get_name(auto_schema, direction)
        name = self.target.model_config.get("title") or name
        for each, shape in _shapes_of(self.target, name).items():
            if _claimed.setdefault(each, shape) != shape:
                raise ImproperlyConfigured(f"two models of the OpenAPI document are named {each}: rename one")
        return name


class Schema(AutoSchema):
    """Adds the common error responses to each operation."""

    ERRORS = {
        "401": "Missing or invalid credential",
        "403": "The credential does not permit this",
        "404": "Not found, or belongs to another organisation",
        "414": "The URL is too long",
        "422": "Invalid fields, each named",
        "429": "Rate limit exceeded; see Retry-After",
        "503": "A required service is unavailable; see Retry-After",
    }
    # of operations with a body
    SENT = {
        "400": "The body can't be read",
        "409": "Conflicts with the current state or a rejected value",
        "413": "The body is too large",
    }
    # of changes to a versioned resource
    OTHER_VERSION = {"412": "The resource is at another version"}
    NO_VERSION = {"428": "An If-Match header must name the version"}

    def get_tags(self) -> list[str]:
        """Return the native resource's name, another product's, or the tag of the old platform's routes."""
        tag = getattr(self.view, "tag", None)
        if tag:
            return [tag]
        parts = self.path.strip("/").split("/")
        return [parts[2]] if parts[:2] == ["api", "v1"] and len(parts) > 2 else [OLD_ROUTES]

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Return the accepted credentials."""
        return spectacular_settings.SECURITY if self.view.authentication_classes else []

    def get_request_serializer(self) -> Any:
        """Return None: operations without a decorator take no body."""

    def get_override_parameters(self) -> list[Any]:
        """Return the header of handlers that take an idempotency key themselves (`once`)."""
        handler = getattr(self.view, self.method.lower(), None)
        return [IDEMPOTENCY_KEY] if getattr(handler, "takes_idempotency_key", False) else []

    def map_parsers(self) -> list[str]:
        """Return the media type of bodies, which views parse without DRF's parsers."""
        return ["application/json"]

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the operation with its error responses."""
        operation = super().get_operation(*args, **kwargs)
        if operation is not None and getattr(self.view, "authentication_classes", None):
            errors = dict(self.ERRORS)
            headers = {
                each["name"]: each for each in operation.get("parameters", []) if each["in"] == "header"
            }
            if self.method != "GET":
                errors |= self.SENT
            if IF_MATCH in headers:
                errors |= self.OTHER_VERSION
                errors |= self.NO_VERSION if headers[IF_MATCH].get("required") else {}
            for status, description in sorted(errors.items()):
                operation["responses"].setdefault(status, {"description": description})
        return operation


_declared: dict[tuple[type[APIView], str], Declared] = {}


def declared(view: APIView, method: str) -> Declared:
    """Return the parameters and body that a view's method accepts, which are those it is `described` with.

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


def described(
    operation_id: str,
    *,
    query: type[BaseModel] | None = None,
    if_match: Literal["", "optional", "required"] = "",
    takes_key: bool = False,
    **more: Any,
) -> Callable[[F], F]:
    """Describe a view's method in the OpenAPI document, and declare what it accepts (`declared`).

    Args:
        operation_id: the operation's name in generated clients.
        query: a model whose fields are the query parameters.
        if_match: whether it takes the version of what it changes.
        takes_key: whether a method that it calls takes an idempotency key; that of a handler itself is found.
        more: other arguments of `extend_schema`, such as `request` and `responses`.
    """
    parameters = query_parameters(query) if query else []
    if if_match:
        parameters.append(_version_parameter(required=if_match == "required"))
    if takes_key:
        parameters.append(IDEMPOTENCY_KEY)
    return extend_schema(operation_id=operation_id, parameters=parameters, **more)


def _version_parameter(*, required: bool) -> OpenApiParameter:
    words = "The version to change, as in the answer's ETag, in double quotes."
    return OpenApiParameter(IF_MATCH, str, OpenApiParameter.HEADER, required=required, description=words)


def described_by_class(operation_id: str, *, method: str = "post", **more: Any) -> Callable[[V], V]:
    """Describe a method that a view inherits, for this view alone. See `described`."""
    return extend_schema_view(**{method: described(operation_id, **more)})


def query_parameters(model: type[BaseModel]) -> list[OpenApiParameter]:
    """Return a pydantic model's fields as query parameters."""
    schema = model.model_json_schema()
    required, definitions = schema.get("required", []), schema.get("$defs", {})
    return [
        OpenApiParameter(
            name,
            _parameter_schema(shape, definitions),
            OpenApiParameter.QUERY,
            required=name in required,
            description=shape.get("description", ""),
        )
        for name, shape in schema["properties"].items()
    ]


def _parameter_schema(shape: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a query parameter: absent where the field may be null, and with its definitions in place."""
    if "$ref" in shape:
        shape = {**definitions[shape["$ref"].rpartition("/")[2]], **shape}
    values = [each for each in shape.get("anyOf", []) if each.get("type") != "null"]
    own = {key: value for key, value in shape.items() if key not in {"title", "description", "$ref", "anyOf"}}
    if own.get("default", "") is None:
        del own["default"]
    values = [_parameter_schema(each, definitions) for each in values]
    if len(values) == 1:
        return {**values[0], **own}
    return {**own, "anyOf": values} if values else own
