"""The base of views that speak another product's API."""

from typing import Any, ClassVar

from rest_framework.request import Request

from liftos.kernel.errors import LiftosError
from liftos.kernel.http.parsing import InvalidRequest
from liftos.kernel.http.views import LiftosView


class DropInView(LiftosView):
    """A route of another product's API: its shapes and errors; unknown fields and parameters are ignored.

    Attributes:
        tag: the product, in the OpenAPI document.
    """

    tag: ClassVar[str]
    screened = frozenset()  # the operations screen memories

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Run the checks; then look for secrets in the names of users, which may refuse the request."""
        super().initial(request, *args, **kwargs)
        self.screen()

    def error_body(self, error: LiftosError) -> dict[str, Any]:
        """Return the body of an error response."""
        raise NotImplementedError


def items_of(error: LiftosError) -> list[dict[str, Any]]:
    """Return the invalid fields of an error, each with `loc` and `msg`."""
    if isinstance(error, InvalidRequest):
        return [{"loc": each["loc"], "msg": each["msg"]} for each in error.items]
    return [{"loc": list(error.loc), "msg": error.message}] if error.loc else []
