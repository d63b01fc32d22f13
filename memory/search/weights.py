"""Weights of the evidence beside an arm's share, and the share of a score that a link passes on. Tuned by `manage.py evaluate_retrieval`. Pure."""

# the arms together count 1; a code as much, so that no likeness outweighs it
WEIGHTS = {
    "thread": 0.25,
    "actor": 0.2,
    "period": 0.3,
    "entities": 0.1,
    "links": 0.4,
    "fit": 0.2,
    "codes": 1.0,
}

# spreading activation: the share of a memory's score that goes over one link, over two
EDGE = 0.5
SECOND = 0.25
# instead of EDGE, from a question to the memory that follows it: likely its answer
REPLY = 0.625
