"""LiftOS Core: organisational memory. The kernel that every app stands on."""
