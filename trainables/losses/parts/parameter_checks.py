"""Checks of the losses' parameters."""


def positive(**numbers: float) -> None:
    """Refuse numbers that are not above 0, and NaN.

    Raises:
        ValueError: One of them is refused; the message names it and its value.
    """
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name}: expected a positive number, found {number}")


def not_negative(**numbers: float) -> None:
    """Refuse numbers below 0, and NaN.

    Raises:
        ValueError: One of them is refused; the message names it and its value.
    """
    for name, number in numbers.items():
        if not number >= 0:
            raise ValueError(f"{name}: expected a number >= 0, found {number}")


def one_of(known: tuple[str, ...], **words: str) -> None:
    """Refuse an unknown word.

    Raises:
        ValueError: One of them is refused; the message names it and its value.
    """
    for name, word in words.items():
        if word not in known:
            raise ValueError(f"{name}: expected {' or '.join(known)}, found {word!r}")
