"""`manage.py validate_space`: report how well dimensions measure what their poles describe."""

import json
import math
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import CommandError

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import EmbedderUnavailable, TextKind, get_manager
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import get_organisation
from spaces.geometry.projection import PolesCoincide
from spaces.placement.background import background
from spaces.queries import find_space
from spaces.reports.dimensions import make_report
from spaces.reports.validation import Agreement, measure_agreement


class Command(ObservedCommand):
    help = "Report how well a space's dimensions measure what their poles describe, or compare two poles with a file of ratings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organisation", nargs="?", help="the organisation's slug")
        parser.add_argument("space", nargs="?", help="the space's name or id")
        parser.add_argument(
            "--ratings", help="file of lines: rating, tab, text (further columns are ignored)"
        )
        parser.add_argument("--low", nargs="+", default=[], help="texts of the low pole")
        parser.add_argument("--high", nargs="+", default=[], help="texts of the high pole")
        parser.add_argument("--examples", type=int, default=20, help="labelled examples in each split")
        parser.add_argument("--splits", type=int, default=100, help="number of held-out splits")
        parser.add_argument("--seed", type=int, default=7, help="random seed of the splits")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["ratings"]:
            self._space(options)
            return
        found = self._ratings(options)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found)))
            return
        self.stdout.write(
            f"{found.texts} rated texts, poles {found.separation:.2f} standard deviations apart\n"
            f"  Spearman, poles only                 {found.poles:.3f}   (AUC {found.poles_auc:.3f})\n"
            f"  - on held-out texts                  {found.inductive:.3f}   mean of {found.splits} half splits\n"
            f"  Spearman, {found.examples:3d} labelled examples     {found.labelled:.3f}   "
            f"mean of {found.splits} splits on unlabelled texts, sd {found.labelled_sd:.3f}, "
            f"5th percentile {found.labelled_worst:.3f}"
        )

    def _space(self, options: dict[str, Any]) -> None:
        if not options["organisation"] or not options["space"]:
            raise CommandError("Name an organisation and a space, or pass --ratings FILE --low … --high …")
        organisation = get_organisation(options["organisation"]).id
        with tenant_transaction(organisation):
            space = find_space(organisation=organisation, named=options["space"])
        view, reports = make_report(organisation=organisation, space=space.id)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in reports]))
            return
        self.stdout.write(f"{view.space.name}, version {view.version}, {view.layout.total} members")
        for each in reports:
            self.stdout.write(
                f"  {each.name:20} {each.kind:8} known {each.known:4.0%}"
                + ("" if each.separation is None else f"  poles {each.separation:.2f} sd apart")
                + ("" if each.spearman is None else f"  Spearman {each.spearman:.2f}, AUC {each.auc:.2f}")
                + (f"  most similar {each.twin} ({each.correlation:+.2f})" if each.twin else "")
            )
            for warning in each.warnings:
                self.stdout.write(f"    ! {warning}")

    def _ratings(self, options: dict[str, Any]) -> Agreement:
        if not options["low"] or not options["high"]:
            raise CommandError("--ratings needs both --low and --high")
        if options["examples"] < 2 or options["splits"] < 1:
            raise CommandError("--examples must be at least 2, --splits at least 1")
        ratings, texts = read_ratings(options["ratings"])
        try:
            manager = get_manager()
            return measure_agreement(
                low=manager.embed_many(options["low"], kind=TextKind.DOCUMENT),
                high=manager.embed_many(options["high"], kind=TextKind.DOCUMENT),
                texts=np.asarray(manager.embed_many(texts, kind=TextKind.DOCUMENT), np.float64),
                ratings=np.asarray(ratings),
                prior=background(manager),
                examples=options["examples"],
                splits=options["splits"],
                seed=options["seed"],
            )
        except PolesCoincide as error:
            raise CommandError(f"--low and --high: {error}") from None
        except (EmbedderUnavailable, ValueError) as error:
            raise CommandError(str(error)) from None


def read_ratings(path: str) -> tuple[list[float], list[str]]:
    """Return a file's ratings and texts. A first line without a number is a header.

    Raises:
        CommandError: the file can't be read, or a line lacks a rating or text.
    """
    ratings, texts = [], []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: {error}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        first, _, rest = line.partition("\t")
        text = rest.partition("\t")[0].strip()
        try:
            rating = float(first)
        except ValueError:
            rating = math.nan
        if not math.isfinite(rating) or not text:
            if number == 1:
                continue
            raise CommandError(f"{path}, line {number}: expected a rating, a tab and a text")
        ratings.append(rating)
        texts.append(text)
    return ratings, texts
