"""How often Python looks for circles of garbage."""

import gc

IN_WORKERS = 50_000, 20, 20
IN_WEB = 10_000, 10, 10  # it has threads, each with a body's worth of objects


def rarely_collect(thresholds: tuple[int, int, int]) -> None:
    """Look seldom, and not among what is loaded for good.

    A message or a body makes some ten thousand objects that go as they came. By default they are looked through again
    and again meanwhile, and all that is loaded with them: an eighth of a worker's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*thresholds)
