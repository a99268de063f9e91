"""Batches: an iteration's augmented patches on the network's device.

On the CPU each patch is read, moved and copied into its place by itself, and nothing of it is read that is not seen.
On a GPU the boxes of all patches are cut out with their margins, where the cases lie (`residence.py`), and augmented at
once; where they lie in host memory, the next iteration's boxes are copied by a stream of their own while this one's are
learned from. Every batch is a function of (seed, iteration), so nothing of this is state.
"""

import contextlib
import functools
from collections.abc import Mapping

import torch
from torch import Tensor

from trainables.data.augmentation.augment import Augmenter
from trainables.data.patches.patches import HOST, PatchSampler
from trainables.data.patches.residence import Held, Home, hold

Boxes = tuple[Tensor, Tensor]


class Batches:
    """The stream of training batches."""

    def __init__(
        self,
        sampler: PatchSampler,
        augmenter: Augmenter,
        batch_size: int,
        *,
        device: torch.device = HOST,
        lesions: bool = False,
        home: Home = "mapped",
    ) -> None:
        """Cases that do not stay memory-mapped are read here.

        Args:
            sampler: Chooses the patches; its margin is the augmenter's.
            augmenter: Changes them.
            batch_size: Patches of an iteration.
            device: Where batches shall be.
            lesions: Whether lesion numbers come beside the labels.
            home: Where the cases lie (`residence.home_of`).
        """
        self._sampler, self._augmenter = sampler, augmenter
        self._size, self._device, self._lesions = batch_size, device, lesions
        self._home = home
        self._held: Mapping[str, Held] | None = None
        if home != "mapped":
            where = device if home == "device" else HOST
            pinned = home == "pinned" and device.type == "cuda"
            self._held = hold(sampler.dataset, sampler.cases, where, lesions=lesions, pinned=pinned)
        self._travels = home == "pinned" or (home == "mapped" and device.type == "cuda")
        streams = self._travels and device.type == "cuda"
        self._copying = torch.cuda.Stream(device) if streams else None  # type: ignore[no-untyped-call]
        self._ahead: tuple[int, Boxes] | None = None

    def batch(self, iteration: int) -> tuple[Tensor, Tensor]:
        """Return the batch of one iteration.

        Returns:
            Images float32 `(N, C, *patch_size)`; class indices int64 `(N, *patch_size)`, or with lesions
            `(N, 2, *patch_size)`: class indices, then lesion numbers.
        """
        if self._device.type == "cpu" and self._held is None:
            return self._read(iteration)
        images, labels = self._augmenter.apply(*self._boxes(iteration), iteration)
        return images, labels.long()

    def _read(self, iteration: int) -> tuple[Tensor, Tensor]:
        """Read patch by patch from the memory map."""
        sampler, names = self._sampler, ("label", "components") if self._lesions else ("label",)
        kept = (torch.uint8, torch.int32)[: len(names)]
        images = torch.empty((self._size, sampler.channels, *sampler.patch_size))
        labels = torch.empty((self._size, len(names), *sampler.patch_size), dtype=torch.int64)
        for slot, drawn in enumerate(self._augmenter.draw(iteration, self._size)):
            place = sampler.place(iteration, slot)
            cut = functools.partial(sampler.cut, place, sampler.dataset.cases[place.case], names)
            self._augmenter.read(drawn, cut, images[slot], labels[slot].unbind(0), kept)
        return images, labels if self._lesions else labels[:, 0]

    def _boxes(self, iteration: int) -> Boxes:
        """Return patches with their margins on the device."""
        if not self._travels:
            return self._cut(iteration)
        if self._ahead is None or self._ahead[0] != iteration:  # the first, or one after a resume
            self._ahead = (iteration, self._sent(iteration))
        found = self._ahead[1]
        if self._copying is not None:
            computing = torch.cuda.current_stream(self._device)
            computing.wait_stream(self._copying)
            for tensor in found:
                tensor.record_stream(computing)
        self._ahead = (iteration + 1, self._sent(iteration + 1))
        return found

    def _sent(self, iteration: int) -> Boxes:
        """Start to copy boxes to the GPU; `_boxes` waits for them."""
        images, labels = self._cut(iteration, pinned=self._copying is not None)
        with torch.cuda.stream(self._copying) if self._copying is not None else contextlib.nullcontext():
            return images.to(self._device, non_blocking=True), labels.to(self._device, non_blocking=True)

    def _cut(self, iteration: int, *, pinned: bool = False) -> Boxes:
        where = self._device if self._home == "device" else HOST
        return self._sampler.batch(
            iteration, self._size, lesions=self._lesions, held=self._held, device=where, pinned=pinned
        )
