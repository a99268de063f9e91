"""`training.batch_size: auto`: one size for all arms of a study, determined once, so that the arms stay comparable.

The rule depends on the patch and on no machine: the greatest power of two from 2 to 32 whose patches have at most 2^20
voxels together. That is 2 at 80 x 80 x 80, 4 at 64 x 64 x 64, 16 at 256 x 256. On a GPU it is halved until the largest
network fits; on a CPU, where memory is seldom the limit, the rule applies. The ledger's study file holds the result
in place of `auto`, and a continued study keeps it, on any machine.
"""

import math
from collections.abc import Iterator, Sequence

from search_spaces.grammar import Fixed
from study.ledger import Ledger
from study.study_file import Study
from study.study_file.parameters import AUTO
from study.study_file.recorded.later_keys import as_recorded

LEAST, MOST = 2, 32
VOXELS = 2**20  # in a batch: about the two patches of 80 x 80 x 80 of the kits19 study


def is_auto(study: Study) -> bool:
    """Whether the study file says `auto`."""
    return study.training.parameters["batch_size"] == Fixed(AUTO)


def by_patch(patch_size: Sequence[int]) -> int:
    """Return the batch size of the rule.

    Args:
        patch_size: Voxels of a patch.
    """
    fitting = VOXELS // math.prod(patch_size)
    return max(LEAST, min(MOST, 2 ** (fitting.bit_length() - 1) if fitting else LEAST))


def candidates(patch_size: Sequence[int]) -> Iterator[int]:
    """Return the sizes to try on a GPU: the rule's, then half of it, down to 2."""
    size = by_patch(patch_size)
    while size >= LEAST:
        yield size
        size //= 2


def with_batch(study: Study, size: int) -> Study:
    """Return the study with a batch size in place of `auto`."""
    plain = study.plain()
    return Study.from_plain({**plain, "training": {**plain["training"], "batch_size": size}}, source=study.name)


def as_begun(study: Study, ledger: Ledger) -> Study:
    """Return the study with what the ledger recorded where its file says `auto`, if the study has started."""
    if not ledger.has_study(study.name):
        return study
    file = ledger.study(study.name).file
    study = as_recorded(study, file)
    if not is_auto(study):
        return study
    known = file["training"].get("batch_size", AUTO)
    return study if known == AUTO or isinstance(known, dict | list) else with_batch(study, known)
