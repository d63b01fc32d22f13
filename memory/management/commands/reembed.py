"""`manage.py reembed ORG --model NAME`."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from liftos.kernel.embedding import EmbedderUnavailable, EmbeddingManager, get_manager
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.process_managers import embedder_names
from liftos.kernel.embedding.registry import PACKAGED
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory import reembedding
from memory.index.vector_graph import create_index

OPERATOR = Actor(ActorKind.SYSTEM, "reembed")


class Command(ObservedCommand):
    help = "Move organisations to another embedding model without downtime. If interrupted, run it again to continue."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation", nargs="?", help="the organisation's slug")
        parser.add_argument("--all", action="store_true", help="every organisation")
        parser.add_argument(
            "--model",
            "--to",
            dest="to",
            default="",
            help=f"{', '.join(PACKAGED)}, or a name in LIFTOS_EMBEDDERS (default: LIFTOS_EMBEDDER)",
        )
        parser.add_argument("--drop", action="store_true", help="then delete the other models' vectors")
        parser.add_argument(
            "--without-index", action="store_true", help="leave the graph index to `index_vectors`"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["organisation"]) == options["all"]:
            raise CommandError("Name an organisation or pass --all, not both.")
        if options["to"] not in embedder_names():
            known = ", ".join(embedder_names()[1:])
            raise CommandError(f"LIFTOS_EMBEDDERS has no {options['to']!r}; available: {known}")
        rows = Organisation.objects.order_by("slug")
        if options["organisation"]:
            rows = rows.filter(slug=options["organisation"])
        if not rows:
            raise CommandError("No organisation with that slug.")
        try:
            manager = get_manager(options["to"])
            number = model_number(manager.model)
            if not options["without_index"]:
                create_index(number, manager.model.dimension)
            for organisation in rows:
                self._move(organisation, manager, number, drop=options["drop"])
        except EmbedderUnavailable as error:
            raise CommandError(f"{error.message} Vectors already computed are kept; run it again.") from None

    def _move(
        self, organisation: Organisation, manager: EmbeddingManager, number: int, *, drop: bool
    ) -> None:
        total, done = reembedding.count_vectors(organisation=organisation.id, model=number)
        with tqdm(total=total, initial=done, unit="memory", desc=organisation.slug, disable=None) as progress:
            for count in reembedding.fill(organisation=organisation.id, manager=manager):
                progress.update(count)
        flipped = reembedding.flip(organisation=organisation.id, by=OPERATOR, manager=manager)
        if not reembedding.wait_for_older(flipped):
            self.stderr.write(
                "A transaction has been open for over a minute; run this again when it has ended."
            )
        late = sum(reembedding.fill(organisation=organisation.id, manager=manager))
        reembedding.settle_states(organisation=organisation.id, manager=manager)
        text = f"{organisation.slug}: searched by {manager.model.name} {manager.model.version}, {total - done + late} vectors computed"
        if drop:
            dropped = reembedding.drop_others(organisation=organisation.id, model=number)
            text += f", {dropped} others deleted"
        self.stdout.write(text)
