"""Events as server-sent events: who listens, what each may see, and the thread that reads for all of them."""
