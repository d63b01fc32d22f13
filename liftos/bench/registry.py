"""The benchmarks by name. To add one, write a module with a `BENCH` and list it here."""

from importlib import import_module

from liftos.bench.types import Bench

_MODULES = {
    name: f"liftos.bench.{name}"
    for name in (
        "accountability",
        "calibration",
        "embedding",
        "functions",
        "http",
        "review",
        "search",
        "seed",
        "soak",
        "spaces",
        "tracing",
        "workflows",
    )
} | {"import": "liftos.bench.imports"}  # `import` is a Python keyword


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
    bench: Bench = import_module(_MODULES[name]).BENCH
    return bench
