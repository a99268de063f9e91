"""The trained networks of a finished study: masks of new images, and the networks themselves."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segstudy.records import HOME, Folder, ledger_of

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from study.predicting.trained_arm import TrainedArm


def predict(
    of: str,
    images: Folder | Sequence[Folder],
    output: Folder,
    *,
    seeds: Collection[int] = (),
    folds: Collection[int] = (),
    probabilities: bool = False,
    uncertainty: bool = False,
    any_spacing: bool = False,
    device: str | None = None,
    allow_code: bool = False,
    home: Folder = HOME,
    ledger: str | None = None,
    storage: str | None = None,
) -> "pd.DataFrame":
    """Predicts new images with an arm's final networks, averaged over seeds and folds.

    Images are prepared as the study prepared its own. Masks have the data set's label values and lie in the image's
    format on its own grid. A call that was interrupted goes on where it was.

    Args:
        of: `study/arm`, or the study alone if it has one arm.
        images: Files, or folders of images.
        output: Folder of the masks.
        seeds: Final seeds to use, from 0; all by default.
        folds: Folds to use, from 0; all by default.
        probabilities: Whether to write probabilities too.
        uncertainty: Whether to write entropy and the networks' disagreement too, in nats.
        any_spacing: Whether voxels of sizes that no network was trained on are let through where nothing is resampled.
        device: `cpu`, `cuda` or `cuda:1`; by default a GPU if there is one.
        allow_code: Whether networks of the user's own may be imported and run.
        home: Folder of the ledger and of the trained networks.
        ledger: File or URL of the ledger, instead of the home's.
        storage: Folder or URL of the trained networks, instead of the home.

    Returns:
        One row per image: `image`, `problem` (why it could not be predicted; missing where it was), `remarks`,
        `was_done` (its files were there already), `seconds`.

    Raises:
        InputError: No such study, arm, seed, fold or image; or the study has no trained networks.
    """
    import pandas as pd
    import torch

    from study.predicting.images import find_images
    from study.predicting.outputs import Outputs
    from study.predicting.predict import Order, predict_here

    arm = _arm(of, seeds, folds, allow_code, home, ledger, storage)
    given = [images] if isinstance(images, str | Path) else images
    found = find_images([Path(path).absolute() for path in given], arm.file, arm.channels)
    folder = Path(output).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    order = Order(arm, Outputs(folder, probabilities, uncertainty), any_spacing, arm.spec.threads)
    before = torch.get_num_threads()
    try:
        ended = list(predict_here(found, order, [torch.device(device or _fastest())]))
    finally:
        torch.set_num_threads(before)
    columns = ["image", "problem", "remarks", "was_done", "seconds"]
    rows = [(each.name, each.problem, each.remarks, each.was_done, each.seconds) for each in ended]
    return pd.DataFrame(rows, columns=columns).sort_values("image", ignore_index=True)


def load_network(
    of: str,
    *,
    seed: int = 0,
    fold: int = 0,
    device: str | None = None,
    allow_code: bool = False,
    home: Folder = HOME,
    ledger: str | None = None,
    storage: str | None = None,
) -> "nn.Module":
    """Loads one final network of an arm, in evaluation mode.

    Args:
        of: `study/arm`, or the study alone if it has one arm.
        seed: The final seed, from 0.
        fold: The fold, from 0.
        device: `cpu`, `cuda` or `cuda:1`; by default a GPU if there is one.
        allow_code: Whether a network of the user's own may be imported and run.
        home: Folder of the ledger and of the trained networks.
        ledger: File or URL of the ledger, instead of the home's.
        storage: Folder or URL of the trained networks, instead of the home.

    Returns:
        The network: prepared images `(N, channels, *spatial)`, float32, to logits `(N, outputs, *spatial)`. Sides must
        be divisible as the network's card says. `predict` prepares and windows images itself.

    Raises:
        InputError: No such study, arm, seed or fold; or weights are missing or damaged.
    """
    import torch

    from trainables.storage.object_store import storage_at
    from trainables.training.trained import trained_network

    arm = _arm(of, [seed], [fold], allow_code, home, ledger, storage)
    (network,) = arm.networks
    where = torch.device(device or _fastest())
    loaded = trained_network(
        storage_at(arm.storage), network.checkpoint, network.spec, channels=arm.channels, device=where
    )
    module: nn.Module = loaded.module.eval()
    return module


def _arm(
    of: str,
    seeds: Collection[int],
    folds: Collection[int],
    allow_code: bool,
    home: Folder,
    ledger: str | None,
    storage: str | None,
) -> "TrainedArm":
    from study.ledger import Ledger
    from study.predicting.trained_arm import trained_arm

    study, _, arm = of.partition("/")
    with Ledger.open(ledger_of(home, ledger), read_only=True) as opened:
        return trained_arm(
            opened, storage or str(home), study, arm or None, seeds=seeds, folds=folds, allow_code=allow_code
        )


def _fastest() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
