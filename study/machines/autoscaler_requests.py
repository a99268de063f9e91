"""Autoscaler requests of all drivers of a cluster, added up: Ray's autoscaler keeps only the last request, for ever.

One detached actor collects them. A driver that has not repeated its request for a while is taken for dead, and its
request is dropped.
"""

import asyncio
import contextlib
import functools
import secrets
import threading
import time
from collections.abc import Callable, Sequence

import ray
from ray.exceptions import RayError

NAME = NAMESPACE = "segstudy-resource-requests"
SILENT = 90.0  # seconds without a request after which a driver is taken for dead
AGAIN = 20.0  # seconds between two repetitions of a driver's request
LOOK = 2.0  # seconds between two searches for dead drivers

Bundle = dict[str, float]
"""CPUs and GPUs on one machine, as Ray writes them."""


class ResourceRequests:
    """The requests of all drivers.

    Args:
        request: `ray.autoscaler.sdk.request_resources`.
        silent: Seconds without a request after which a driver is taken for dead.
        clock: Monotonic time in seconds.
    """

    def __init__(
        self, request: Callable[..., None], silent: float = SILENT, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._request, self._silent, self._clock = request, silent, clock
        self._heard: dict[str, tuple[float, Sequence[Bundle]]] = {}
        self._told: list[Bundle] = []

    def tell(self, who: str, bundles: Sequence[Bundle]) -> None:
        """Replace a driver's request; an empty one withdraws it."""
        self._heard.pop(who, None)
        if bundles:
            self._heard[who] = (self._clock(), bundles)
        self.look()

    def look(self) -> bool:
        """Drop requests of dead drivers and pass a changed sum to the autoscaler; return whether any is left."""
        since = self._clock() - self._silent
        self._heard = {who: each for who, each in self._heard.items() if each[0] > since}
        total = [bundle for who in sorted(self._heard) for bundle in self._heard[who][1]]
        if total != self._told:
            self._request(bundles=total)
            self._told = total
        return bool(self._heard)


class Requester:
    """Sends this driver's request, and repeats it while it is not empty.

    Args:
        silent: Seconds without a request after which the driver is taken for dead.
        again: Seconds between two repetitions.
    """

    def __init__(self, silent: float = SILENT, again: float = AGAIN) -> None:
        self._silent, self._again = silent, again
        self._who = secrets.token_hex(8)
        self._bundles: Sequence[Bundle] = ()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def __call__(self, *, bundles: Sequence[Bundle]) -> None:
        """Replace the request; same signature as `ray.autoscaler.sdk.request_resources`."""
        with self._changed:
            self._bundles = bundles
            self._say()
            self._changed.notify()
            if bundles and self._thread is None:
                self._thread = threading.Thread(target=self._repeat, name="resource-requests", daemon=True)
                self._thread.start()

    def _say(self) -> None:
        lasting = {"name": NAME, "namespace": NAMESPACE, "lifetime": "detached", "get_if_exists": True}
        with contextlib.suppress(RayError, RuntimeError, ValueError):  # the next repetition sends it again
            actor = _Actor.options(**lasting).remote(self._silent)  # type: ignore[attr-defined]  # Ray types no actor class
            actor.tell.remote(self._who, list(self._bundles))

    def _repeat(self) -> None:
        with self._changed:
            while self._bundles and ray.is_initialized():
                if not self._changed.wait(self._again):
                    self._say()
            self._thread = None


@ray.remote(num_cpus=0)
class _Actor:
    """`ResourceRequests` on the cluster; ends when no request is left."""

    def __init__(self, silent: float) -> None:
        from ray.autoscaler.sdk import request_resources

        self._requests = ResourceRequests(request_resources, silent)
        self._ends: asyncio.Task[None] | None = None

    async def tell(self, who: str, bundles: list[Bundle]) -> None:
        self._requests.tell(who, bundles)
        if self._ends is None:
            self._ends = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while self._requests.look():
            await asyncio.sleep(LOOK)
        ray.kill(ray.get_runtime_context().current_actor)


@functools.cache
def requester() -> Requester:
    """Return the `Requester` of this process, which is one driver for Ray."""
    return Requester()
