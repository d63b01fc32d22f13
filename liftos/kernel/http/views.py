"""Base classes of API views, compat and native, and a view that dispatches by method."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, TypedDict, TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from liftos.kernel.db.viewers import set_viewer
from liftos.kernel.errors import PermissionDenied, TooLarge
from liftos.kernel.http import quota_headers
from liftos.kernel.http.limits import Window, count_request
from liftos.kernel.http.openapi import declared
from liftos.kernel.http.parsing import WITHHELD, InvalidRequest, read_json, validate
from liftos.kernel.http.preconditions import is_held
from liftos.kernel.http.screening import screen_request
from liftos.kernel.http.strict import Declared, Item, is_strict, surplus_body, unknown_parameters
from liftos.kernel.telemetry.tracing.context import current_context
from liftos.kernel.tenancy.keys import expires_soon
from liftos.kernel.tenancy.types import Actor, Principal, Scope

Model = TypeVar("Model", bound=BaseModel)


class Caller(TypedDict):
    """The tenant and the actor of a request, as operations take them: `change(**self.caller, …)`."""

    organisation: UUID
    by: Actor


# default cost of a costly request
COSTLY = 10


class LiftosView(APIView):
    """Checks method, JSON syntax, credential and scope, in this order, before calling the handler.

    The order is the contract's: malformed JSON is 422 even without a credential, then 401, then 422 for invalid fields.

    Attributes:
        scopes: required scope by method; methods that are not listed require none.
        reads_json: whether bodies are JSON documents (bulk routes read lines instead).
        large_json: whether bodies may have LIFTOS_MAX_BATCH_VALUES values (their paths are in `BATCH_PATHS`).
        costly: whether requests take long; the web server runs few of them at once, and they pause at
            checkpoints while small requests run (`liftos.kernel.precedence`).
        shared_by: the views of a path by method (`by_method`).
        screened: the fields of bodies in which secrets are looked for, where the operation screens the others or only compares them;
            None for all.
    """

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    scopes: ClassVar[dict[str, Scope]] = {}
    reads_json: ClassVar[bool] = True
    large_json: ClassVar[bool] = False
    costly: ClassVar[bool] = False
    shared_by: ClassVar[Mapping[str, type["LiftosView"]]] = {}
    screened: ClassVar[frozenset[str] | None] = None
    json: Any = None
    window: Window | None = None
    key_expires_at: datetime | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Run the checks."""
        method = (request.method or "").lower()
        if method not in self.http_method_names or not hasattr(self, method):
            self.http_method_not_allowed(request)
        withheld = WITHHELD in request._request.META
        if self.reads_json and request.method in {"POST", "PUT", "PATCH", "DELETE"} and not withheld:
            most = settings.LIFTOS_MAX_BATCH_VALUES if self.large_json else None
            self.json = read_json(request._request, most=most)
        super().initial(request, *args, **kwargs)
        if withheld:
            raise TooLarge
        quota_headers.begin()
        if isinstance(request.user, Principal):
            set_viewer(request.user.viewer)
            self.key_expires_at = request.user.expires_at
            self.window = count_request(request.user, max(1, self.cost()))
        scope = self.scopes.get("GET" if method == "head" else method.upper())
        if scope is not None and not self.principal.may(scope):
            raise PermissionDenied(f"This requires the scope {scope}.")

    def screen(self) -> None:
        """Look for secrets in what the request leaves behind, by the organisation's policy.

        Raises:
            LiftosError: it is refused.
        """
        method = (self.request.method or "").upper()
        scope = self.scopes.get("GET" if method == "HEAD" else method)
        if scope is not None:
            self.json = screen_request(
                self.request._request,
                self.principal,
                self.json,
                stores=not scope.endswith(":read"),
                fields=self.screened,
            )

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Answer 304 if the caller has the current version; add rate limit headers."""
        read = request.method in {"GET", "HEAD"} and response.status_code == 200
        if read and "ETag" in response and is_held(request._request, response["ETag"]):
            response.status_code, response.data = 304, None
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.key_expires_at is not None and expires_soon(self.key_expires_at):
            response["X-Key-Expires"] = self.key_expires_at.isoformat()
        if self.window is not None:
            for name, value in self.window.as_headers().items():
                response[name] = value
        for name, value in quota_headers.as_headers().items():
            response[name] = value
        return response

    def cost(self) -> int:
        """Return the number of ordinary requests this one counts as; the body is parsed but not validated."""
        return COSTLY if self.costly else 1

    @property
    def principal(self) -> Principal:
        """The authenticated caller."""
        return cast("Principal", self.request.user)

    @property
    def organisation(self) -> UUID:
        """The caller's organisation."""
        return self.principal.organisation

    @property
    def caller(self) -> Caller:
        """The caller's organisation and actor, for operations."""
        return {"organisation": self.principal.organisation, "by": self.principal.actor}

    def body(self, model: type[Model]) -> Model:
        """Return the request's JSON body as a model; raise InvalidRequest if it is invalid."""
        return validate(model, self.json)

    def query(self, model: type[Model]) -> Model:
        """Return the query string as a model; the last of repeated parameters counts."""
        return validate(model, self.request._request.GET.dict(), loc=("query",))

    @property
    def correlation_id(self) -> str:
        """The request's correlation id."""
        return current_context().correlation_id


