"""Lists of memories: what narrows them, their orders, pages in both directions, and counts."""
