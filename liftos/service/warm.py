"""What the first request would otherwise wait for."""

import logging

from liftos.embedding import EmbedderUnavailable, get_manager

logger = logging.getLogger("liftos.service")


def warm_up() -> None:
    """Load the embedding model."""
    try:
        get_manager().embed("warm")
    except EmbedderUnavailable:
        logger.warning("the embedder is not available; storing and word search go on without it")
