"""Sets that retrieval is measured on (README.md)."""

from pathlib import Path

FOLDER = Path(__file__).parent
