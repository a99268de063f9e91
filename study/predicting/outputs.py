"""Files of a prediction: written beside each other by image, whole or absent, with a record by which a run goes on.

OUTPUT/NAME.nii.gz                  the mask, with the data set's own values, in the image's format and place
OUTPUT/REGION/NAME.nii.gz           where regions may overlap: each by itself, 0 and 1
OUTPUT/probabilities/NAME.nii.gz    with `probabilities`: one channel a class, or a region
OUTPUT/entropy/, disagreement/      with `uncertainty`
OUTPUT/.segstudy/NAME.json          what was made of what
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import torch

from study.predicting.ensemble import Averaged
from study.predicting.images import files_read
from study.predicting.trained_arm import TrainedArm
from trainables.data.cases import digests
from trainables.data.cases.unlabelled import ImageFiles
from trainables.data.preparing.new_image import NewImage
from trainables.data.writing.writers import Format, format_for, mask_type, write
from trainables.errors import InputError
from trainables.evaluation.predictor import as_array, classes_of_regions, region_masks
from trainables.storage import whole_files

RECORDS = ".segstudy"
FORMAT = 1
"""Of what is written; raised where the same image and networks would give other files."""


@dataclasses.dataclass(frozen=True)
class Outputs:
    """The folder that predictions are written to.

    Attributes:
        folder: The folder.
        probabilities: Whether probabilities are written.
        uncertainty: Whether entropy and disagreement are written.
    """

    folder: pathlib.Path
    probabilities: bool = False
    uncertainty: bool = False

    def key(self, image: ImageFiles, arm: TrainedArm) -> str:
        """Return a digest of all that an image's files follow from.

        Raises:
            InputError: A file of the image cannot be read.
        """
        content = [digests.of_file(path) for path in files_read(image)]
        networks = [network.weights for network in arm.networks]
        wanted = [FORMAT, self.probabilities, self.uncertainty]
        parts = [content, networks, arm.options.plain(), arm.values, wanted]
        return digests.of_text(json.dumps(parts, sort_keys=True))

    def is_done(self, name: str, key: str) -> bool:
        """Return whether an image's files are there as they were written under this key."""
        record = whole_files.read_json(self._record(name))
        if record is None or record.get("key") != key or not record.get("files"):
            return False
        return all(_digest(self.folder / file) == digest for file, digest in record["files"].items())

    def write(self, image: NewImage, found: Averaged, arm: TrainedArm, key: str) -> None:
        """Write an image's files, and then the record of them.

        Raises:
            InputError: A file is there that no prediction wrote.
            OSError: The folder cannot be written.
        """
        form = format_for(image.stored)
        files = self._files(image, found, arm, form)
        self._begin(image.name, list(files), key)
        for file, array in files.items():
            write(self.folder / file, array(), image.stored)
        made = {file: _digest(self.folder / file) for file in files}
        whole_files.write_json(self._record(image.name), {"key": key, "files": made})

    def _files(
        self, image: NewImage, found: Averaged, arm: TrainedArm, form: Format
    ) -> dict[str, Callable[[], np.ndarray]]:
        """Return each file by its name in the folder, with what makes its array; one is in memory at a time."""
        stored, spec = image.stored, arm.spec
        overlapping = spec.train_on == "regions"
        masks = region_masks(found.probabilities, image.restore) if overlapping else None
        classes = as_array(image.restore(found.probabilities)) if masks is None else classes_of_regions(spec, masks)
        table = np.array(arm.values, mask_type(arm.values, form.mask))
        files: dict[str, Callable[[], np.ndarray]] = {
            f"{image.name}{form.mask}": lambda: table[stored.classes(classes)]
        }
        for index, region in enumerate(spec.regions if masks is not None else ()):
            own = masks[index].astype(np.uint8)  # type: ignore[index]
            files[f"{region}/{image.name}{form.mask}"] = lambda own=own: stored.classes(own)  # type: ignore[misc]

        def numbers(values: torch.Tensor, outside: Sequence[float]) -> np.ndarray:
            whole = image.restore_values(values, tuple(outside))
            channels = [stored.values(channel) for channel in whole]
            return channels[0] if len(channels) == 1 else np.stack(channels, axis=-1)

        outputs = len(found.probabilities)
        if self.probabilities:
            nothing = [0.0] * outputs if overlapping else [1.0, *[0.0] * (outputs - 1)]
            path = f"probabilities/{image.name}{form.numbers}"
            files[path] = lambda: numbers(found.probabilities, nothing)
        if self.uncertainty:
            entropy, disagreement = found.uncertainty(overlapping=overlapping)
            none = [0.0] * len(entropy)
            files[f"entropy/{image.name}{form.numbers}"] = lambda: numbers(entropy, none)
            files[f"disagreement/{image.name}{form.numbers}"] = lambda: numbers(disagreement, none)
        return files

    def _begin(self, name: str, files: Sequence[str], key: str) -> None:
        """Record that these files are being written, so that an interrupted run may write them again."""
        record = whole_files.read_json(self._record(name))
        ours = set() if record is None else {*record.get("begun", ()), *record.get("files", ())}
        for file in files:
            if file not in ours and (self.folder / file).exists():
                raise InputError(f"{self.folder / file}: is there, and no prediction wrote it. Name another --output.")
        whole_files.write_json(self._record(name), {"key": key, "begun": sorted({*ours, *files})})

    def _record(self, name: str) -> pathlib.Path:
        return self.folder / RECORDS / f"{name}.json"


def _digest(file: pathlib.Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return ""
