"""The driver file: a file in the storage that tells workers which driver is current and whether to stop.

Workers of a driver that was frozen while another took over the study stop, since the file has a newer fencing number.
"""

import json
import time
from collections.abc import Callable

from trainables.segment import driver_file
from trainables.storage.folder import Storage

CHECK_SECONDS = 5.0  # between two checks that the file is still this driver's


class DriverFile:
    """The driver file of one driver; written on construction."""

    def __init__(self, storage: Storage, name: str, fence: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._storage, self._name, self._fence, self._clock = storage, name, fence, clock
        self.halted = False
        self._written = clock()
        self._write()

    def keep(self) -> None:
        """Write the file again if an older driver that was ending has overwritten it; checked every few seconds."""
        if self._clock() - self._written >= CHECK_SECONDS:
            if self._found() < self._fence:
                self._write()
            self._written = self._clock()

    def halt(self) -> None:
        """Tell this driver's workers to save and stop. The file of a newer driver is left as it is."""
        if not self.halted:
            self.halted = True
            if self._found() <= self._fence:
                self._write()

    def _write(self) -> None:
        self._storage.write(self._name, driver_file(self._fence, halt=self.halted))
        self._written = self._clock()

    def _found(self) -> int:
        """Return the fencing number in the file; -1 if there is no readable one."""
        try:
            return int(json.loads(self._storage.read(self._name))["fence"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return -1
