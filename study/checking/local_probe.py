"""Probes on this machine for `check`: prepares one case and measures each network in a process of its own."""

import contextlib
import dataclasses
import multiprocessing
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from study.cases.from_study_file import options_of
from study.checking.check import Check
from study.checking.time_and_cost import Estimate, estimate
from study.console.progress import speeds_seen
from study.events import OnEvent
from study.ledger import Ledger
from study.ledger.rows import Case
from study.machines.admission import Node
from study.planning.time_left import Speeds
from study.probing.batch_size import as_begun, by_patch, is_auto, with_batch
from study.probing.measure import carried_out, known_footprints
from study.probing.sizing import Sizing
from study.study_file import Study
from study.trial_specs import Data
from trainables.errors import InputError
from trainables.training.footprint import Footprint
from trainables.trial import TrialSpec

NOWHERE = "not prepared"


def data_of(check: Check) -> Data:
    """Return a checked study's data as known before anything is prepared."""
    cases = tuple(
        Case(fact.name, fact.group, tuple(roles[fact.name] for roles in check.splits), fact.plain())
        for fact in check.facts
    )
    return Data(NOWHERE, NOWHERE, cases)


def sizing_here(check: Check, ledger: Ledger, machine: Node, tell: OnEvent) -> Sizing:
    """Return a sizing whose probes run on this machine.

    Args:
        check: The checked study.
        ledger: Keeps the footprints.
        machine: This machine; if it has a GPU, that is measured.
        tell: Receives events.
    """
    return Sizing(
        ledger=ledger,
        data=data_of(check),
        nodes=(machine,),
        measure=lambda specs, largest: measured_here(check, specs, largest),
        device=lambda: device_here(on_gpu=_on_gpu(check.study, machine)),
        tell=tell,
    )


def device_here(*, on_gpu: bool) -> str:
    """Return the device name for footprints that are measured here."""
    if on_gpu:
        import torch

        return str(torch.cuda.get_device_name())
    import socket

    from trainables.training.footprint import CPU

    return f"{CPU}{socket.gethostname()}"


def measured_here(check: Check, specs: Sequence[TrialSpec], largest: Sequence[int]) -> Footprint | None:
    """Run a probe on this machine, on the smallest training case.

    Args:
        check: The checked study.
        specs: A network's trials.
        largest: Voxels of the largest case on the training grid.

    Raises:
        InputError: The case cannot be prepared, or the probe's process died.
    """
    name = min(
        (fact for fact in check.facts if check.splits[0][fact.name] == "train"),
        key=lambda fact: (int(np.prod(fact.prepared_shape)), fact.name),
    ).name
    fresh = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="segstudy-") as folder, ProcessPoolExecutor(1, mp_context=fresh) as pool:
        try:
            return pool.submit(_prepared_and_measured, check, name, folder, list(specs), tuple(largest)).result()
        except BrokenProcessPool as error:
            raise InputError("the probe's process died; with less memory in use elsewhere it may not") from error


def _prepared_and_measured(
    check: Check, name: str, folder: str, specs: list[TrialSpec], largest: tuple[int, ...]
) -> Footprint | None:
    from trainables.data.cache import cache, scaling

    options = options_of(check.study)
    files = next(case for case in check.cases.files if case.name == name)
    record = cache.prepare_case(files, options, Path(folder))
    index = str(cache.write_index(folder, [record], options))
    cases = list(cache.Dataset.open(index).cases.values())
    scales = scaling.training_scales(cases, options) if options.scaled_by_training else ()
    here = [
        dataclasses.replace(spec, data=index, scales=scales, train=(name,), evaluate=(name,), validate=(), previews=())
        for spec in specs
    ]
    return carried_out(here, largest)


def ahead(
    check: Check,
    ledger: str,
    machine: Node,
    *,
    gpus: int | None,
    slots: int | None,
    probe: bool,
    tell: OnEvent,
) -> Estimate:
    """Return the estimate of `check --gpus N` and `check --slots N`.

    Args:
        check: The checked study.
        ledger: File or URL of the ledger; created if a probe is to be kept.
        machine: This machine.
        gpus: Number of GPUs.
        slots: Or number of segments at the same time; default: this machine's.
        probe: Whether to measure networks here that the ledger does not have.
        tell: Receives events.

    Raises:
        InputError: Both numbers were given, or a network does not fit here even alone.
    """
    if gpus is not None and slots is not None:
        raise InputError("--gpus and --slots both say how much runs at once: give one of them.")
    if gpus is None and slots is None:
        slots = check.slots
    data, gpu = data_of(check), float(_on_gpu(check.study, machine))
    with contextlib.ExitStack() as stack:
        opened = _opened(ledger, make=probe)
        if opened is None:
            return estimate(_by_rule(check.study), data, {}, gpus=gpus, slots=slots)
        stack.enter_context(opened)
        study = as_begun(check.study, opened)
        if probe:
            sizing = sizing_here(check, opened, machine, tell)
            study = sizing.with_batch(study)
            found = sizing.footprints(study, gpu=gpu)
        else:
            study = _by_rule(study)
            here = device_here(on_gpu=bool(gpu)) if gpus is None or gpu else None
            found = known(opened, study, data, device=here, gpu=1.0 if gpus is not None else gpu)
        return estimate(study, data, found, gpus=gpus, slots=slots, seen=_seen(opened, study))


def known(ledger: Ledger, study: Study, data: Data, *, device: str | None, gpu: float) -> dict[str, Footprint]:
    """Return the ledger's footprints of a study's networks, for this kind of device or the GPU measured last.

    Args:
        ledger: Keeps the footprints.
        study: The study, its batch size known.
        data: Its cases.
        device: Name of this machine's device; None for any.
        gpu: 1 for GPUs, else 0.
    """
    found = {}
    for model, each in known_footprints(ledger, study, data, gpu=gpu).items():
        fitting = [one for one in each if one.device == device] or [one for one in each if one.on_gpu]
        if fitting:
            found[model] = fitting[0]
    return found


def _on_gpu(study: Study, machine: Node) -> bool:
    return study.resources.gpu != 0 and machine.gpu > 0


def _by_rule(study: Study) -> Study:
    """Return the study with the rule's batch size if the file says `auto` and no ledger knows better."""
    return with_batch(study, by_patch(study.patch.size)) if is_auto(study) else study


def _opened(ledger: str, *, make: bool) -> Ledger | None:
    """Open the ledger; None if there is none that can be read."""
    if make:
        return Ledger.open(ledger)
    with contextlib.suppress(InputError):
        return Ledger.open(ledger, read_only=True)
    return None


def _seen(ledger: Ledger, study: Study) -> Speeds | None:
    """Return speeds of the study's own segments; None if it has not run, or with other arms."""
    if not ledger.has_study(study.name):
        return None
    row = ledger.study(study.name)
    if {arm.name for arm in ledger.arms(row.id)} != {arm.name for arm in study.arms}:
        return None
    return speeds_seen(study.design([arm.name for arm in ledger.arms(row.id)]), ledger.status(row.id))
