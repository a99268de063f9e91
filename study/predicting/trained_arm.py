"""The trained networks of an arm: which of its final trials are asked for, as ledger and storage have them."""

import dataclasses
import functools
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

from study.cases.from_study_file import options_of
from study.design import TrialKey
from study.in_words import counted
from study.ledger import Ledger
from study.ledger.rows import ArmRow, Case, StudyRow, TrialRow
from study.predicting.mask_values import label_values
from study.study_file import Study
from study.study_file.code import CODE
from trainables.data.cases.options import PreprocessOptions
from trainables.errors import InputError
from trainables.storage.object_store import StoreAwayError, storage_at
from trainables.trial import TrialSpec


@dataclasses.dataclass(frozen=True)
class TrainedNetwork:
    """One trained network, not loaded yet.

    Attributes:
        trial: The final trial.
        spec: What was trained, as the worker had it.
        checkpoint: Folder of its weights, relative to the storage's root.
        weights: Digest of its weights, from the ledger.
    """

    trial: TrialKey
    spec: TrialSpec
    checkpoint: str
    weights: str


@dataclasses.dataclass(frozen=True)
class TrainedArm:
    """An arm's trained networks, and how the study treats the images that they were trained on. Plain data.

    Attributes:
        study: The study's name.
        arm: The arm's name.
        storage: Root of the storage.
        networks: At least one, in the order of trials; all of one arm, so of one grid and with the same outputs.
        options: How images are prepared.
        cases: The study's cases, with their splits and facts.
        channels: Channels of its images.
        values: Value of each class in the data set's own masks, 0 for the background first.
        file: The study file as the ledger has it.
    """

    study: str
    arm: str
    storage: str
    networks: tuple[TrainedNetwork, ...]
    options: PreprocessOptions
    cases: tuple[Case, ...]
    channels: int
    values: tuple[float, ...]
    file: Study

    @property
    def spec(self) -> TrialSpec:
        """The first network's trial: patch, outputs and inference are the same for all."""
        return self.networks[0].spec

    @functools.cached_property
    def seen(self) -> Mapping[str, str]:
        """Content of an image → name of the case, for the cases that trained these networks or chose their settings."""
        folds = {network.trial.fold for network in self.networks}
        return {
            str(case.facts["content"]): case.name
            for case in self.cases
            if any(case.splits[fold] != "test" for fold in folds)
        }


def trained_arm(
    ledger: Ledger,
    storage: str,
    study: str,
    arm: str | None = None,
    *,
    seeds: Collection[int] = (),
    folds: Collection[int] = (),
    allow_code: bool = False,
) -> TrainedArm:
    """Return an arm's final networks.

    Args:
        ledger: The ledger.
        storage: Root of the storage, where the checkpoints are.
        study: The study's name.
        arm: The arm's name; None where the study has one only.
        seeds: Numbers of the final seeds, from 0; () for all.
        folds: Numbers of the folds, from 0; () for all.
        allow_code: Whether a network of the user's own may be built, which runs its code.

    Raises:
        InputError: There is no such study, arm, seed or fold; a trial has not finished; its weights are not there; or
            the record is another version's. One line.
    """
    row = ledger.study(study)
    chosen = _arm(ledger.arms(row.id), study, arm)
    finals = [trial for trial in ledger.trials(row.id, "final") if trial.arm == chosen.name]
    trials = _finished(_selected(finals, seeds, folds, f"{study}/{chosen.name}"), f"{study}/{chosen.name}")
    last = {segment.trial: segment for segment in ledger.segments(row.id, "final")}  # by mark: the last one stays
    networks = []
    for trial in trials:
        segment = last[trial.key]
        if segment.checkpoint is None:
            remedy = (
                "An exported ledger has numbers only: give the home in which the study ran by --home."
                if ledger.is_archive
                else "Run the study again."
            )
            raise InputError(f"{study}: the ledger names no weights of {trial.key}. {remedy}")
        spec = _spec(storage, segment.checkpoint, trial.key)
        networks.append(TrainedNetwork(trial.key, spec, segment.checkpoint, segment.weights))
    _refuse_code(networks[0].spec, allow_code)
    cases = tuple(ledger.cases(row.id))
    file = _file(row)
    options = options_of(file)
    return TrainedArm(
        study=study,
        arm=chosen.name,
        storage=storage,
        networks=tuple(networks),
        options=options,
        cases=cases,
        channels=int(cases[0].facts["channels"]),
        values=label_values(options.labels, [case.facts for case in cases]),
        file=file,
    )


