"""The MCP server of a tool set: the SDK's low-level server, whose handlers call the API through the caller's door."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar
from uuid import uuid4

import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError

from liftos.kernel.http.parsing import InvalidRequest, validate
from liftos.kernel.suggestions import suggestion
from liftos.mcp.door import Door, Refused
from liftos.mcp.replies import Reply, invalid, refusal
from liftos.mcp.toolset import PromptTemplate, Tool, ToolSet
from liftos.runtime.health.views import VERSION

logger = logging.getLogger("liftos.mcp")

# a call that takes longer reports that it is alive, at these intervals
ALIVE_SECONDS = 2.0
RESOURCE_NOT_FOUND = -32002

Context = ServerRequestContext[Any, Any]
T = TypeVar("T")


def make_server(tools: ToolSet, door_of: Callable[[Context], Door]) -> Server[Any]:
    """Return a server of a tool set.

    Args:
        tools: its tools, resources and prompts.
        door_of: returns the API as a request's caller may use it.
    """
    handlers = _Handlers(tools, door_of)
    with_prompts = {"on_list_prompts": handlers.list_prompts, "on_get_prompt": handlers.get_prompt}
    with_resources = {
        "on_list_resources": handlers.list_resources,
        "on_list_resource_templates": handlers.list_templates,
        "on_read_resource": handlers.read_resource,
    }
    more: dict[str, Any] = (with_prompts if tools.prompts else {}) | (
        with_resources if tools.resources else {}
    )
    return Server(
        tools.name,
        title=tools.title,
        version=VERSION,
        instructions=tools.instructions,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        get_tool_input_schema=handlers.input_schema,
        **more,
    )


class _Handlers:
    """The handlers of a server's requests."""

    def __init__(self, tools: ToolSet, door_of: Callable[[Context], Door]) -> None:
        self._set, self._door_of = tools, door_of
        self._tools = [_declared(tool) for tool in tools.tools]
        self._schemas = {tool.name: tool.input_schema for tool in self._tools}

    def input_schema(self, name: str) -> dict[str, Any] | None:
        return self._schemas.get(name)

    async def list_tools(self, context: Context, asked: Any) -> types.ListToolsResult:
        del context, asked
        return types.ListToolsResult(tools=self._tools)

    async def call_tool(self, context: Context, asked: types.CallToolRequestParams) -> types.CallToolResult:
        tool = self._set.by_name.get(asked.name)
        if tool is None:
            hint = suggestion(asked.name, self._set.by_name)
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool {asked.name!r}{hint}")
        reply = await _guarded(_reply(tool, self._door_of(context), asked.arguments or {}, context))
        return types.CallToolResult(
            content=[types.TextContent(text=reply.text)],
            structured_content=reply.structured,
            is_error=reply.is_error,
        )

    async def list_resources(self, context: Context, asked: Any) -> types.ListResourcesResult:
        del context, asked
        return types.ListResourcesResult(resources=[])

    async def list_templates(self, context: Context, asked: Any) -> types.ListResourceTemplatesResult:
        del context, asked
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(
                    uri_template=f"{kind.scheme}://{{id}}",
                    name=kind.scheme,
                    title=kind.name,
                    description=kind.description,
                    mime_type="text/plain",
                )
                for kind in self._set.resources
            ]
        )

    async def read_resource(
        self, context: Context, asked: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        scheme, _, named = str(asked.uri).partition("://")
        kind = next((each for each in self._set.resources if each.scheme == scheme), None)
        if kind is None or not named.strip("/"):
            known = ", ".join(f"{each.scheme}://{{id}}" for each in self._set.resources)
            raise MCPError(types.INVALID_PARAMS, f"Unknown resource; there are {known}.")
        text = await _answered(kind.read(self._door_of(context), named.strip("/")))
        content = types.TextResourceContents(uri=asked.uri, text=text, mime_type="text/plain")
        return types.ReadResourceResult(contents=[content])

    async def list_prompts(self, context: Context, asked: Any) -> types.ListPromptsResult:
        del context, asked
        return types.ListPromptsResult(
            prompts=[
                types.Prompt(
                    name=each.name,
                    title=each.title,
                    description=each.description,
                    arguments=[
                        types.PromptArgument(
                            name=argument.name, description=argument.description, required=argument.required
                        )
                        for argument in each.arguments
                    ],
                )
                for each in self._set.prompts
            ]
        )

    async def get_prompt(
        self, context: Context, asked: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        template = next((each for each in self._set.prompts if each.name == asked.name), None)
        if template is None:
            hint = suggestion(asked.name, [each.name for each in self._set.prompts])
            raise MCPError(types.INVALID_PARAMS, f"Unknown prompt {asked.name!r}{hint}")
        given = asked.arguments or {}
        _check_arguments(template, given)
        text = await _answered(template.render(self._door_of(context), given))
        message = types.PromptMessage(role="user", content=types.TextContent(text=text))
        return types.GetPromptResult(description=template.description, messages=[message])


def _declared(tool: Tool) -> types.Tool:
    schema = tool.arguments.model_json_schema()
    schema.pop("description", None)
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=schema,
        output_schema=tool.output,
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.reads,
            destructive_hint=tool.destroys,
            idempotent_hint=tool.reads or tool.repeatable,
            open_world_hint=False,
        ),
    )


