"""`manage.py bench NAME [--json]`: run a benchmark in a throw-away database."""

import json
import logging
from contextlib import closing
from dataclasses import fields
from typing import Any

from django.core.management.base import CommandError, CommandParser

from liftos.bench.registry import BenchNotFound, bench_names, get_bench
from liftos.bench.types import BenchFailed, Options
from liftos.kernel.telemetry.command import ObservedCommand

_MET: dict[object, str] = {True: "yes", False: "NO", None: ""}
_TITLES = ("metric", "value", "unit", "target", "met", "reference", "ratio")


class Command(ObservedCommand):
    name = "bench"
    help = "Run a benchmark, or list them if no name is given. A missed target is reported, not an error."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="the benchmark; omit it to list them")
        parser.add_argument("--json", action="store_true", help="print one JSON object per line")
        for each in fields(Options):
            parser.add_argument(
                f"--{each.name}", type=type(each.default), default=each.default, **each.metadata
            )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["name"] is None:
            for name in bench_names():
                self.stdout.write(f"{name:<12} {get_bench(name).summary}")
            return
        try:
            bench = get_bench(options["name"])
        except BenchNotFound as error:
            raise CommandError(str(error)) from None
        # one log line per request would bury the figures
        logging.getLogger("liftos.http").setLevel(logging.WARNING)
        try:
            # closing: the benchmark's processes must end before this one, whatever happens
            with closing(bench.run(self._size(options))) as figures:
                if options["json"]:
                    for figure in figures:
                        self.stdout.write(json.dumps(figure.as_json(bench.name)))
                else:
                    self._print_table([figure.as_json(bench.name) for figure in figures])
        except BenchFailed as error:
            raise CommandError(str(error)) from error

    def _size(self, options: dict[str, Any]) -> Options:
        chosen = Options(**{each.name: options[each.name] for each in fields(Options)})
        for name in ("memories", "organisations", "queries", "records", "lookups", "minutes"):
            if options[name] < 1:
                raise CommandError(f"--{name} must be at least 1")
        if chosen.memories < chosen.organisations:
            raise CommandError("--memories must be at least --organisations: each has at least one")
        return chosen

    def _print_table(self, figures: list[dict[str, object]]) -> None:
        rows = [_TITLES, *(_cells(figure) for figure in figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_TITLES))]
        for row in rows:
            cells = (
                text.rjust(width) if column == 1 else text.ljust(width)
                for column, (text, width) in enumerate(zip(row, widths, strict=True))
            )
            self.stdout.write("  ".join(cells).rstrip())


def _cells(figure: dict[str, object]) -> tuple[str, ...]:
    reference = ""
    if figure["reference"]:
        reference = f"{figure['reference_value']} {figure['reference']}"
    return (
        str(figure["metric"]),
        str(figure["value"]),
        str(figure["unit"]),
        str(figure["target"] or ""),
        _MET.get(figure["met"], str(figure["met"])),
        reference,
        "" if figure["ratio"] is None else f"{figure['ratio']}x",
    )
