"""Ledgers that several tests share, read-only."""

from pathlib import Path

import pytest

from reports.build import write
from tests.reports.ledgers import COLLAPSED, DIVERGED, LOST, MEMORY, Fake, build

FULL = Fake(
    models=("unet", "vnet"),
    trials=6,
    marks=(250, 500, 1000),
    quality={"unet+focal": 0.9, "unet+tversky": 0.81, "vnet+dice": 0.83},
    fates={
        "final-a02-r0-f0-n002": LOST,
        "search-a03-r0-f0-n001": MEMORY,
        "final-a03-r0-f0-n001": DIVERGED,
        **{f"final-a04-r0-f0-n00{seed}": COLLAPSED for seed in range(3)},
        **{f"search-a05-r0-f0-n00{number}": DIVERGED for number in range(6)},
    },
)
"""Six arms: three whole, one with a seed lost, one with a seed diverged, one collapsed, one without a result."""


@pytest.fixture(scope="session")
def full_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of FULL."""
    return build(tmp_path_factory.mktemp("full") / "ledger.db", FULL)


@pytest.fixture(scope="session")
def full_report(full_ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every file of FULL's report, written once, since its curves take seconds."""
    return write(full_ledger, "fake", tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def plain_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of eight patients of one case, one seed, nothing tuned, nothing empty, which SciPy can check."""
    fake = Fake(losses=("dice", "focal"), patients=(1,) * 8, seeds=1, trials=0, empty=0, marks=(100,), previews=False)
    return build(tmp_path_factory.mktemp("plain") / "ledger.db", fake)
