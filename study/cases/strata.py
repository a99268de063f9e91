"""Strata: groups in a line where like stands beside like, and draws that are even along it.

Groups are alike that have the same labels and about the same volume of foreground. So each part of a split gets its
share of the cases without a tumour, of the small ones and of the large ones.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

from trainables.random_streams import key_of

PARTS = 3
"""The groups of one set of labels are cut into so many parts by volume: tertiles."""

Amounts = Mapping[str, float]
"""Label → its volume in a case, in one unit for all cases, >= 0."""


def in_line(groups: Mapping[str, Sequence[Amounts]], seed: int) -> list[str]:
    """Groups ordered by the labels that they have, then by tertile of their volume, then by a draw.

    Args:
        groups: Group → the amounts of each of its cases. A group has the labels that any of its cases has; its volume
            is the mean over its cases of all labels' volume together.
        seed: Of the draw. The order in which groups come does not matter.
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
    """The line with even draws from it at its head: first `counts[0]` of the groups, then `counts[1]` of the rest, ….

    A draw takes every n-th group from a random start, so that of a stratum with a share p of the line at least
    the whole part of p times the count is taken and at most one more.

    Args:
        line: Groups.
        counts: Sizes of the draws; together at most the line's length.
        seed: Of the starts.
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
