"""Small trials that share one device: their joint throughput in processes that train at the same time.

    python benchmarks/parts/packed.py FOLDER DEVICE SHARE SECONDS

is one of them: it prints `ready`, starts at a line on its standard input, and prints its iterations a second.
"""

import argparse
import dataclasses
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve()


def together(count: int, folder: pathlib.Path, device: str, seconds: float) -> float:
    """Returns the total iterations a second of trials that run at the same time.

    Args:
        count: Number of trials.
        folder: Folder of their prepared cases, which are made where they are missing.
        device: `cpu` or `cuda`.
        seconds: Time of the measurement, from when all are ready.
    """
    command = [sys.executable, str(HERE), str(folder), device, str(1 / count), str(seconds)]
    trials = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") for _ in range(count)
    ]
    try:
        for trial in trials:
            assert trial.stdout is not None
            if trial.stdout.readline() != "ready\n":
                raise OSError("a packed trial did not start; its message stands above")
        for trial in trials:
            assert trial.stdin is not None
            trial.stdin.write("go\n")
            trial.stdin.flush()
        return sum(float(trial.communicate()[0]) for trial in trials)
    finally:
        for trial in trials:
            trial.kill()
            trial.wait()


def main(folder: str, device: str, share: str, seconds: str) -> None:
    """Runs one trial and prints its iterations a second."""
    sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent.parent.parent)]
    import starved
    import torch

    from trainables.training.device import claim
    from trainables.training.training import Training

    data = starved.cases(pathlib.Path(folder), 3)
    spec = dataclasses.replace(
        starved.spec_of("unet3d", data, argparse.Namespace(threads=1, device=device)),
        model_parameters={"width": 8},
        patch_size=(32, 32, 32),
        gpu=float(share) if device == "cuda" else 0.0,
        precision="bfloat16" if device == "cuda" else "float32",
    )
    claim(spec, spec.gpu)
    training = Training(spec, data)
    training.advance(5)
    print("ready", flush=True)
    sys.stdin.readline()
    start, before = time.perf_counter(), training.iteration
    while time.perf_counter() - start < float(seconds):
        training.advance(training.iteration + 5)
        if device == "cuda":
            torch.cuda.synchronize()
    print((training.iteration - before) / (time.perf_counter() - start))


if __name__ == "__main__":
    main(*sys.argv[1:])
