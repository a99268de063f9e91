"""Orders to workers: of two drivers the newer one's stay."""

import pathlib

from study.running.driver_file import DriverFile
from trainables.segment import driver_file
from trainables.storage.folder import Storage


def test_orders_of_a_newer_driver_stay(tmp_path: pathlib.Path) -> None:
    storage, now = Storage(tmp_path), [0.0]
    older = DriverFile(storage, "driver.json", 3, clock=lambda: now[0])
    newer = DriverFile(storage, "driver.json", 4, clock=lambda: now[0])
    older.halt()
    assert storage.read("driver.json") == driver_file(4)
    storage.write("driver.json", driver_file(3, halt=True))  # it looked before, and wrote after
    newer.keep()
    assert storage.read("driver.json") == driver_file(3, halt=True)  # not every time
    now[0] = 6.0
    newer.keep()
    assert storage.read("driver.json") == driver_file(4)
    newer.halt()
    assert storage.read("driver.json") == driver_file(4, halt=True)
