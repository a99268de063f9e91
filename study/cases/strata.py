"""Strata: groups ordered so that similar ones are adjacent, and draws that are even along this order.

Groups are similar if they have the same labels and a similar volume of foreground. So each part of a split gets its
share of the cases without a tumour, of the small ones and of the large ones.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

from trainables.random_streams import key_of

PARTS = 3
"""Groups with one set of labels are divided by volume into this number of parts (tertiles)."""

Amounts = Mapping[str, float]
"""Label → its volume in a case, in one unit for all cases, >= 0."""


def in_line(groups: Mapping[str, Sequence[Amounts]], seed: int) -> list[str]:
    """Return groups ordered by their labels, then by tertile of their volume, then at random.

    Args:
        groups: Group → the amounts of each of its cases. A group has the labels that any of its cases has; its volume
            is the mean over its cases of all labels' volume together.
        seed: Seed of the random order. The order of the input does not matter.
    """
    drawn = {group: key_of(seed, "split", group) for group in groups}
    kinds: dict[tuple[str, ...], list[str]] = {}
    for group, cases in groups.items():
        kinds.setdefault(_labels(cases), []).append(group)
    line: list[str] = []
    for kind in sorted(kinds):
        by_volume = sorted(kinds[kind], key=lambda group: (_volume(groups[group]), drawn[group]))
        third = {group: rank * PARTS // len(by_volume) for rank, group in enumerate(by_volume)}
        line += sorted(by_volume, key=lambda group: (third[group], drawn[group]))
    return line


def evenly(line: Sequence[str], counts: Sequence[int], seed: int) -> list[str]:
    """Return the line with even draws moved to its head: `counts[0]` groups, then `counts[1]` of the rest, and so on.

    A draw takes every n-th group from a random start, so that of a stratum with a fraction p of the line at least
    the whole part of p times the count is taken and at most one more.

    Args:
        line: Groups.
        counts: Sizes of the draws; together at most the line's length.
        seed: Seed of the starts.
    """
    head, rest = [], list(line)
    for number, count in enumerate(counts):
        if count == 0:
            continue
        start = key_of(seed, "split start", number) % len(rest)
        taken = {(index * len(rest) + start) // count for index in range(count)}
        head += [group for rank, group in enumerate(rest) if rank in taken]
        rest = [group for rank, group in enumerate(rest) if rank not in taken]
    return head + rest


def _labels(cases: Sequence[Amounts]) -> tuple[str, ...]:
    return tuple(sorted({label for case in cases for label, amount in case.items() if amount > 0}))


def _volume(cases: Sequence[Amounts]) -> float:
    return fmean(sum(case.values()) for case in cases)
