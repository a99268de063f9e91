"""Time of `segstudy predict` beside a MONAI script: from image files to mask files, one network, masks compared.

    python benchmarks/predict.py [--rounds 5] [--threads 2] [--only 128]

About two minutes on two quiet cores. Two sets of generated CT scans as int16 NIfTI (packed), of `evaluate.py`:

- `128`: 128³ voxels, windows of 64³ that overlap by half, 27 an image.
- `hippocampus`: about 35 × 50 × 35 voxels, windows of 40 × 56 × 40, one an image.

The network is MONAI's residual UNet of 16-32-64-128 channels, in float32, with the same untrained weights on both
sides (turned, since its axes are x, y, z there): its time does not depend on them. Both read each file, turn it to RAS,
normalise it (z-score), predict it by windows with gaussian weights, and write the mask packed on the file's own grid.

MONAI: `LoadImaged`, `EnsureChannelFirstd`, `Orientationd`, `NormalizeIntensityd`, `SlidingWindowInferer` (its weights
cached, `sw_batch_size` the best of 1, 2, 4), `Invertd`, `AsDiscreted`, `SaveImaged`, as in its tutorials, in inference
mode. Ours: what the command runs, with its digests and records. They run in turn, the first one rotates.

The last line is `ratio predict_128=… predict_hippocampus=…`: our wall time over MONAI's, medians over the rounds. The
exit status is 0 only if both are at most 0.5 and at least 0.9999 of all voxels are equal.
"""

import argparse
import pathlib
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))  # the study file names a module beside this one

from benchmarks.parts.evaluated import TASKS, Task, write_scans
from benchmarks.time_to_dice import residual_unet
from study.cases.from_study_file import options_of
from study.design import TrialKey
from study.ledger.rows import Case
from study.predicting.images import find_images
from study.predicting.outputs import Outputs
from study.predicting.predict import Order, predict_here
from study.predicting.trained_arm import TrainedArm, TrainedNetwork
from study.study_file import Study, trial_fields
from trainables.storage.folder import Storage
from trainables.training import checkpoint
from trainables.training.checkpoint import Checkpoint
from trainables.trial import TrialSpec

NEEDED, EQUAL = 0.5, 0.9999
IMAGES = {"128": 2, "hippocampus": 16}
KEY = TrialKey("final", 0, 0, 0, 0)
SW_BATCH_SIZES = (1, 2, 4)


def arm_of(folder: pathlib.Path, task: Task, threads: int, storage: pathlib.Path) -> TrainedArm:
    """Returns an arm of one untrained network, with a checkpoint in the storage."""
    study = Study.from_plain(
        {
            "name": "predict",
            "dataset": {"path": str(folder), "labels": {f"class{n}": n for n in range(1, len(task.labels) + 1)}},
            "patch": {"size": list(task.window), "overlap": list(task.overlap)},
            "models": {"residual": "benchmarks.time_to_dice:residual_unet"},
            "losses": {"dice": None},
            "training": {"iterations": 1},
            "resources": {"cpu": threads},
        }
    )
    (arm,) = study.arms
    fields = trial_fields(study, arm, arm.default)
    spec = TrialSpec(key=str(KEY), seed=0, data="", train=(), evaluate=(), **fields)
    torch.manual_seed(0)
    weights = residual_unet(1, len(spec.outputs)).state_dict()
    state = Checkpoint(trial=spec.key, iteration=1, weights="", length=1, learner={"network": weights, "best": None})
    checkpoint.write(Storage(storage), "weights", state)
    facts = {"shape": [1, 1, 1], "prepared_shape": [1, 1, 1], "spacing": [1.0, 1.0, 1.0], "channels": 1, "content": ""}
    values = tuple(float(index) for index in range(len(spec.classes)))
    networks, cases = (TrainedNetwork(KEY, spec, "weights", ""),), (Case("none", "none", ("test",), facts),)
    return TrainedArm(study.name, arm.name, str(storage), networks, options_of(study), cases, 1, values, study)


def ours(images: pathlib.Path, output: pathlib.Path, arm: TrainedArm, threads: int) -> Callable[[], None]:
    """Returns what predicts and writes all images as the command does."""

    def run() -> None:
        shutil.rmtree(output, ignore_errors=True)
        order = Order(arm, Outputs(output), threads=threads)
        for found in predict_here(find_images([images], arm.file, 1), order, [torch.device("cpu")]):
            assert found.problem is None, found.problem

    return run


