"""Training: one network learning. All that a trial computes; it knows neither Ray nor the ledger."""

import contextlib
import hashlib
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainables.data.augmentation.augment import Augmenter
from trainables.data.cache.cache import Dataset
from trainables.data.cases.label_values import IGNORED
from trainables.data.patches import residence
from trainables.data.patches.batches import Batches
from trainables.data.patches.patches import PatchSampler
from trainables.evaluation.evaluated import Evaluation
from trainables.evaluation.examiner import Examiner
from trainables.evaluation.overlapping import over_regions
from trainables.losses import LOSSES, inverse_weights
from trainables.losses.deep import over_depths
from trainables.losses.written import written_loss
from trainables.training import micro_batches, portable
from trainables.training.checkpoint import copied, tensors_of
from trainables.training.course import Course
from trainables.training.curve import Curve, SoftScores
from trainables.training.determinism import only_deterministic, settle_workspaces
from trainables.training.learner import Diverged, Learner
from trainables.training.network import TrialNetwork
from trainables.training.optimizers import optimizer_of, set_learning_rate
from trainables.trial import Point, TrialSpec

__all__ = ["Diverged", "Evaluation", "Learner", "Training"]


class Training:
    """A network, its optimiser and its data. Implements `Learner`.

    Weights, patches, augmentations and dropout are functions of (seed, stream, iteration, slot); the learning rate is a
    function of the iteration or of the course. So the state is network, optimiser, iteration, the curve's window and
    the course, and a training that is cut, saved and loaded ends with the same bits (on a CPU with the same number of
    threads).

    Args:
        spec: The trial.
        dataset: The preprocessed cases; None opens `spec.data`.

    Raises:
        InputError: Something in `spec` does not exist, or does not fit the network.
    """

    def __init__(self, spec: TrialSpec, dataset: Dataset | None = None) -> None:
        torch.set_num_threads(spec.threads)
        portable.hold(spec.portable)
        self.spec = spec
        self.iteration = self.passed = 0
        self.device = torch.device("cuda" if spec.gpu > 0 and torch.cuda.is_available() else "cpu")
        if spec.gpu > 0 and self.device.type == "cpu":
            warnings.warn(f"{spec.key} asks for a GPU and PyTorch finds none: it trains on the CPU", stacklevel=2)
        self._data = Dataset.open(spec.data, spec.scales) if dataset is None else dataset
        self._net = TrialNetwork(spec, channels=self._data.channels, device=self.device)
        if self.device.type == "cuda":
            torch.backends.cudnn.deterministic = True
        if spec.deterministic:
            settle_workspaces()
        micro_batches.check(spec, self.network, ignores=self._data.options.ignores)
        loss = written_loss(spec.loss, spec.loss_parameters, LOSSES)
        overlapping = spec.train_on == "regions"
        self._loss = over_depths(over_regions(loss, tuple(spec.regions.values())) if overlapping else loss)
        self._optimizer = optimizer_of(spec, self.network.parameters())
        augmenter = Augmenter(spec.augment, spec.seed, spec.patch_size, self._data.spacing)
        self._patches = PatchSampler(
            self._data,
            spec.train,
            spec.patch_size,
            spec.foreground,
            spec.seed,
            augmenter.margin,
            spec.context,
            sampling=spec.sampling,
            overlap=spec.patch_overlap,
            batch_size=spec.batch_size,
        )
        lesions = spec.weighting == "inverse"
        self._batches = Batches(
            self._patches,
            augmenter,
            spec.batch_size,
            device=self.device,
            lesions=lesions,
            home=residence.home_of(self._data, spec.train, self.device, lesions=lesions, share=spec.gpu),
        )
        self._curve = Curve(spec.iterations, spec.marks, self.device)
        self._soft = _soft_scores(spec, self.device)
        self._course = Course(spec, self.device)
        self._examiner = Examiner(spec, self._data, self._net.logits, self.device)

    @property
    def network(self) -> nn.Module:
        """The network that is trained and scored."""
        return self._net.module

    @network.setter
    def network(self, network: nn.Module) -> None:
        self._net.module = network

    def advance(self, to: int, *, seconds: float | None = None) -> tuple[Point, ...]:
        """Train until `iteration == to`, or until `seconds` of wall time are over, whichever comes first.

        At least one iteration is done, or one validation case scored, unless `to` is reached already. An iteration with
        a validation counts as done when the validation is. Returns the curve points completed meanwhile.

        Raises:
            Diverged: A loss is not finite. Checked only at the curve's points, since each check waits for the device.
        """
        deadline = float("inf") if seconds is None else time.monotonic() + seconds
        points: list[Point] = []
        self.network.train()
        while self.iteration < to:
            points += self._validate() if self._course.open else self._iterate()
            if time.monotonic() >= deadline:
                break
        return tuple(points)

    def evaluate(self, cases: Sequence[str], *, previews: Sequence[str] = ()) -> Evaluation:
        """Score several cases; see `evaluations`."""
        return Evaluation.together(self.evaluations(cases, previews=previews))

    def evaluations(self, cases: Sequence[str], *, previews: Sequence[str] = ()) -> Iterator[Evaluation]:
        """Yield scores of full volumes on their original grid, with the last weights or the best (`spec.checkpoint`).

        Cases that a validation has scored with the same weights are not scored again. Until the iterator is exhausted
        or closed, the network has the weights that are scored.

        Args:
            cases: Names of cases.
            previews: Names among them of which a preview is made.

        Yields:
            One evaluation for each case, in their order.

        Raises:
            Diverged: A weight is not finite.
        """
        self._check_weights()
        self.network.eval()
        with self._scored_weights():
            yield from self._examiner.evaluations(cases, previews=previews)

    def predict(self, case: str) -> np.ndarray:
        """Return class indices on the case's original grid, uint8, `[z, y, x]` of closest RAS or `[y, x]`."""
        self.network.eval()
        with self._scored_weights():
            return self._examiner.predict(case)

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the state, for `load_state_dict`: tensors on the CPU, numbers, strings, lists and dicts."""
        state = {
            "iteration": self.iteration,
            "network": dict(self.network.state_dict()),
            "best": self._course.best,
            "optimizer": self._optimizer.state_dict(),
            "curve": self._curve.state_dict(),
            "course": self._course.state_dict(),
            "soft": {} if self._soft is None else self._soft.state_dict(),
        }
        return {name: copied(value) for name, value in state.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state of `state_dict`."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._curve.load_state_dict(state["curve"])
        self._course.load_state_dict(state["course"], state["best"])
        if self._soft is not None:
            self._soft.load_state_dict(state["soft"])
        self._examiner.forget()
        self.iteration = state["iteration"]

    def digest(self) -> str:
        """Return the SHA-256 of weights and optimiser state, hexadecimal: equal digests, equal trainings."""
        digest = hashlib.sha256()
        best = () if self._course.best is None else (self._course.best,)
        for name, tensor in tensors_of((self.network.state_dict(), self._optimizer.state_dict()["state"], *best)):
            digest.update(f"{name} {tensor.dtype} {(*tensor.shape,)}\n".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()

    def close(self) -> None:
        """Release memory and files; no method is called afterwards."""
        gpu = self.device.type == "cuda"
        vars(self).clear()
        if gpu:
            torch.cuda.empty_cache()

    def _iterate(self) -> tuple[Point, ...]:
        now = self.iteration
        if self._course.stopped:
            self.iteration += 1
            self.passed += 1
            return ()
        self._examiner.forget()
        set_learning_rate(self._optimizer, self._course.rate(now))
        images, labels, maps = self._batch(now)
        with only_deterministic(self.spec.deterministic, self.spec.model):
            loss = self._learn(images, labels, maps)
        self.iteration += 1
        points = self._curve.add(loss, self.iteration) + self._course.learned(loss, self.iteration)
        if self._soft is not None:
            points += self._soft.read(self.iteration)
        if self._course.open:
            self.iteration = now  # it is done when its validation is
        return points

    def _learn(self, images: Tensor, labels: Tensor, maps: Mapping[str, Tensor]) -> Tensor:
        """Do one step of the optimiser; return the loss before it, without gradient."""
        at_once = -(-len(images) // self.spec.micro_batches)
        self._net.begin_iteration(images[:at_once], self.iteration)
        self._optimizer.zero_grad()
        with self._net.dropout(self.iteration):
            loss = micro_batches.learned(self._value, images, labels, maps, parts=self.spec.micro_batches)
        if self.spec.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.spec.clip)
        self._optimizer.step()
        self._net.end_iteration(self.iteration)
        return loss

    def _value(self, images: Tensor, labels: Tensor, **maps: Tensor) -> Tensor:
        logits = self._net.train_logits(images)
        if self._soft is not None:
            self._soft.add(logits, labels, maps.get("ignore"))
        return self._loss(logits, labels, **maps)

    def _batch(self, iteration: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Return images, class indices and the loss's other arguments: voxel weights, voxels to ignore."""
        images, labels = self._batches.batch(iteration)
        maps: dict[str, Tensor] = {}
        if self.spec.weighting == "inverse":
            labels, components = labels.unbind(1)
            maps["weight"] = inverse_weights(components)
        if self._data.options.ignores:
            maps["ignore"] = labels == IGNORED
            labels = labels.masked_fill(maps["ignore"], 0)
        return images, labels, maps

    def _validate(self) -> tuple[Point, ...]:
        """Score one case of the current validation by the objective's metric; after the last, the iteration is done.

        The present weights are scored, since the best ones are chosen by these scores.
        """
        name, before = self._course.open[0], self._course.best
        self.network.eval()
        scores = self._examiner.validation(name, self.iteration + 1)
        points = self._course.validated(scores, self.iteration + 1, lambda: copied(self.network.state_dict()))
        if not self._course.open and before is not None and self._course.best is before:
            self._examiner.forget()  # older weights are the best and will be scored
        self.network.train()
        if not self._course.open:
            self.iteration += 1
        return points

    @contextlib.contextmanager
    def _scored_weights(self) -> Iterator[None]:
        """Give the network the weights that are scored, then its own again."""
        best = self._course.best
        if best is None:
            yield
            return
        own = copied(self.network.state_dict())
        self.network.load_state_dict(best)
        try:
            yield
        finally:
            self.network.load_state_dict(own)

    def _check_weights(self) -> None:
        for name, tensor in self.network.state_dict().items():
            if not torch.isfinite(tensor).all():
                raise Diverged(
                    f"non-finite weights ({name}) at iteration {self.iteration}; a lower learning rate may help"
                )


def _soft_scores(spec: TrialSpec, device: torch.device) -> SoftScores | None:
    if not spec.log_every:
        return None
    regions = tuple(spec.regions.values()) if spec.train_on == "regions" else None
    return SoftScores(spec.outputs, regions, every=spec.log_every, marks=(*spec.marks, spec.iterations), device=device)
