"""The benchmarks by name. To add one, write a module with a `BENCH` and list it here."""

from importlib import import_module

from liftos.bench.types import Bench

_MODULES = {
    "accountability": "accountability.bench",
    "calibration": "calibration",
    "care": "care",
    "embedding": "embedding.bench",
    "events": "events",
    "functions": "functions",
    "http": "http.bench",
    "import": "imports",
    "lists": "lists",
    "review": "review",
    "scopes": "search.scopes",
    "search": "search.bench",
    "seed": "seed",
    "soak": "soak",
    "spaces": "spaces",
    "tracing": "tracing",
    "workflows": "workflows.bench",
}


class BenchNotFound(LookupError):
    """No benchmark has that name."""


def bench_names() -> list[str]:
    """Return the known names, sorted."""
    return sorted(_MODULES)


def get_bench(name: str) -> Bench:
    """Return a benchmark, importing its module only now, because it may need optional packages.

    Raises:
        BenchNotFound: unknown name; the message lists the known ones.
    """
    if name not in _MODULES:
        raise BenchNotFound(f"no benchmark {name!r}: choose one of {', '.join(bench_names())}")
    bench: Bench = import_module(f"liftos.bench.{_MODULES[name]}").BENCH
    return bench
