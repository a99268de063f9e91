"""Evaluation: scores, voxel counts, lesion records and previews of full volumes at one mark."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from trainables.lesion_records import Lesions
from trainables.metrics.histogram import Histogram
from trainables.metrics.scoring import Measured
from trainables.pictures.kept import Preview
from trainables.trial import Counts, Score


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Scores of full volumes at one mark.

    Attributes:
        scores: One for each case, region and metric, in the order asked for.
        previews: One for each case that a preview was asked for.
        counts: Voxels, for each case and region.
        lesions: Lesion records, likewise, where they are asked for.
        histograms: Region → log-odds of all voxels of the cases, where a metric ranks them.
    """

    scores: tuple[Score, ...]
    previews: tuple[Preview, ...] = ()
    counts: tuple[Counts, ...] = ()
    lesions: tuple[Lesions, ...] = ()
    histograms: Mapping[str, Histogram] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, measured: Measured, previews: Sequence[Preview] = ()) -> Self:
        """Combine measurements with previews."""
        return cls(measured.scores, tuple(previews), measured.counts, measured.lesions, measured.histograms)

    @classmethod
    def together(cls, several: Iterable[Self]) -> Self:
        """Combine the evaluations of several cases, in their order."""
        measured, previews = Measured(), list[Preview]()
        for one in several:
            measured += one.measured
            previews += one.previews
        return cls.of(measured, previews)

    @property
    def measured(self) -> Measured:
        """The evaluation without its previews."""
        return Measured(self.scores, self.counts, self.lesions, self.histograms)
