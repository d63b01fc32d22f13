"""`manage.py evaluate_retrieval PATH... [--kind KIND] [--json] [--no-ablation] [--misses]`: recall on labelled sets."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.telemetry.command import ObservedCommand
from memory.evaluation.report import as_json_lines, as_tables, misses, rows_of
from memory.evaluation.sets import read_set, with_foreign_questions
from memory.evaluation.silence import silences_of
from memory.evaluation.trial import Outcome, run_trial, steps
from memory.evaluation.types import Kind, LabelledSet, UnreadableSet
from memory.evaluation.variants import MAIN, Variant, ablation


class Command(ObservedCommand):
    help = (
        "Measure R@1, R@5, R@10, MRR and nDCG@10 of each search type on labelled sets, and of hybrid with each part removed, "
        "in a throw-away database. A set is a LoCoMo JSON file, a BEIR folder, a TSV file of facts and questions, a folder of "
        "XX.json files by language, or a folder of long text files with questions.tsv (docs/retrieval.md)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", type=Path, nargs="+", metavar="path", help="a file or folder")
        parser.add_argument("--kind", choices=list(Kind), help="the paths' form, if they don't tell it")
        parser.add_argument("--json", action="store_true", help="print one JSON object per row")
        parser.add_argument("--no-ablation", action="store_true", help="skip hybrid with parts removed")
        parser.add_argument(
            "--misses",
            action="store_true",
            help="list the questions whose first hit in hybrid search is wrong",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        kind = Kind(options["kind"]) if options["kind"] else None
        try:
            sets = with_foreign_questions([read_set(path, kind) for path in options["paths"]])
        except UnreadableSet as error:
            raise CommandError(str(error)) from error
        variants = [*MAIN, *([] if options["no_ablation"] else ablation())]
        with scratch_database("evaluate"), self._progress(sets, variants) as progress:
            for found in sets:
                outcomes = [
                    outcome
                    for collection in found.collections
                    for outcome in run_trial(collection, variants, progress.update)
                ]
                self._print(found, outcomes, as_json=options["json"], with_misses=options["misses"])

    def _progress(self, sets: list[LabelledSet], variants: list[Variant]) -> Any:
        total = sum(steps(each, variants) for found in sets for each in found.collections)
        return tqdm(total=total, unit="step", disable=None)

    def _print(
        self, found: LabelledSet, outcomes: list[Outcome], *, as_json: bool, with_misses: bool
    ) -> None:
        render = as_json_lines if as_json else as_tables
        for line in render(found, rows_of(outcomes), silences_of(outcomes)):
            self.stdout.write(line)
        if with_misses:
            for line in misses(outcomes):
                self.stdout.write(line)
