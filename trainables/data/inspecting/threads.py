"""Cases that are opened by several threads."""

import concurrent.futures
from collections.abc import Callable, Sequence
from typing import TypeVar

from trainables.data.finding.layouts import CaseFiles

T = TypeVar("T")


def in_threads(work: Callable[[CaseFiles], T], cases: Sequence[CaseFiles], workers: int) -> list[T]:
    """Return the result for each case, in order.

    An error of `work`, or Ctrl-C, is raised at once: cases not yet open are left, open ones are not waited for.

    Args:
        work: Called with each case, in a thread.
        cases: The cases.
        workers: Threads, each with one case in memory.
    """
    pool = concurrent.futures.ThreadPoolExecutor(workers)
    try:
        return list(pool.map(work, cases))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
