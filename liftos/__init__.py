"""LiftOS Core: organisational memory. The Django project and the kernel of all apps."""
