"""Libraries' own log lines and warnings, which name no file: what matters of them is checked and said in one line."""

import functools
import logging
import warnings


@functools.cache
def silence(package: str) -> None:
    """Keep a package's log lines and warnings from the terminal; a program's own handlers still get the lines."""
    logger = logging.getLogger(package)
    logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=rf"{package}(\.|$)")
