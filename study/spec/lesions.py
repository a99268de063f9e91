"""The `report.lesions` section: how lesions of all scans are counted together."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from study.spec.base import Section, listed
from study.spec.errors import Problem


class LesionCounting(Section):
    """Lesion records of every case are kept, and the report has a table of them.

    Attributes:
        protocol: How that table works out average recall: `corrected`, or `iw2020` as the paper's code did.
        strata: Diameters in voxels that part small lesions from large ones; each stratum gets a row of its own. The
            papers: 8 for LUNA16, 12 for LiTS, 5 for metastases.
    """

    protocol: Literal["corrected", "iw2020"] = "corrected"
    strata: Annotated[tuple[Annotated[float, Field(gt=0)], ...], BeforeValidator(listed)] = ()

    def problems(self) -> Iterator[Problem]:
        """Diameters out of order."""
        if any(left >= right for left, right in zip(self.strata, self.strata[1:], strict=False)):
            yield Problem(("strata",), f"expected rising diameters, found {list(self.strata)}.")
