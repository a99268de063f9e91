"""Stand-in for the agents of Ray that a study does not use: ends with its parent, the raylet, or with the driver.

Started by the raylet as a script, with the driver's process number; uses the standard library alone.
"""

import os
import sys
import time

POLL = 1.0  # seconds between two looks at the processes


def main(driver: int) -> None:
    """Wait for the end of the parent process or of the driver."""
    parent = os.getppid()
    while os.getppid() == parent and lives(driver):
        time.sleep(POLL)


def lives(process: int) -> bool:
    """Whether a process with this number exists."""
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main(int(sys.argv[1]))
