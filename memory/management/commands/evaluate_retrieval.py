"""`manage.py evaluate_retrieval PATH [--json] [--no-ablation]`: recall of each search type on a labelled set."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.evaluation.beir import read_beir
from memory.evaluation.locomo import read_locomo
from memory.evaluation.measures import ndcg_at, recall_at, reciprocal_rank
from memory.evaluation.types import Collection, Labelled, UnreadableSet
from memory.operations import remember_many
from memory.search.arms.interface import arms_for
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.search.weights import WEIGHTS

TYPES = (SearchType.NEURAL, SearchType.KNOWLEDGE, SearchType.HYBRID)
RELATIONS = frozenset(WEIGHTS)
BATCH = 500
DEPTH = 50  # hits considered for the reciprocal rank


@dataclass(frozen=True, slots=True)
class Variant:
    """A search type, and the arms and relations left out of it."""

    search_type: SearchType
    without: frozenset[str] = frozenset()

    def __str__(self) -> str:
        if self.without == RELATIONS:
            return f"{self.search_type} without relations"
        return " without ".join([str(self.search_type), *sorted(self.without)])


Figures = dict[Variant, dict[str, list[float]]]


class Command(ObservedCommand):
    help = (
        "Measure R@5, R@10, MRR and nDCG@10 of each search type on a LoCoMo file or BEIR folder, and of hybrid with each "
        "part removed, in a throw-away database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a LoCoMo JSON file or a BEIR folder")
        parser.add_argument("--json", action="store_true", help="print one JSON object per row")
        parser.add_argument("--no-ablation", action="store_true", help="skip hybrid with parts removed")

    def handle(self, *args: Any, **options: Any) -> None:
        collections = self._read(options["path"])
        variants = [Variant(each) for each in TYPES]
        if not options["no_ablation"]:
            parts = [arm.name for arm in arms_for(SearchRequest(""))] + list(WEIGHTS)
            variants += [Variant(SearchType.HYBRID, frozenset({part})) for part in parts]
            variants.append(Variant(SearchType.HYBRID, RELATIONS))
        figures: Figures = defaultdict(lambda: defaultdict(list))
        with scratch_database("evaluate"):
            total = sum(len(each.drafts) + len(each.questions) * len(variants) for each in collections)
            with tqdm(total=total, unit="step", disable=None) as progress:
                for collection in collections:
                    self._measure(collection, variants, figures, progress)
        self._print(figures, as_json=options["json"])

    def _read(self, path: Path) -> list[Collection]:
        try:
            collections = [read_beir(path)] if path.is_dir() else read_locomo(path)
        except OSError as error:
            raise CommandError(f"{error.filename or path} can't be read: {error.strerror}") from error
        except UnreadableSet as error:
            raise CommandError(str(error)) from error
        if not any(each.questions for each in collections):
            raise CommandError(f"{path} contains no questions with evidence.")
        return collections

    def _measure(
        self, collection: Collection, variants: list[Variant], figures: Figures, progress: Any
    ) -> None:
        organisation = create_organisation(name=f"set {collection.name}", by=SYSTEM).id
        for start in range(0, len(collection.drafts), BATCH):
            batch = collection.drafts[start : start + BATCH]
            remember_many(organisation=organisation, by=SYSTEM, drafts=batch)
            progress.update(len(batch))
        for question in collection.questions:
            for variant in variants:
                self._ask(organisation, question, variant, figures[variant])
                progress.update(1)

    def _ask(
        self, organisation: UUID, question: Labelled, variant: Variant, rows: dict[str, list[float]]
    ) -> None:
        request = SearchRequest(question.text, variant.search_type, DEPTH, without=variant.without)
        answer = search(organisation=organisation, by=SYSTEM, request=request)
        found = [hit.external_id for hit in answer.hits]
        rows["R@5"].append(recall_at(found, question.relevant, 5))
        rows["R@10"].append(recall_at(found, question.relevant, 10))
        rows["MRR"].append(reciprocal_rank(found, question.relevant))
        rows["nDCG@10"].append(ndcg_at(found, question.relevant, 10))

    def _print(self, figures: Figures, *, as_json: bool) -> None:
        if not as_json:
            self.stdout.write(
                f"{'search type':<26} {'R@5':>6} {'R@10':>6} {'MRR':>6} {'nDCG@10':>8}   questions"
            )
        for variant, rows in figures.items():
            means = {name: fmean(values) for name, values in rows.items()}
            count = len(rows["R@10"])
            if as_json:
                rounded = {name: round(value, 4) for name, value in means.items()}
                self.stdout.write(json.dumps({"search_type": str(variant), **rounded, "questions": count}))
            else:
                cells = (
                    f"{means['R@5']:6.3f} {means['R@10']:6.3f} {means['MRR']:6.3f} {means['nDCG@10']:8.3f}"
                )
                self.stdout.write(f"{variant!s:<26} {cells}   {count}")
