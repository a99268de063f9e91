"""Studies that no machine can carry out, refused by an estimate of work and memory before anything is planned."""

import math

from search_spaces.grammar import Choice, Fixed, Parameter, Scalar
from study.study_file import Study
from study.study_file.errors import SpecError
from trainables.host_memory import shown

LARGEST_MEMORY = 32e12
"""Bytes of memory of the largest machines that can be rented."""
VALUES_A_VOXEL = 20
"""float32 values that a training keeps for each voxel of a batch at the least: image, label, and a first layer of a few
channels with its gradients."""
MOST_TRAININGS = 1_000_000
"""Trainings that a ledger and a plan are made for."""
MOST_ITERATIONS = 10**12
"""Iterations of one training: three years at 10,000 a second, which no network of this package reaches."""


def batch_bytes(study: Study) -> float:
    """Return the bytes of one batch in training, at least; of a batch size that is found out, those of one patch."""
    patches = max(
        (size for size in _values(study.training.parameters["batch_size"]) if isinstance(size, int)), default=1
    )
    slices = 2 * study.patch.context + 1
    return 4.0 * VALUES_A_VOXEL * patches * slices * math.prod(map(float, study.patch.size))


def _values(parameter: Parameter) -> tuple[Scalar, ...]:
    """Return a parameter's value, its choices, or its greatest value as a whole number."""
    if isinstance(parameter, Fixed):
        return (parameter.value,)
    return parameter.values if isinstance(parameter, Choice) else (int(parameter.high),)


def trainings(study: Study) -> int:
    """Return the number of trainings of a study, both stages, if every trial is started."""
    budget = study.budget
    searched = study.folds if budget.search_in == "each_fold" else 1
    each = budget.searches * (searched * budget.trials_per_arm + study.folds * budget.final_seeds)
    return len(study.models) * len(study.losses) * len(study.weighting) * each


def refuse_impossible(study: Study) -> None:
    """Refuse values that no machine holds.

    Raises:
        SpecError: It names the keys, the estimate and the limit.
    """
    problems = []
    need = batch_bytes(study)
    if need > LARGEST_MEMORY:
        problems.append(
            f"patch.size {list(study.patch.size)} and training.batch_size: one batch needs "
            f"at least {shown(need)} of memory, the largest machines have {shown(LARGEST_MEMORY)}. Give smaller ones."
        )
    if (count := trainings(study)) > MOST_TRAININGS:
        problems.append(
            f"budget: {count:,} trainings (trials_per_arm, searches, final_seeds, folds, arms), {MOST_TRAININGS:,} at "
            "most. Give fewer."
        )
    if (length := study.training.iterations) > MOST_ITERATIONS:
        problems.append(
            f"training.iterations: {length:,} take {length / 1e4 / 31_557_600:,.0f} years at 10,000 a second, "
            f"{MOST_ITERATIONS:,} at most. Give fewer."
        )
    if problems:
        raise SpecError(study.name, problems)
