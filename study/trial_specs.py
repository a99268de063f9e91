"""The TrialSpec of a planned trial: study file, configuration, data and split, as its worker reads them."""

import dataclasses

from study.design import Arm, PlannedTrial
from study.ledger.rows import Case
from study.study_file import Study, trial_fields
from trainables.data.cache.scaling import Scales
from trainables.storage.folder import Storage
from trainables.trial import TrialSpec

PREVIEWS = 3  # cases of which a final-stage trial keeps a picture
FIRST_PREVIEWS = 9  # of the first seed, which the gallery shows; the others' three are among them


@dataclasses.dataclass(frozen=True)
class Data:
    """A study's data, ready to be trained on.

    Attributes:
        index: Path of the prepared dataset's index.
        digest: Digest of the cases' files.
        cases: Every case with its group, its split in each fold and its facts.
        scales: For each fold what `zscore_training` does by its training cases; () without.
    """

    index: str
    digest: str
    cases: tuple[Case, ...]
    scales: tuple[Scales, ...] = ()

    def named(self, fold: int, split: str) -> tuple[str, ...]:
        """Return the names of a fold's cases, in order."""
        return tuple(case.name for case in self.cases if case.splits[fold] == split)


def trial_spec(study: Study, arm: Arm, plan: PlannedTrial, data: Data, *, gpu: float) -> TrialSpec:
    """Return all that a trial needs.

    The search stage is scored on validation cases, the final stage on test cases. Both train on training cases only,
    unless the study says that the final stage trains on validation cases too.

    Args:
        study: The study.
        arm: The trial's arm.
        plan: The trial.
        data: The study's prepared data.
        gpu: Its share of a GPU.
    """
    key = plan.key
    final = key.stage == "final"
    train, validation = (data.named(key.fold, split) for split in ("train", "validation"))
    scored = data.named(key.fold, "test") if final else validation
    first = final and key.number == 0
    previews = _spread(scored, FIRST_PREVIEWS if first else PREVIEWS) if final else ()
    fields = trial_fields(study, arm, plan.parameters)
    if not final:
        fields["lesions"] = False  # the records are the report's, which reads the final stage only
    return TrialSpec(
        key=str(key),
        seed=plan.seed,
        data=data.index,
        scales=data.scales[key.fold] if data.scales else (),
        train=(*train, *validation) if final and study.budget.final_on == "train+validation" else train,
        validate=validation if study.training.evaluate_every else (),
        evaluate=scored,
        previews=previews,
        stacks=previews if first else (),
        independent=final and study.budget.marks == "independent",
        gpu=gpu,
        **fields,
    )


def write_spec(storage: Storage, spec: TrialSpec, folder: str) -> None:
    """Write a TrialSpec into its trial's folder, unless it is there."""
    name, content = f"{folder}/spec.json", spec.to_json().encode()
    if not storage.has(name) or storage.read(name) != content:
        storage.write(name, content)


def _spread(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return at most `count` names, evenly over all of them: of 10 the second, sixth and ninth."""
    if len(names) <= count:
        return names
    return tuple(names[(2 * i + 1) * len(names) // (2 * count)] for i in range(count))
