"""An arm's networks on one device: probabilities of an image, averaged over seeds and folds."""

import dataclasses

import numpy as np
import torch
from torch import Tensor

from study.predicting.trained_arm import TrainedArm
from trainables.data.cache.scaling import Scaled, Scales, scaled_padding
from trainables.data.preparing.new_image import NewImage
from trainables.evaluation.predictor import Image, Predictor
from trainables.storage.object_store import storage_at
from trainables.training.trained import trained_network


@dataclasses.dataclass(frozen=True, eq=False)
class Averaged:
    """What several networks find in an image, on the training grid.

    Attributes:
        probabilities: Mean over the networks, `(C, *spatial)` float32 in `[0, 1]`.
        entropies: Mean over the networks of each one's entropy (`entropy`), `(K, *spatial)` in nats.
    """

    probabilities: Tensor
    entropies: Tensor | None

    @torch.inference_mode()
    def uncertainty(self, *, overlapping: bool) -> tuple[Tensor, Tensor]:
        """Return entropy of the mean, and the networks' disagreement, `(K, *spatial)` each, in nats.

        The disagreement is the mutual information of a voxel's class and the network: the entropy of the mean less the
        mean of the entropies, at least 0; 0 where all networks say the same, however unsure each is.

        Source: Houlsby et al. 2011, https://arxiv.org/abs/1112.5745; Lakshminarayanan et al. 2017,
        https://arxiv.org/abs/1612.01474.
        """
        assert self.entropies is not None, "asked for when the image was predicted"
        total = entropy(self.probabilities, overlapping=overlapping)
        return total, (total - self.entropies).clamp_(min=0)


def entropy(probabilities: Tensor, *, overlapping: bool) -> Tensor:
    """Return the entropy at each voxel in nats: `(1, *spatial)` over the classes, or of each region by itself.

    Args:
        probabilities: `(C, *spatial)` in `[0, 1]`.
        overlapping: Whether the channels are regions, each with a probability of its own.
    """
    terms: Tensor = torch.special.entr(probabilities)
    if overlapping:
        return terms.add_(torch.special.entr(1 - probabilities))
    return terms.sum(dim=0, keepdim=True)


class Ensemble:
    """The networks of an arm, loaded.

    Args:
        arm: The arm.
        device: Where they predict.

    Raises:
        InputError: Weights are missing, damaged or another version's.
    """

    def __init__(self, arm: TrainedArm, device: torch.device) -> None:
        self._arm, self._device = arm, device
        storage = storage_at(arm.storage)
        self._members: list[tuple[Scales, Predictor]] = []
        for network in arm.networks:
            loaded = trained_network(storage, network.checkpoint, network.spec, channels=arm.channels, device=device)
            self._members.append((network.spec.scales, Predictor(network.spec, loaded.logits, device)))

    @property
    def overlapping(self) -> bool:
        """Whether the networks' outputs are regions that may overlap."""
        return self._arm.spec.train_on == "regions"

    @torch.inference_mode()
    def average(self, image: NewImage, *, entropies: bool = False) -> Averaged:
        """Return the mean of the networks' probabilities, and of their entropies where those are wanted.

        Of one network the probabilities are those of its evaluation, bit by bit.
        """
        total: Tensor | None = None
        unsure: Tensor | None = None
        for scales, predictor in self._members:
            (found,) = predictor.probabilities([_scaled(image, scales)])
            if entropies:
                own = entropy(found, overlapping=self.overlapping)
                unsure = own if unsure is None else unsure.add_(own)
            total = found if total is None else total.add_(found)
        assert total is not None, "an arm has at least one network"
        count = len(self._members)
        if count > 1:
            total.div_(count)
            unsure = None if unsure is None else unsure.div_(count)
        return Averaged(total, unsure)


def _scaled(image: NewImage, scales: Scales) -> Image:
    """Return a network's input: scaled by the training cases of its own fold, where the study says so."""
    whole = np.asarray(Scaled(image.image, scales)) if scales else image.image
    return torch.from_numpy(whole), scaled_padding(image.padding, scales)
