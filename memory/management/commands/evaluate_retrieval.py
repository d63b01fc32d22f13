"""`manage.py evaluate_retrieval PATH [--json]`: recall of each search type on a labelled set."""

import json
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from liftos.scratch import scratch_database
from liftos.tenancy.operations import create_organisation
from liftos.tenancy.types import SYSTEM
from memory.evaluation.locomo import Conversation, read_conversations
from memory.evaluation.measures import recall_at, reciprocal_rank
from memory.operations import remember_many
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType

TYPES = (SearchType.NEURAL, SearchType.KNOWLEDGE, SearchType.HYBRID)
BATCH = 500
DEPTH = 50  # how far down a reciprocal rank is looked for

Figures = dict[str, dict[str, list[float]]]


class Command(BaseCommand):
    help = "Measure R@5, R@10 and MRR of every search type on a LoCoMo file, in a throw-away database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a LoCoMo JSON file")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object a line, one for each type"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        conversations = self._read(options["path"])
        figures: Figures = defaultdict(lambda: defaultdict(list))
        with scratch_database("evaluate"):
            total = sum(len(each.drafts) + len(each.questions) * len(TYPES) for each in conversations)
            with tqdm(total=total, unit="step", disable=None) as progress:
                for conversation in conversations:
                    self._measure(conversation, figures, progress)
        self._print(figures, as_json=options["json"])

    def _read(self, path: Path) -> list[Conversation]:
        try:
            samples = json.loads(path.read_text(encoding="utf-8"))
            conversations = list(read_conversations(samples))
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(f"{path} is not a LoCoMo file: {error}") from error
        if not any(each.questions for each in conversations):
            raise CommandError(f"{path} holds no question with evidence")
        return conversations

    def _measure(self, conversation: Conversation, figures: Figures, progress: Any) -> None:
        organisation = create_organisation(name=f"locomo {conversation.name}", by=SYSTEM).id
        for start in range(0, len(conversation.drafts), BATCH):
            batch = conversation.drafts[start : start + BATCH]
            remember_many(organisation=organisation, by=SYSTEM, drafts=batch)
            progress.update(len(batch))
        for question in conversation.questions:
            for search_type in TYPES:
                found = self._ask(organisation, question.text, search_type)
                rows = figures[search_type]
                rows["R@5"].append(recall_at(found, question.evidence, 5))
                rows["R@10"].append(recall_at(found, question.evidence, 10))
                rows["MRR"].append(reciprocal_rank(found, question.evidence))
                progress.update(1)

    def _ask(self, organisation: UUID, text: str, search_type: SearchType) -> list[str]:
        request = SearchRequest(text, search_type, DEPTH)
        answer = search(organisation=organisation, by=SYSTEM, request=request)
        return [hit.external_id for hit in answer.hits]

    def _print(self, figures: Figures, *, as_json: bool) -> None:
        if not as_json:
            self.stdout.write(f"{'search type':<12} {'R@5':>6} {'R@10':>6} {'MRR':>6}   questions")
        for search_type, rows in figures.items():
            means = {name: fmean(values) for name, values in rows.items()}
            count = len(rows["R@10"])
            if as_json:
                rounded = {name: round(value, 4) for name, value in means.items()}
                self.stdout.write(json.dumps({"search_type": search_type, **rounded, "questions": count}))
            else:
                line = f"{search_type:<12} {means['R@5']:6.3f} {means['R@10']:6.3f} {means['MRR']:6.3f}   {count}"
                self.stdout.write(line)
