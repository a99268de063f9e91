"""Settings of a study file in the words of the protocols, so that a paper's and a study's can be compared.

Each takes a section of the file with all defaults. Keys that an older version did not have may be missing; what is
tuned is said to be.
"""

from collections.abc import Mapping
from typing import Any

OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}
LOOKS = {"loss": ("epochs", "a lower training loss"), "validation": ("validations", "a better objective")}


def optimizer(training: Mapping[str, Any]) -> str:
    """Return the optimiser with what changes its steps: `SGD, Nesterov momentum 0.9`, `Adam, epsilon 1e-07`."""
    name = training["optimizer"]
    if not isinstance(name, str):
        return "tuned"
    words = [OPTIMIZERS.get(name, name)]
    if name == "sgd" and training.get("momentum") != 0:
        momentum = training.get("momentum")
        words.append("Nesterov momentum" if momentum is None else f"Nesterov momentum {_number(momentum)}")
    if name != "sgd" and training.get("eps") is not None:
        words.append(f"epsilon {_number(training['eps'])}")
    return ", ".join(words)


def decay(training: Mapping[str, Any]) -> str:
    """Return the weight decay; `none` for 0."""
    value = training.get("weight_decay", 0.0)
    return "none" if value == 0 else _number(value)


def schedule(training: Mapping[str, Any]) -> str:
    """Return the schedule of the learning rate with its numbers."""
    name = training["schedule"]
    if not isinstance(name, str):
        return "tuned"
    if name == "step" and (step := training.get("step")):
        places = [f"{100 * at:g} %" if at < 1 else f"iteration {at:g}" for at in step.get("at") or ()]
        when = f"every {step['every']:g} iterations" if step.get("every") else f"at {' and '.join(places)}"
        return f"× {step['factor']:g} {when}"
    if name == "plateau" and (plateau := training.get("plateau")):
        looks, better = LOOKS[plateau["monitor"]]
        return (
            f"× {plateau['factor']:g} after {plateau['patience']} {looks} without {better}, to {plateau['min_rate']:g}"
        )
    return name


def stopping(training: Mapping[str, Any]) -> str:
    """Return the rule of early stopping; `none` without one."""
    rule = training.get("early_stopping")
    if not rule:
        return "none"
    looks, better = LOOKS[rule["monitor"]]
    return f"after {rule['patience']} {looks} without {better}"


def crop(preprocess: Mapping[str, Any]) -> str:
    """Return what images are cropped to, with the margin in voxels; `none` without a crop."""
    rule = preprocess.get("crop")
    if not rule:
        return "none"
    label = f"label {rule.get('label')} of the reference"
    to = {"roi": "the region of interest", "nonzero": "voxels that are not 0"}.get(rule["to"], label)
    margin = rule.get("margin") or 0
    sides = sorted(set(margin)) if isinstance(margin, list | tuple) else [margin]
    return f"{to}, margin {' or '.join(f'{side:g}' for side in sides)}"


def windows(inference: Mapping[str, Any]) -> str:
    """Return what overlapping windows of a prediction average, and with which weights."""
    weights = {"constant": "equally", "gaussian": "by a Gaussian"}[inference.get("blend", "gaussian")]
    mirrored = ", also of mirrored images" if inference.get("mirror") else ""
    return f"{inference.get('average', 'logits')} weighted {weights}{mirrored}"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else "tuned"
