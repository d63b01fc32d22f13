class EmbeddedError(Exception):
    """The embedded servers cannot run; the message is one line that says what to do."""