class CompatView(LiftosView):
    """A route of the old platform: enveloped successes, `{"detail": …}` errors.

    Attributes:
        failure: the first words of a 500's detail.
    """

    error_style = "compat"
    failure: ClassVar[str] = "Request failed"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Run the checks; then look for secrets, which may refuse the request."""
        super().initial(request, *args, **kwargs)
        self.screen()

    def envelope(self, message: str, data: Any = None, metadata: dict[str, Any] | None = None) -> Response:
        """Return a success in the contract's envelope, keys in the contract's order."""
        return Response(
            {"success": True, "message": message, "data": data, "errors": None, "metadata": metadata}
        )


class PublicCompatView(CompatView):
    """A public route of the old platform."""

    authentication_classes = ()


class NativeView(LiftosView):
    """A route under /api/v1: plain results, problem details, unknown fields and parameters rejected."""

    error_style = "problem"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Run the checks; then reject unknown fields and parameters, and secrets in what is to be stored, by the organisation's policy."""
        super().initial(request, *args, **kwargs)
        self._refuse_unknown(declared(self, (request.method or "").lower()))
        self.screen()

    def _refuse_unknown(self, takes: Declared) -> None:
        items = unknown_parameters(self.request._request.GET, takes.parameters)
        if takes.body is None:
            items += surplus_body(self.json)
        elif items:
            items += self._errors_in_body(takes)
        if items:
            raise InvalidRequest(items)

    def _errors_in_body(self, takes: Declared) -> list[Item]:
        if self.json is None or not (isinstance(takes.body, type) and is_strict(takes.body)):
            return []
        try:
            validate(takes.body, self.json)
        except InvalidRequest as error:
            return error.items
        return []

    def query(self, model: type[Model]) -> Model:
        """Return the query string as a model; raise InvalidRequest, which names the body's errors too, if it is invalid."""
        try:
            return super().query(model)
        except InvalidRequest as error:
            body = self._errors_in_body(declared(self, (self.request.method or "").lower()))
            raise InvalidRequest([*error.items, *body]) from error

    def body(self, model: type[Model]) -> Model:
        """Return the request's JSON body as a model.

        Raises:
            InvalidRequest: the body is invalid.
            TypeError: the model would ignore unknown fields.
        """
        if not is_strict(model):
            raise TypeError(
                f"{model.__name__} ignores unknown fields; derive it from liftos.kernel.http.strict.Strict."
            )
        return super().body(model)


def by_method(**views: type[LiftosView]) -> type[LiftosView]:
    """Return a view that dispatches to one of several views by method, or answers 405.

    Args:
        views: view by method in lower case; HEAD goes to GET's.
    """
    handlers = {method: view.as_view() for method, view in views.items()}

    class ByMethod(LiftosView):
        costly = any(view.costly for view in views.values())

        def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            method = (request.method or "").lower()
            handler = handlers.get("get" if method == "head" else method)
            if handler is None:
                return super().dispatch(request, *args, **kwargs)
            response = handler(request, *args, **kwargs)
            response["Allow"] = ", ".join(self.allowed_methods)
            return response

    for method, view in views.items():
        # never called; the OpenAPI schema and the Allow header are derived from them
        setattr(ByMethod, method, getattr(view, method))
    ByMethod.shared_by = views
    return ByMethod
