"""Settings in words, by hand; the words of the papers' protocols are among them."""

from typing import Any

import pytest

from reports.published import settings
from reports.published.protocols import PROTOCOLS

PLATEAU = {"factor": 0.1, "patience": 5, "min_rate": 1e-5, "min_delta": 1e-4, "cooldown": 1, "monitor": "loss"}


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({"optimizer": "adam", "eps": 1e-7}, "Adam, epsilon 1e-07"),
        ({"optimizer": "adamw", "eps": {"low": 1e-8, "high": 1e-3}}, "AdamW, epsilon tuned"),
        ({"optimizer": "adam"}, "Adam"),
        ({"optimizer": "sgd", "momentum": 0.99, "eps": 1e-8}, "SGD, Nesterov momentum 0.99"),
        ({"optimizer": "sgd", "momentum": 0}, "SGD"),
        ({"optimizer": "sgd", "momentum": {"choice": [0.9, 0.99]}}, "SGD, Nesterov momentum tuned"),
        ({"optimizer": ["adam", "sgd"]}, "tuned"),
    ],
)
def test_optimisers(training: dict[str, Any], expected: str) -> None:
    assert settings.optimizer(training) == expected


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({"schedule": "step", "step": {"at": [0.8], "every": None, "factor": 0.1}}, "× 0.1 at 80 %"),
        ({"schedule": "step", "step": {"at": [0.5, 9000], "factor": 0.2}}, "× 0.2 at 50 % and iteration 9000"),
        ({"schedule": "step", "step": {"at": [], "every": 25000, "factor": 0.1}}, "× 0.1 every 25000 iterations"),
        ({"schedule": "plateau", "plateau": PLATEAU}, PROTOCOLS["kits19/kits19"]["schedule"]),
        (
            {"schedule": "plateau", "plateau": {**PLATEAU, "patience": 9, "monitor": "validation"}},
            "× 0.1 after 9 validations without a better objective, to 1e-05",
        ),
        ({"schedule": "polynomial", "step": None, "plateau": None}, "polynomial"),
        ({"schedule": ["constant", "polynomial"]}, "tuned"),
    ],
)
def test_schedules(training: dict[str, Any], expected: str) -> None:
    assert settings.schedule(training) == expected


def test_other_settings() -> None:
    assert settings.decay({}) == settings.decay({"weight_decay": 0.0}) == "none"
    assert settings.decay({"weight_decay": 3e-5}) == "3e-05"
    assert settings.decay({"weight_decay": {"low": 0.0, "high": 0.1}}) == "tuned"
    assert settings.stopping({"early_stopping": None}) == settings.stopping({}) == "none"
    rule = {"patience": 20, "min_delta": 0.0, "monitor": "loss"}
    assert settings.stopping({"early_stopping": rule}) == "after 20 epochs without a lower training loss"
    assert settings.crop({"crop": None}) == "none"
    assert settings.crop({"crop": {"to": "reference", "label": "1", "margin": [5]}}) == (
        "label 1 of the reference, margin 5"
    )
    assert settings.crop({"crop": {"to": "roi", "margin": [5, 2, 2]}}) == "the region of interest, margin 2 or 5"
    assert settings.crop({"crop": {"to": "nonzero"}}) == "voxels that are not 0, margin 0"
    assert settings.windows({}) == "logits weighted by a Gaussian"
    assert settings.windows({"blend": "constant", "average": "probabilities", "mirror": True}) == (
        "probabilities weighted equally, also of mirrored images"
    )
