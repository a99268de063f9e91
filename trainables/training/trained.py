"""A trained network from its checkpoint: built as its trial recorded, with the weights that were scored."""

import torch

from trainables.errors import InputError
from trainables.storage.folder import Storage
from trainables.training import checkpoint, portable
from trainables.training.network import TrialNetwork
from trainables.trial import TrialSpec


def trained_network(
    storage: Storage, folder: str, spec: TrialSpec, *, channels: int, device: torch.device
) -> TrialNetwork:
    """Return a trial's network in evaluation mode, with the last weights or the best, as its evaluation took them.

    The checkpoint is compared with its checksums, and nothing in it can run code.

    Args:
        storage: Where the checkpoint is.
        folder: The checkpoint.
        spec: The trial.
        channels: Channels of the images.
        device: Where the network predicts.

    Raises:
        InputError: The checkpoint is missing or damaged, or holds another network than this version builds.
    """
    portable.hold(spec.portable)
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = True
    try:
        learned = checkpoint.read(storage, folder, trial=spec.key).learner
    except checkpoint.UnreadableCheckpointError as error:
        raise InputError(
            f"{spec.key}: its weights cannot be read ({error}). Give the folder in which the study ran by --home or "
            "--storage, or copy it again."
        ) from error
    network = TrialNetwork(spec, channels=channels, device=device)
    try:
        network.module.load_state_dict(learned["best"] or learned["network"])
    except (KeyError, RuntimeError) as error:
        said = " ".join(str(error).split())[:160]
        raise InputError(
            f"{spec.key}: its weights are of another {spec.model} than this version builds ({said}). Predict with the "
            "version that trained it (`segstudy report` names it)."
        ) from error
    network.module.eval()
    return network
