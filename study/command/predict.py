"""`segstudy predict`: an arm's trained networks on new images."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.command.options import HOME, AllowCode, Home, LedgerAt, Places, RayAt, StorageAt, made
from study.errors import BAD_INPUT
from study.in_words import counted, duration
from trainables.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch

    from study.predicting.predict import Order, Predicted
    from trainables.data.cases.unlabelled import ImageFiles

TOLD_EVERY = 10.0
"""Seconds between two lines of progress."""


def predict(
    of: Annotated[str, typer.Argument(metavar="STUDY[/ARM]", help="A finished study, and its arm if it has several.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGES...", help="Files, or folders of images.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the predictions; continued if it is there.")
    ],
    seed: Annotated[list[int] | None, typer.Option(help="Only this final seed, from 0; repeatable.")] = None,
    fold: Annotated[list[int] | None, typer.Option(help="Only this fold, from 0; repeatable.")] = None,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Write probabilities too.")] = False,
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help="Write entropy and the networks' disagreement too, in nats.")
    ] = False,
    any_spacing: Annotated[
        bool, typer.Option("--any-spacing", help="Let voxels of untrained sizes through where nothing is resampled.")
    ] = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or cuda:1; a GPU if there is one.")] = None,
    gpus: Annotated[int | None, typer.Option(min=1, help="Use so many GPUs of this machine.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of an image.", show_default="resources.cpu of the study")
    ] = None,
    ray: RayAt = None,
    allow_code: AllowCode = False,
    home: Home = HOME,
    ledger: LedgerAt = None,
    storage: StorageAt = None,
) -> None:
    """Predict new images with an arm's final networks, averaged over seeds and folds.

    Images are prepared as the study prepared its own. Masks have the data set's label values, and lie in the image's
    format on its own grid. An interrupted command goes on where it was. Ends with 2 if an image could not be predicted.

    Example: segstudy predict demo/unet3d+dice new_scans --output masks
    """
    from study.ledger import Ledger
    from study.predicting.images import find_images
    from study.predicting.outputs import Outputs
    from study.predicting.predict import Order
    from study.predicting.trained_arm import trained_arm

    places = Places.of(home, ledger, storage=storage)
    name, _, arm_name = of.partition("/")
    with Ledger.open(places.ledger, read_only=True) as opened:
        arm = trained_arm(
            opened, places.storage, name, arm_name or None, seeds=seed or (), folds=fold or (), allow_code=allow_code
        )
    found = find_images([path.absolute() for path in images], arm.file, arm.channels)
    wanted = Outputs(made(output, "--output").absolute(), probabilities, uncertainty)
    order = Order(arm, wanted, any_spacing, threads or arm.spec.threads)
    typer.echo(
        f"{arm.study}/{arm.arm}: {counted(len(found), 'image')}, {counted(len(arm.networks), 'network')} "
        f"({', '.join(str(network.trial) for network in arm.networks)})"
    )
    try:
        failed = _told(_run(found, order, device, gpus, ray), len(found), output)
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror}). Name another --output.") from error
    if failed:
        raise typer.Exit(BAD_INPUT)


def _run(
    images: "Sequence[ImageFiles]", order: "Order", device: str | None, gpus: int | None, ray: str | None
) -> "Iterator[Predicted]":
    if ray is None:
        from study.predicting.predict import predict_here

        yield from predict_here(images, order, _devices(device, gpus))
        return
    from study.machines.nodes import this_machine
    from study.machines.ray_session import quiet, session, settings
    from study.predicting.on_ray import predict_on_ray

    with settings(), quiet(), session(ray, this_machine(), typer.echo):
        yield from predict_on_ray(images, order, gpu=gpus is not None or (device or "").startswith("cuda"))


def _devices(device: str | None, gpus: int | None) -> "list[torch.device]":
    """Return the GPUs to predict on, or the CPU.

    Raises:
        InputError: There is no such device.
    """
    import torch

    there = torch.cuda.device_count()
    if gpus is not None:
        if device is not None:
            raise InputError("--device and --gpus: give one of them")
        if gpus > there:
            raise InputError(f"--gpus {gpus}: PyTorch finds {there} here. Give fewer, or --device cpu.")
        return [torch.device("cuda", index) for index in range(gpus)]
    kind, _, number = (device or ("cuda" if there else "cpu")).partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdecimal()) or (kind == "cpu" and number):
        raise InputError(f"--device {device}: expected cpu, cuda or cuda:NUMBER")
    if kind == "cuda" and int(number or 0) >= there:
        raise InputError(f"--device {device}: PyTorch finds {counted(there, 'GPU')} here. Give another, or cpu.")
    return [torch.device("cpu") if kind == "cpu" else torch.device("cuda", int(number or 0))]


def _told(results: "Iterator[Predicted]", total: int, output: Path) -> int:
    """Print what becomes of each image, and progress with the time left; return how many could not be predicted."""
    began = told = time.monotonic()
    done = left_out = failed = 0
    for result in results:
        done += 1
        left_out += result.was_done
        if result.problem is not None:
            failed += 1
            typer.echo(f"Error: {result.name}: {result.problem}", err=True)
        for line in result.remarks:
            typer.echo(f"{result.name}: {line}")
        now = time.monotonic()
        if done < total and now - told >= TOLD_EVERY and done > left_out:
            told = now
            left = (now - began) / (done - left_out) * (total - done)
            typer.echo(f"{done} of {counted(total, 'image')}, about {duration(left)} left")
    again = f", {left_out} of them before" if left_out else ""
    typer.echo(f"{counted(done - failed, 'image')} predicted{again}, {failed} not, in {output}")
    return failed
