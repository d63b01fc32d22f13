"""`liftos`: remember, recall, open, tail and status, from a shell.

On a terminal it writes for people; into a pipe, one JSON object a line.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

from liftos_client.clients import Client
from liftos_client.errors import LiftosError, NotFound, ServerError, Unreachable
from liftos_client.models import Decision, Event

BOLD, DIM, GREEN, RED, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[0m"


class Output:
    """Writes results: text for a terminal, JSON lines for a pipe."""

    def __init__(self, stream: TextIO, *, as_json: bool, colour: bool) -> None:
        self._stream, self.as_json, self._colour = stream, as_json, colour

    def result(self, raw: Any, text: str) -> None:
        """Write one result in either form."""
        self._stream.write((json.dumps(raw, ensure_ascii=False) if self.as_json else text) + "\n")
        self._stream.flush()

    def paint(self, text: str, colour: str) -> str:
        """Return a text in a colour, if there are any."""
        return f"{colour}{text}{PLAIN}" if self._colour and not self.as_json else text


def visible(text: str) -> str:
    """Return a text without control characters, which could steer a terminal."""
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)


def _text(content: Any) -> str:
    return visible(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))


def remember(client: Client, asked: argparse.Namespace, out: Output) -> int:
    """Store the text, or each line of standard input."""
    fields: dict[str, Any] = {
        name: getattr(asked, name) for name in ("source", "thread", "external_id") if getattr(asked, name)
    }
    if asked.tag:
        fields["tags"] = asked.tag
    if asked.metadata:
        fields["metadata"] = asked.metadata
    if asked.text:
        stored = client.remember(" ".join(asked.text), **fields)
        out.result(stored.raw, f"{out.paint(stored.outcome, GREEN)} {stored.id}")
        return 0
    failed = 0
    for result in client.bulk(_lines(sys.stdin, fields)):
        failed += not result.stored
        text = out.paint("stored", GREEN) if result.stored else out.paint("refused", RED)
        out.result(result.raw, f"{text} {result.id or visible(json.dumps(result.error, ensure_ascii=False))}")
    return 1 if failed else 0


def _lines(stream: TextIO, fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield memories from lines: JSON objects, or texts."""
    for line in stream:
        text = line.strip()
        if not text:
            continue
        try:
            given = json.loads(text)
        except ValueError:
            given = text
        yield fields | given if isinstance(given, dict) and "content" in given else fields | {"content": text}


def recall(client: Client, asked: argparse.Namespace, out: Output) -> int:
    """Find memories."""
    fields: dict[str, Any] = {"limit": asked.limit}
    if asked.tag:
        fields["tags"] = asked.tag
    if asked.filters:
        fields["filters"] = asked.filters
    if asked.prompt:
        prompt = client.prompt(" ".join(asked.query), **fields)
        out.result(prompt.raw, visible(prompt.prompt))
        return 0
    hits = client.recall(" ".join(asked.query), **fields)
    for hit in hits:
        text = _text(hit.passage["text"] if hit.passage else hit.content)
        where = " ".join(filter(None, [hit.id, hit.memory_type, hit.source, f"{hit.recorded_at:%Y-%m-%d}"]))
        out.result(
            hit.raw, f"{out.paint(f'{hit.score:.2f}', BOLD)} {text}\n     {out.paint(visible(where), DIM)}"
        )
    if hits.abstained and not out.as_json:
        print(f"Nothing found is likely to answer it ({hits.abstain_reason}).", file=sys.stderr)  # noqa: T201
    return 0 if hits else 1


def open_(client: Client, asked: argparse.Namespace, out: Output) -> int:
    """Show a memory or a decision, with a link to its page."""
    try:
        memory = client.get(asked.id)
    except NotFound:
        decision = client.decision(asked.id)
        lines = [
            f"{out.paint(visible(decision.operation), BOLD)} {decision.recorded_at:%Y-%m-%d %H:%M}",
            visible(decision.reasoning),
        ]
        out.result(decision.raw, "\n".join(lines))
        return 0
    lines = [
        _text(memory.content),
        out.paint(f"{memory.state}, version {memory.version}, {memory.recorded_at:%Y-%m-%d %H:%M}", DIM),
    ]
    if memory.metadata:
        lines.append(out.paint(visible(json.dumps(memory.metadata, ensure_ascii=False)), DIM))
    out.result(memory.raw, "\n".join(lines))
    return 0


