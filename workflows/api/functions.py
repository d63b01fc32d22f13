"""`/api/v1/workflows/functions`: the functions that steps can call."""

from typing import Any

from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.functions import Function, list_functions
from liftos.kernel.http.dump import as_json
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import page_of
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope


class FunctionOut(BaseModel):
    """A function that steps can call."""

    name: str
    version: int
    description: str
    arguments: dict[str, Any]
    cacheable: bool
    idempotent: bool
    outside: bool
    reads: list[str]
    scopes: list[str]


def render_function(function: Function) -> dict[str, Any]:
    """Render a registered function, with the JSON Schema of its arguments."""
    scopes = [str(scope) for scope in function.scopes]
    return as_json(FunctionOut, function, arguments=function.schema.model_json_schema(), scopes=scopes)


class Functions(NativeView):
    """The functions that steps can call."""

    scopes = {"GET": Scope.WORKFLOWS_RUN}

    @described("workflows_functions", responses={200: page_of(FunctionOut, is_only=True)})
    def get(self, request: Request) -> Response:
        """List the registered functions, every version, with the schema of their arguments."""
        return Response({"results": [render_function(each) for each in list_functions()], "next": None})
