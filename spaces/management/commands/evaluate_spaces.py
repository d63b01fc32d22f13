"""`manage.py evaluate_spaces`: what the conceptual arm is worth, on our own labelled set."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from liftos.management.observed import ObservedCommand
from liftos.scratch import scratch_database
from spaces.evaluation.ablation import run


class Command(ObservedCommand):
    help = "Searches a labelled set with the conceptual arm and without it, in a throw-away database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with scratch_database("evaluate"):
            rows, agreement = run()
        if options["json"]:
            self.stdout.write(json.dumps({"searches": [asdict(row) for row in rows], "auc": agreement}))
            return
        self.stdout.write(f"{'search':<28} {'R@5':>6} {'R@10':>6} {'MRR':>6} {'nDCG@10':>8}   queries")
        for row in rows:
            self.stdout.write(
                f"{row.way:<28} {row.recall_5:6.3f} {row.recall_10:6.3f} {row.mrr:6.3f} {row.ndcg_10:8.3f}   {row.queries}"
            )
        self.stdout.write(
            "AUC of the dimensions: " + ", ".join(f"{name} {value:.2f}" for name, value in agreement.items())
        )