def tail(client: Client, asked: argparse.Namespace, out: Output) -> int:
    """Write events as they happen, until interrupted; with --operation, the decisions behind them."""
    for event in client.events(*asked.type, after=asked.after):
        if not asked.operation:
            text = f"{event.sequence} {event.time:.19} {out.paint(visible(event.type), BOLD)} {visible(event.subject or '')}"
            out.result(event.raw, text)
        elif (decision := _decision_of(client, event)) and decision.operation == asked.operation:
            who = decision.on_behalf_of or f"{decision.actor_kind}:{decision.actor_id}"
            named = out.paint(visible(decision.operation), BOLD)
            text = f"{decision.recorded_at:%H:%M:%S} {named} {visible(who)} {visible(decision.reasoning)}"
            out.result(decision.raw, text)
    return 0


def _decision_of(client: Client, event: Event) -> Decision | None:
    """Return the decision that an event names, None without one or if it is not visible."""
    named = event.data.get("decision_id") if isinstance(event.data, dict) else None
    try:
        return client.decision(named) if named else None
    except NotFound:
        return None


def status(client: Client, asked: argparse.Namespace, out: Output) -> int:
    """Show whether the service is ready and what the key sees."""
    del asked
    found: dict[str, Any] = {"url": client.base_url, "ready": True, "memories": None}
    try:
        client.request("GET", "/ready")
    except ServerError:
        found["ready"] = False
    found["memories"] = client.count()
    ready = out.paint("ready", GREEN) if found["ready"] else out.paint("not ready", RED)
    out.result(found, f"{found['url']} {ready}, {found['memories']} memories")
    return 0 if found["ready"] else 1


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError("must be a JSON object")
    return found


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="liftos", description="Remember and recall with LiftOS.")
    made.add_argument(
        "--url", help="address of the service (default: $LIFTOS_URL, then http://localhost:8003)"
    )
    made.add_argument("--key", help="API key (default: $LIFTOS_API_KEY)")
    made.add_argument("--json", action="store_true", help="JSON lines, also on a terminal")
    commands = made.add_subparsers(dest="command", required=True, metavar="command")

    def command(
        name: str, run: Callable[[Client, argparse.Namespace, Output], int]
    ) -> argparse.ArgumentParser:
        text = (run.__doc__ or "").strip()
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    one = command("remember", remember)
    one.add_argument(
        "text", nargs="*", help="the text (default: each line of standard input, a text or a memory as JSON)"
    )
    one.add_argument("--tag", action="append", help="a tag; may be repeated")
    one.add_argument("--metadata", type=_object, help="a JSON object")
    one.add_argument("--source", default="")
    one.add_argument("--thread", default="")
    one.add_argument("--external-id", default="")
    one = command("recall", recall)
    one.add_argument("query", nargs="+")
    one.add_argument("--limit", type=int, default=10)
    one.add_argument("--tag", action="append", help="a tag that it must have; may be repeated")
    one.add_argument("--filters", type=_object, help="conditions on metadata, a JSON object")
    one.add_argument("--prompt", action="store_true", help="text for a prompt")
    one = command("open", open_)
    one.add_argument("id", help="of a memory or a decision")
    one = command("tail", tail)
    one.add_argument(
        "--type", action="append", default=[], help="a type, or a beginning with *; may be repeated"
    )
    one.add_argument("--after", type=int, help="begin after this sequence number; 0 is the oldest event kept")
    one.add_argument("--operation", default="", help="decisions of this operation, such as memory.store")
    command("status", status)
    return made


def main(arguments: Sequence[str] | None = None, *, client: Client | None = None) -> int:
    """Run the command; return the exit code: 0 if something was stored or found, 1 if not, 2 for errors."""
    asked = parser().parse_args(arguments)
    terminal = sys.stdout.isatty()
    out = Output(
        sys.stdout, as_json=asked.json or not terminal, colour=terminal and "NO_COLOR" not in os.environ
    )
    run: Callable[[Client, argparse.Namespace, Output], int] = asked.run
    try:
        with client or Client(asked.url, asked.key) as connected:
            return run(connected, asked, out)
    except (LiftosError, Unreachable) as error:
        print(f"error: {visible(str(error))}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # the reader of the pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
