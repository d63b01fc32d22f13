"""The workflow engine. All state is in Postgres; every process asks it for work."""