def _check_arguments(template: PromptTemplate, given: dict[str, str]) -> None:
    names = [each.name for each in template.arguments]
    for name in given:
        if name not in names:
            raise MCPError(types.INVALID_PARAMS, f"Unknown argument {name!r}{suggestion(name, names)}")
    for each in template.arguments:
        if each.required and not given.get(each.name, "").strip():
            raise MCPError(types.INVALID_PARAMS, f"The argument {each.name!r} is required.")


async def _reply(tool: Tool, door: Door, arguments: dict[str, Any], context: Context) -> Reply:
    report = context.session.report_progress
    try:
        asked = validate(tool.arguments, arguments, loc=("arguments",))
    except InvalidRequest as error:
        return invalid(error)
    progress = _Progress(report)
    alive = asyncio.create_task(progress.keep_alive())
    try:
        return await tool.run(door, asked, progress.report)
    except Refused as error:
        return refusal(error)
    finally:
        alive.cancel()
        with suppress(asyncio.CancelledError):
            await alive


class _Progress:
    """Reports of one call. Every report says more than the one before, as the protocol requires."""

    def __init__(self, report: Callable[..., Awaitable[None]]) -> None:
        self._report, self._last = report, 0.0

    async def report(self, done: float, total: float | None, message: str) -> None:
        if done > self._last:
            self._last = done
            await self._report(done, total, message)

    async def keep_alive(self) -> None:
        """Report now and then that the call is being worked on."""
        waited = 0.0
        while True:
            await asyncio.sleep(ALIVE_SECONDS)
            waited += ALIVE_SECONDS
            # between whole steps, of which it never completes one
            self._last += (int(self._last) + 1 - self._last) / 16
            await self._report(self._last, None, f"working, {waited:.0f} s so far")


async def _guarded(reply: Awaitable[Reply]) -> Reply:
    """Return a reply; a failure of ours becomes an error without details, logged under an id."""
    try:
        return await reply
    except Exception:
        correlation = str(uuid4())
        logger.exception("tool failed", extra={"correlation_id": correlation})
        problem = {"detail": "Internal error.", "code": "liftos.internal", "correlation_id": correlation}
        return refusal(Refused(500, problem))


async def _answered(text: Awaitable[T]) -> T:
    """Return a text; a refusal becomes a JSON-RPC error that says the same."""
    try:
        return await text
    except Refused as error:
        reply = refusal(error)
        code = RESOURCE_NOT_FOUND if error.status == 404 else types.INVALID_PARAMS
        if error.status >= 500:
            code = types.INTERNAL_ERROR
        raise MCPError(code, reply.text, reply.structured) from None
