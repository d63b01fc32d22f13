"""The graph index of each embedding model: one for all organisations, made by the owner."""

from django.db import connection, connections

from liftos.db import raw_cursor

_indexed: set[tuple[str, int]] = set()

CREATE = """
CREATE INDEX {concurrently} IF NOT EXISTS {name} ON memory_memoryvector
USING hnsw ((embedding::halfvec({dimension})) halfvec_cosine_ops) WHERE model_id = {model}
"""


def index_name(model: int) -> str:
    """Return the name of a model's index."""
    return f"memory_vector_hnsw_{model}"


def is_indexed(model: int | None) -> bool:
    """Tell whether a model has its index; once seen, it is taken to stay."""
    if model is None:
        return False
    key = (str(connection.settings_dict["NAME"]), model)
    if key not in _indexed:
        with raw_cursor() as cursor:
            row = cursor.execute("SELECT to_regclass(%s)", [index_name(model)]).fetchone()
        if row is None or row[0] is None:
            return False
        _indexed.add(key)
    return True


def create_index(model: int, dimension: int) -> None:
    """Make a model's index as the owner, without stopping writers (Malkov & Yashunin 2018; pgvector's defaults)."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            CREATE.format(
                name=index_name(model), dimension=dimension, model=model, concurrently="CONCURRENTLY"
            )
        )
