"""Orders to the workers: a file in the storage that says which driver they obey, and whether to stop.

A driver that was frozen while another took the study over finds its workers stopped: the file names another fence.
"""

import json
import time
from collections.abc import Callable

from trainables.segment import driver_file
from trainables.storage.folder import Storage

LOOK = 5.0  # seconds between looks whether the file is still this driver's


class Orders:
    """One driver's orders; written when it is made."""

    def __init__(self, storage: Storage, name: str, fence: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._storage, self._name, self._fence, self._clock = storage, name, fence, clock
        self.halted = False
        self._written = clock()
        self._write()

    def keep(self) -> None:
        """Now and then writes the file again if an older driver, in its last moments, wrote over it."""
        if self._clock() - self._written >= LOOK:
            if self._found() < self._fence:
                self._write()
            self._written = self._clock()

    def halt(self) -> None:
        """This driver's workers are to save what they have and stop. A newer driver's orders stay as they are."""
        if not self.halted:
            self.halted = True
            if self._found() <= self._fence:
                self._write()

    def _write(self) -> None:
        self._storage.write(self._name, driver_file(self._fence, halt=self.halted))
        self._written = self._clock()

    def _found(self) -> int:
        """The fence in the file; -1 where there is none that can be read."""
        try:
            return int(json.loads(self._storage.read(self._name))["fence"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return -1
