"""What all drivers of a cluster wish for, added up: Ray's autoscaler knows what it was told last, and never forgets.

One actor, which outlives its drivers, tells it. A driver that it hears nothing of for a while has died, and its
machines may go.
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

NAME = NAMESPACE = "segstudy-wishes"
SILENT = 90.0  # seconds after which a driver is taken for dead
AGAIN = 20.0  # seconds between a driver's words
LOOK = 2.0  # seconds between looks at who is silent

Bundle = dict[str, float]
"""CPUs and GPUs that are to be free on one machine, as Ray writes them."""


class Wishes:
    """Who wishes for what.

    Args:
        request: `ray.autoscaler.sdk.request_resources`.
        silent: Seconds after which a driver is taken for dead.
        clock: Seconds.
    """

    def __init__(
        self, request: Callable[..., None], silent: float = SILENT, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._request, self._silent, self._clock = request, silent, clock
        self._heard: dict[str, tuple[float, Sequence[Bundle]]] = {}
        self._told: list[Bundle] = []

    def tell(self, who: str, bundles: Sequence[Bundle]) -> None:
        """A driver's whole wish, in place of its last; empty: it needs nothing any more."""
        self._heard.pop(who, None)
        if bundles:
            self._heard[who] = (self._clock(), bundles)
        self.look()

    def look(self) -> bool:
        """Forgets the dead, and tells the autoscaler what is left, if that changed; whether anybody wishes."""
        since = self._clock() - self._silent
        self._heard = {who: each for who, each in self._heard.items() if each[0] > since}
        total = [bundle for who in sorted(self._heard) for bundle in self._heard[who][1]]
        if total != self._told:
            self._request(bundles=total)
            self._told = total
        return bool(self._heard)


class Teller:
    """This driver's voice: tells what it wishes, and again every now and then while it wishes anything.

    Args:
        silent: Seconds after which it is taken for dead.
        again: Seconds between its words.
    """

    def __init__(self, silent: float = SILENT, again: float = AGAIN) -> None:
        self._silent, self._again = silent, again
        self._who = secrets.token_hex(8)
        self._bundles: Sequence[Bundle] = ()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def __call__(self, *, bundles: Sequence[Bundle]) -> None:
        """As `ray.autoscaler.sdk.request_resources` is called."""
        with self._changed:
            self._bundles = bundles
            self._say()
            self._changed.notify()
            if bundles and self._thread is None:
                self._thread = threading.Thread(target=self._repeat, name="wishes", daemon=True)
                self._thread.start()

    def _say(self) -> None:
        lasting = {"name": NAME, "namespace": NAMESPACE, "lifetime": "detached", "get_if_exists": True}
        with contextlib.suppress(RayError, RuntimeError, ValueError):  # the next word says it again
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
    """`Wishes` on the cluster, until nobody wishes anything."""

    def __init__(self, silent: float) -> None:
        from ray.autoscaler.sdk import request_resources

        self._wishes = Wishes(request_resources, silent)
        self._ends: asyncio.Task[None] | None = None

    async def tell(self, who: str, bundles: list[Bundle]) -> None:
        self._wishes.tell(who, bundles)
        if self._ends is None:
            self._ends = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while self._wishes.look():
            await asyncio.sleep(LOOK)
        ray.kill(ray.get_runtime_context().current_actor)


@functools.cache
def teller() -> Teller:
    """The voice of this process, which is one driver to Ray."""
    return Teller()
