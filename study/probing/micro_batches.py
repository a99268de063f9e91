"""Checks of `training.micro_batches`: each network is built once, and each loss must allow micro-batches."""

from collections.abc import Iterator

from search_spaces.grammar import Choice, Scalar
from study.cases.from_study_file import fields
from study.design import Arm, PlannedTrial, TrialKey
from study.study_file import Study
from study.trial_specs import Data, trial_spec
from trainables.errors import InputError


def refusals(study: Study, channels: int) -> list[str]:
    """Return what in a study conflicts with micro-batches, one line each; empty if they are not used.

    Args:
        study: The study, its batch size known or not.
        channels: Number of image channels.
    """
    if study.training.micro_batches == 1:
        return []
    found = [line for arm in study.arms for line in _of(study, arm, channels)]
    return list(dict.fromkeys(found))


def _of(study: Study, arm: Arm, channels: int) -> Iterator[str]:
    from trainables import models
    from trainables.data.cases.options import PreprocessOptions
    from trainables.training.micro_batches import check

    ignores = PreprocessOptions(**fields(study)).ignores
    for point in _points(arm):
        plan = PlannedTrial(TrialKey("search", arm.index, 0, 0, 0), 0, study.seed, point)
        spec = trial_spec(study, arm, plan, Data("", "", ()), gpu=0.0)
        try:
            network = models.build(
                spec.model,
                in_channels=channels * spec.slices,
                out_channels=len(spec.outputs),
                dim=study.dim,
                parameters=spec.model_parameters,
                seed=0,
                patch_size=spec.patch_size,
            )
            check(spec, network, ignores=ignores)
        except InputError as error:
            yield str(error)


def _points(arm: Arm) -> Iterator[dict[str, Scalar]]:
    """Yield an arm's default configuration, and variants with each other choice of a search for network or loss."""
    yield dict(arm.default)
    for name, parameter in arm.space.items():
        if isinstance(parameter, Choice) and name.startswith(("model.", "loss.")):
            yield from ({**arm.default, name: value} for value in parameter.values if value != arm.default[name])
