"""The admin's first page: how the organisation that is open is doing. Part of the assembly: it asks every app."""
