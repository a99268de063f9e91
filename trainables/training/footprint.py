"""Footprint: the memory and the time that training a network takes at one size, as a probe measured them."""

import dataclasses

CPU = "cpu of "


@dataclasses.dataclass(frozen=True, slots=True)
class Footprint:
    """What training a network takes, at one size.

    Attributes:
        device: The GPU's name, or `cpu of HOST`.
        seconds: Of an iteration, the median.
        window_seconds: Of one window of inference, all its mirrored views included.
        voxel_seconds: What a whole case's evaluation takes beside its windows, for each voxel of the original grid; 0
            where that would have taken too long to measure.
        peak_bytes: Greatest memory: what PyTorch held on the GPU, or the process's on the CPU.
        total_bytes: Memory of the GPU, or of the machine.
    """

    device: str
    seconds: float
    window_seconds: float
    voxel_seconds: float
    peak_bytes: int
    total_bytes: int

    @property
    def on_gpu(self) -> bool:
        """Whether it was measured on a GPU."""
        return not self.device.startswith(CPU)

    def case_seconds(self, windows: int, voxels: int) -> float:
        """Seconds of evaluating a case of so many windows and voxels of its original grid."""
        return windows * self.window_seconds + voxels * self.voxel_seconds
