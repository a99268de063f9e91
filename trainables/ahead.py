"""One thing done by a thread while another is used: reading the next case, judging the last one."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ahead(items: Iterable[T], work: Callable[[T], R]) -> Iterator[R]:
    """`map(work, items)`, with the work done by one thread, one item ahead of what is asked for.

    While a result is used the next one is made, and while one is made the next item is got. So `items` runs in the
    caller's thread, two items further than what has been given out. Order and results are those of `map`; an error
    comes where the result would have come.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        made: Future[R] | None = None
        for item in items:
            next_one = thread.submit(work, item)
            if made is not None:
                yield made.result()
            made = next_one
        if made is not None:
            yield made.result()