def monai(images: Sequence[pathlib.Path], output: pathlib.Path, task: Task, storage: pathlib.Path) -> Any:
    """Returns a script after MONAI's tutorials: `sw_batch_size` → None, which predicts and writes all images."""
    from monai import transforms as mt
    from monai.inferers import SlidingWindowInferer

    known = checkpoint.read(Storage(storage), "weights", trial=str(KEY)).learner["network"]
    turned = {key: value.movedim((2, 3, 4), (4, 3, 2)) if value.ndim == 5 else value for key, value in known.items()}
    before = mt.Compose(
        [
            mt.LoadImaged(keys="image"),
            mt.EnsureChannelFirstd(keys="image"),
            mt.Orientationd(keys="image", axcodes="RAS"),
            mt.NormalizeIntensityd(keys="image"),
        ]
    )
    after = mt.Compose(
        [
            mt.Invertd(keys="pred", transform=before, orig_keys="image", nearest_interp=False, to_tensor=True),
            mt.AsDiscreted(keys="pred", argmax=True),
            mt.SaveImaged(
                keys="pred", output_dir=str(output), output_postfix="", separate_folder=False, print_log=False,
                output_dtype=np.uint8, resample=False,
            ),
        ]
    )  # fmt: skip
    shares = [n / w for n, w in zip(task.overlap, task.window, strict=True)][::-1]
    window = task.window[::-1]  # its axes are (x, y, z)

    def run(size: int) -> None:
        network = residual_unet(1, len(task.labels) + 1)
        network.load_state_dict(turned)
        network.eval()
        inferer = SlidingWindowInferer(window, size, shares, "gaussian", cache_roi_weight_map=True)
        with torch.inference_mode():
            for path in images:
                item = before({"image": str(path)})
                item["pred"] = inferer(item["image"][None], network)[0]
                after(item)

    return run


def compared(name: str, work: pathlib.Path, rounds: int, threads: int) -> tuple[float, float]:
    """Returns the ratio of times on a set of scans, and the share of voxels in which both agree."""
    import nibabel

    task, images = TASKS[name], work / name / "imagesTr"
    write_scans(work / name, name, IMAGES[name])
    arm = arm_of(work / name, task, threads, work / f"{name}-storage")
    mine, theirs = work / f"{name}-segstudy", work / f"{name}-monai"
    files = sorted(images.iterdir())
    script = monai(files, theirs, task, work / f"{name}-storage")
    contestants: dict[str, Callable[[], None]] = {"segstudy": ours(images, mine, arm, threads)}
    times = {}
    for size in SW_BATCH_SIZES:
        started = time.perf_counter()
        script(size)
        times[size] = time.perf_counter() - started
    best = min(times, key=lambda size: times[size])
    contestants["MONAI"] = lambda: script(best)
    contestants["segstudy"]()
    seconds: dict[str, list[float]] = {who: [] for who in contestants}
    order = list(contestants)
    for number in range(rounds):
        for who in order[number % 2 :] + order[: number % 2]:
            started = time.perf_counter()
            contestants[who]()
            seconds[who].append(time.perf_counter() - started)
    same = total = inside = 0
    for file in files:
        stem = file.name.removesuffix("_0000.nii.gz")
        a = np.asarray(nibabel.load(mine / f"{stem}.nii.gz").dataobj)  # type: ignore[attr-defined]
        b = np.asarray(nibabel.load(theirs / file.name).dataobj)  # type: ignore[attr-defined]
        same, total, inside = same + int((a == b).sum()), total + a.size, inside + int((b > 0).sum())
    median = {who: statistics.median(found) for who, found in seconds.items()}
    ratio = statistics.median(a / b for a, b in zip(seconds["segstudy"], seconds["MONAI"], strict=True))
    print(
        f"{name}: {len(files)} images, segstudy {median['segstudy']:.3f} s, MONAI {median['MONAI']:.3f} s "
        f"(sw_batch_size {best}), ratio {ratio:.2f}, {same / total:.6f} of voxels equal, {inside / total:.2f} object",
        flush=True,
    )
    return ratio, same / total


def main() -> int:
    """Runs both sets and prints the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=list(IMAGES), help="one set of scans")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    warnings.filterwarnings("ignore")
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for name in [given.only] if given.only else IMAGES:
            found[name] = compared(name, pathlib.Path(temporary), given.rounds, given.threads)
    print("ratio " + " ".join(f"predict_{name}={ratio:.2f}" for name, (ratio, _) in found.items()))
    return 0 if all(ratio <= NEEDED and equal >= EQUAL for ratio, equal in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
