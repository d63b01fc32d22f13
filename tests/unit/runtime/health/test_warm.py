import gc

from liftos.runtime.health.warm import settle_memory


def test_what_lives_already_is_left_alone_and_what_comes_later_is_not():
    before = gc.get_threshold()
    try:
        settle_memory()
        assert gc.get_freeze_count() > 0
        circle: list[object] = []
        circle.append(circle)
        del circle
        assert gc.collect() >= 1
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
