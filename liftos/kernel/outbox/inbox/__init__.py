"""Events from outside: reading CloudEvents, and writing each into the outbox once."""
