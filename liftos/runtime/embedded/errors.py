class EmbeddedError(Exception):
    """The embedded servers can't run; the message is one line that says what to do."""
