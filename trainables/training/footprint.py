"""Footprint: the memory and the time that training a network takes at one size, as a probe measured them."""

import dataclasses

CPU = "cpu of "


@dataclasses.dataclass(frozen=True, slots=True)
class Footprint:
    """Memory and time of training a network at one size.

    Attributes:
        device: The GPU's name, or `cpu of HOST`.
        seconds: Median time of an iteration.
        window_seconds: Time of one window of inference, all its mirrored views included.
        voxel_seconds: Time of a whole case's evaluation apart from its windows, per voxel of the original grid; 0 where
            that would have taken too long to measure.
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
        """True if it was measured on a GPU."""
        return not self.device.startswith(CPU)

    def case_seconds(self, windows: int, voxels: int) -> float:
        """Return the seconds that evaluating a case takes.

        Args:
            windows: Inference windows of the case.
            voxels: Voxels of its original grid.
        """
        return windows * self.window_seconds + voxels * self.voxel_seconds
