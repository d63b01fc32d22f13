"""`manage.py evaluate_spaces`: evaluate the conceptual arm on the labelled sets."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.telemetry.command import ObservedCommand
from spaces.evaluation.ablation import run
from spaces.evaluation.labelled import SETS


class Command(ObservedCommand):
    help = "Search the labelled sets with and without the conceptual arm, in a scratch database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object per set")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in SETS:
            with scratch_database("evaluate"):
                rows, agreement = run(name)
            if options["json"]:
                found = {"set": name, "searches": [asdict(row) for row in rows], "auc": agreement}
                self.stdout.write(json.dumps(found))
                continue
            self.stdout.write(
                f"{name + ' set':<28} {'R@5':>6} {'R@10':>6} {'MRR':>6} {'nDCG@10':>8}   queries"
            )
            for row in rows:
                self.stdout.write(
                    f"{row.way:<28} {row.recall_5:6.3f} {row.recall_10:6.3f} {row.mrr:6.3f} {row.ndcg_10:8.3f}   {row.queries}"
                )
            values = ", ".join(f"{dimension} {value:.2f}" for dimension, value in agreement.items())
            self.stdout.write(f"AUC of the dimensions: {values}\n")
