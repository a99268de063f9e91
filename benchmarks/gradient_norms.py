"""First-batch gradient norms of all losses: by how much a step size of plain gradient descent has to differ.

Untrained networks see a batch of two blobs with a small lesion inside. For each loss at its defaults: the norm of the
whole network's gradient over that of cross-entropy, the geometric mean over networks and seeds, and its extremes. The
table in `search_spaces/gradient_scales.py` holds the means, rounded to half a decade.

    python benchmarks/gradient_norms.py
"""

import math
import statistics
from collections.abc import Iterator

import torch
from torch import Tensor

from trainables import models
from trainables.losses import LOSSES, inverse_weights

NETWORKS: tuple[tuple[str, int, dict[str, object]], ...] = (
    ("unet3d", 3, {"width": 8}),
    ("unet3d", 3, {"width": 8, "norm": "batch"}),
    ("vnet", 3, {"width": 4, "dropout": 0.0}),
    ("resunet3d", 3, {"width": 4}),
    ("unet", 2, {"width": 8, "norm": "batch"}),
    ("enet", 2, {"width": 8}),
)
SIDES = {2: 96, 3: 32}
CLASSES, SEEDS = 3, (0, 1)
INVERSE = "cross_entropy, weighting inverse"


def batch(dim: int, seed: int) -> tuple[Tensor, Tensor]:
    """Two images with an organ (a fifth of the patch) and a lesion (under a hundredth), and their class indices."""
    generator = torch.Generator().manual_seed(seed)
    axis = torch.linspace(-1, 1, SIDES[dim])
    grid = torch.stack(torch.meshgrid(*[axis] * dim, indexing="ij"))
    labels = []
    for _ in range(2):
        centre = 0.4 * (torch.rand(dim, generator=generator) - 0.5)
        radius = (grid - centre.view(-1, *[1] * dim)).square().sum(0).sqrt()
        labels.append((radius < 0.7).long() + (radius < 0.22).long())
    target = torch.stack(labels)
    image = target[:, None] + 0.3 * torch.randn(2, 1, *target.shape[1:], generator=generator)
    return (image - image.mean()) / image.std(), target


def norms(name: str, dim: int, parameters: dict[str, object], seed: int) -> Iterator[tuple[str, float]]:
    """Each loss with the norm of the gradient that it gives the untrained network."""
    network = models.build(
        name,
        in_channels=1,
        out_channels=CLASSES,
        dim=dim,
        parameters=parameters,  # type: ignore[arg-type]
        seed=seed,
        patch_size=(SIDES[dim],) * dim,
    )
    network.train()
    images, target = batch(dim, seed)
    logits = network(images)
    for loss in (*LOSSES, INVERSE):
        network.zero_grad()
        maps = {"weight": inverse_weights((target == 2).long())} if loss == INVERSE else {}
        LOSSES[loss.split(",")[0]](logits, target, **maps).backward(retain_graph=True)  # type: ignore[no-untyped-call]
        gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        yield loss, math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))


def main() -> None:
    """Prints the table."""
    torch.set_num_threads(1)
    ratios: dict[str, list[float]] = {}
    for name, dim, parameters in NETWORKS:
        for seed in SEEDS:
            found = dict(norms(name, dim, parameters, seed))
            for loss, norm in found.items():
                ratios.setdefault(loss, []).append(norm / found["cross_entropy"])
    print(f"{'loss':34} {'mean':>9} {'least':>9} {'greatest':>9}")
    for loss, values in sorted(ratios.items(), key=lambda item: statistics.geometric_mean(item[1])):
        print(f"{loss:34} {statistics.geometric_mean(values):9.3g} {min(values):9.3g} {max(values):9.3g}")


if __name__ == "__main__":
    main()
