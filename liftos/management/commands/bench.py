"""`manage.py bench`, where the benchmarks are installed: the production image leaves them out (.dockerignore)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

try:
    from liftos.bench.command import Command
except ModuleNotFoundError as missing:
    if not (missing.name or "").startswith("liftos.bench"):
        raise

    class Command(BaseCommand):  # type: ignore[no-redef]
        help = "Benchmarks are not installed here; run them from a checkout."

        def run_from_argv(self, argv: list[str]) -> None:
            super().run_from_argv(argv[:2])  # whatever options they would take

        def handle(self, *args: Any, **options: Any) -> None:
            raise CommandError(
                "benchmarks are not installed here; run them from a checkout of the repository"
            )


__all__ = ["Command"]
