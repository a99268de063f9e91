"""Parameters of losses that are refused."""


def positive(**numbers: float) -> None:
    """Refuses what is not above 0 (a NaN is not).

    Raises:
        ValueError: Which, and what was found.
    """
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name}: expected a positive number, found {number}")


def not_negative(**numbers: float) -> None:
    """Refuses what is below 0, or a NaN.

    Raises:
        ValueError: Which, and what was found.
    """
    for name, number in numbers.items():
        if not number >= 0:
            raise ValueError(f"{name}: expected a number >= 0, found {number}")


def one_of(known: tuple[str, ...], **words: str) -> None:
    """Refuses a word that is not known.

    Raises:
        ValueError: Which, and what was found.
    """
    for name, word in words.items():
        if word not in known:
            raise ValueError(f"{name}: expected {' or '.join(known)}, found {word!r}")
