"""Sizing: determines `batch_size: auto` and `gpu: auto` from the machines before any trial runs.

Without a GPU nothing is measured: the batch size follows from the patch, and a trial gets its CPU cores.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from study.events import OnEvent, Step
from study.ledger import Ledger
from study.machines.admission import Node, Shape
from study.probing import batch_size, gpu_shares
from study.probing.measure import Measure, bytes_of_cases, footprint
from study.study_file import Study
from study.trial_specs import Data
from trainables.errors import InputError
from trainables.training.device import BESIDE
from trainables.training.footprint import Footprint


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sizing:
    """Measures networks on the machines and derives batch size and GPU shares.

    Attributes:
        ledger: Keeps the footprints.
        data: The prepared cases.
        nodes: The machines. GPUs of one cluster are assumed to be of one kind.
        measure: Runs a probe on one of them.
        device: Returns the kind of GPU; called only if there is one.
        tell: Receives events.
    """

    ledger: Ledger
    data: Data
    nodes: Sequence[Node]
    measure: Measure
    device: Callable[[], str]
    tell: OnEvent

    def with_batch(self, study: Study) -> Study:
        """Return the study with the batch size in place of `auto`; a study without `auto` is unchanged.

        Raises:
            InputError: Not even a batch of two patches fits on a GPU for some network.
        """
        if not batch_size.is_auto(study):
            return study
        chosen = batch_size.by_patch(study.patch.size)
        if self._on_gpu(study):
            found = (size for size in batch_size.candidates(study.patch.size) if self._all_fit(study, size))
            chosen = next(found, 0)
            if not chosen:
                raise InputError(
                    f"training.batch_size: auto: not even {batch_size.LEAST} patches of {list(study.patch.size)} fit "
                    f"for all networks on {self.device()}; give a smaller patch.size, or batch_size: 1."
                )
        self.tell(Step(f"batch size: {chosen}, the same for all arms"))
        return batch_size.with_batch(study, chosen)

    def shapes(self, study: Study, usual: Shape) -> dict[str, Shape]:
        """Return the resources of a trial, by network.

        Args:
            study: The study, its batch size known.
            usual: Resources without `gpu: auto`.

        Raises:
            InputError: A network does not fit on a GPU even alone.
        """
        if study.resources.gpu != "auto":
            return dict.fromkeys(study.models, usual)
        if not usual.gpu:
            self.tell(Step("no GPU here: trials run on the CPU"))
            return dict.fromkeys(study.models, usual)
        counts = {model: self._count(study, model, found) for model, found in self._footprints(study).items()}
        said = ", ".join(f"{count} of {model}" for model, count in counts.items())
        self.tell(Step(f"trials on a GPU at once: {said}"))
        return {model: dataclasses.replace(usual, gpu=gpu_shares.share_of(count)) for model, count in counts.items()}

    def _on_gpu(self, study: Study) -> bool:
        return study.resources.gpu != 0 and any(node.gpu for node in self.nodes)

    def footprints(self, study: Study, *, gpu: float) -> dict[str, Footprint]:
        """Return the footprint of each network, from the ledger or measured now.

        Args:
            study: The study, its batch size known.
            gpu: 1 on a GPU, else 0.

        Raises:
            InputError: A network does not fit even alone.
        """
        found = {}
        for model, each in self._footprints(study, gpu).items():
            if each is None:
                raise self._too_large(study, model)
            found[model] = each
        return found

    def _footprints(self, study: Study, gpu: float = 1.0) -> Mapping[str, Footprint | None]:
        device = self.device()
        found = {}
        for model in study.models:
            self.tell(Step(f"measuring {model} on {device}, unless the ledger knows it"))
            found[model] = footprint(self.ledger, study, model, self.data, device=device, gpu=gpu, measure=self.measure)
        return found

    def _all_fit(self, study: Study, size: int) -> bool:
        """Whether this batch size fits for every network in the file's share of a GPU; the smallest needs no margin."""
        asked = study.resources.gpu
        share = 1.0 if asked == "auto" else min(1.0, asked)
        for found in self._footprints(batch_size.with_batch(study, size)).values():
            margin = gpu_shares.MARGIN if size > batch_size.LEAST else 1.0
            if found is None or found.peak_bytes * margin + BESIDE > share * found.total_bytes:
                return False
        return True

    def _count(self, study: Study, model: str, found: Footprint | None) -> int:
        most = max(int(node.cpu / study.resources.cpu) // node.gpu for node in self.nodes if node.gpu)
        count = 0 if found is None else gpu_shares.fitting(found, bytes_of_cases(study, self.data), max(1, most))
        if not count:
            raise self._too_large(study, model)
        return count

    def _too_large(self, study: Study, model: str) -> InputError:
        return InputError(
            f"models.{model}: does not fit on {self.device()}, even alone, at patch.size {list(study.patch.size)} and "
            "its batch size; give a smaller patch.size, training.batch_size or network, or training.micro_batches."
        )