def _arm(arms: Sequence[ArmRow], study: str, name: str | None) -> ArmRow:
    names = ", ".join(arm.name for arm in arms)
    if name is None and len(arms) == 1:
        return arms[0]
    if name is None:
        raise InputError(
            f"{study} has {counted(len(arms), 'arm')} ({names}): name one, as {study}/{arms[0].name}. The best one by "
            "test scores would be a choice on the test cases, so none is taken for you."
        )
    found = next((arm for arm in arms if arm.name == name), None)
    if found is None:
        raise InputError(f"{study} has no arm {name!r}. There are {names}.")
    return found


def _selected(trials: Sequence[TrialRow], seeds: Collection[int], folds: Collection[int], of: str) -> list[TrialRow]:
    if not trials:
        raise InputError(f"{of}: no final training has begun. Run the study to its end first (segstudy status).")
    for what, wanted, there in (
        ("seed", seeds, {trial.key.number for trial in trials}),
        ("fold", folds, {trial.key.fold for trial in trials}),
    ):
        if missing := sorted(set(wanted) - there):
            known = ", ".join(map(str, sorted(there)))
            raise InputError(f"{of} has no {what} {missing[0]}: expected of {known} (--{what}, counted from 0).")
    return [
        trial for trial in trials if (not seeds or trial.key.number in seeds) and (not folds or trial.key.fold in folds)
    ]


def _finished(trials: Sequence[TrialRow], of: str) -> Sequence[TrialRow]:
    unfinished = [trial for trial in trials if trial.status != "finished"]
    if not unfinished:
        return trials
    first, some = unfinished[0], [trial for trial in trials if trial.status == "finished"]
    said = "has not finished" if first.status == "open" else f"{first.status}: {first.reason}"
    remedy = "Run the study to its end."
    if some:
        remedy = (
            f"Name those that have, such as --seed {some[0].key.number} --fold {some[0].key.fold}, or run it again."
        )
    raise InputError(f"{of}: {counted(len(unfinished), 'network')} missing, {first.key} {said}. {remedy}")


def _spec(storage: str, checkpoint: str, trial: TrialKey) -> TrialSpec:
    """Return what the worker trained, which lies beside the checkpoints."""
    name = f"{PurePosixPath(checkpoint).parent}/spec.json"
    try:
        text = storage_at(storage).read(name).decode()
    except FileNotFoundError:
        raise InputError(
            f"{storage}: no {name}, so the weights of {trial} are not here. Give the folder in which the study ran by "
            "--home, or its --storage."
        ) from None
    except StoreAwayError as error:
        raise InputError(f"{storage}: {error.strerror}") from error
    try:
        spec = TrialSpec.from_json(text)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{storage}: {name} is of another version of segstudy ({' '.join(str(error).split())[:120]}). Predict with "
            "the version that trained it (`segstudy report` names it)."
        ) from error
    if spec.key != str(trial):
        raise InputError(f"{storage}: {name} is of trial {spec.key}, not {trial}: another study's folder.")
    return spec


def _refuse_code(spec: TrialSpec, allow_code: bool) -> None:
    if CODE in spec.model_parameters and not allow_code:
        raise InputError(
            f"models.{spec.model}: {spec.model_parameters[CODE]} is code of your own: allow it to run by --allow-code."
        )


def _file(row: StudyRow) -> Study:
    try:
        return Study.from_plain(row.file, source=row.name)
    except InputError as error:
        raise InputError(
            f"{row.name}: its study file in the ledger is of another version ({str(error).splitlines()[-1].strip()}). "
            "Predict with the version that trained it."
        ) from error
