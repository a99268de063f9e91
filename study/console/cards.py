"""Cards of losses and networks: formula, parameters with ranges and reasons, known facts; and lists of them.

Everything comes from the code: docstrings, `trainables.losses.FACTS`, `search_spaces.defaults`.
"""

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from search_spaces import defaults
from search_spaces.defaults import Default
from search_spaces.grammar import written
from study.study_file.errors import suggestion
from study.study_file.parameters import allowed
from trainables.errors import InputError

WIDTH = 100
CHANNELS, CLASSES, SIDE = 1, 2, 96  # that a network's parameters are counted with; SIDE of its patches

_BY_CLASS = "weights: {background: 1, …} for each class by name, fixed or ranges, instead of ratio"
SPECIAL = {
    "weighted_dice": (_BY_CLASS,),
    "log_cosh_weighted_dice": (_BY_CLASS,),
    "wasserstein_dice": ("matrix: rows of distances, one for each class",),
}
"""Keys of a loss in a study file beside the parameters of its table."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ParameterCard:
    """One parameter: meaning, default, the range of a search if the study file gives none, and its reason."""

    name: str
    meaning: str
    default: Any
    search: Any
    allowed: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """Facts about one loss or network.

    Attributes:
        name: Its name in a study file.
        formula: The first sentence of its docstring: the formula of a loss, the structure of a network.
        text: The following paragraphs of the docstring.
        parameters: In the order of the search space.
        facts: Label → fact.
        source: Paper or code.
        trap: Known pitfall for its users.
    """

    name: str
    formula: str
    text: tuple[str, ...]
    parameters: tuple[ParameterCard, ...]
    facts: Mapping[str, str]
    source: str
    trap: str

    def plain(self) -> dict[str, Any]:
        """JSON-able."""
        return dataclasses.asdict(self)


def lines_of(kind: str) -> dict[str, str]:
    """Return name → one line, for all losses or models.

    Args:
        kind: `losses` or `models`.
    """
    return {name: _paragraphs(function)[0] for name, function in _registry(kind).items()}


def card(kind: str, name: str) -> Card:
    """Return the card of one loss or network.

    Raises:
        InputError: There is none of that name.
    """
    registry = _registry(kind)
    if name not in registry:
        raise InputError(f"no {kind[:-1] if kind == 'models' else 'loss'} named {name!r}.{suggestion(name, registry)}")
    return _loss_card(name, registry[name]) if kind == "losses" else _model_card(name, registry[name])


def text_of(shown: Card) -> str:
    """Return a card as text for the terminal."""
    blocks = [shown.name, _wrapped(shown.formula, "  ")]
    blocks += [_wrapped(paragraph, "  ") for paragraph in shown.text]
    if shown.parameters:
        blocks.append("Parameters\n" + "\n".join(_parameter_text(parameter) for parameter in shown.parameters))
    else:
        blocks.append("No parameters")
    blocks.append("\n".join(_wrapped(f"{label}: {fact}", "", "  ") for label, fact in shown.facts.items()))
    blocks.append(_wrapped(f"Source: {shown.source}", "", "  "))
    if shown.trap:
        blocks.append(_wrapped(f"Trap: {shown.trap}", "", "  "))
    return "\n\n".join(blocks)


def list_text(kind: str) -> str:
    """Return all names with their lines, for the terminal."""
    found = lines_of(kind)
    width = max(map(len, found))
    rows = [_wrapped(f"{name:<{width}}  {line}", "", " " * (width + 2)) for name, line in found.items()]
    return "\n".join(rows)


def _registry(kind: str) -> Mapping[str, Callable[..., Any]]:
    if kind == "losses":
        from trainables.losses import LOSSES

        return LOSSES
    from trainables.models import MODELS

    return MODELS


def _loss_card(name: str, function: Callable[..., Any]) -> Card:
    from trainables.losses import FACTS

    known = FACTS[name]
    first, *rest = _paragraphs(function)
    aggregation = {
        "voxel": "the mean over the batch's voxels",
        "sample": "each sample by itself, then the mean",
        "batch": "sums over the whole batch: its value is not the mean of its samples'",
    }
    facts = {
        "Returns": _section(function, "Returns"),
        "Activation": f"{known.activation}, in here, in float32",
        "Classes with a term of their own": "all" if known.channels == "all" else "foreground, all but class 0",
        "Aggregation": aggregation[known.aggregation],
        "Empty reference": f"{known.clean:g} where nothing is predicted either; false positives "
        f"{'are learnt from' if known.learns_from_empty else 'have next to no gradient'}",
        "Perfect prediction": f"{known.perfect:g}",
        "Voxels": "its neighbours matter" if known.neighbours else "in any order",
        "Takes": "; ".join(["voxel weights, voxels to ignore", *SPECIAL.get(name, ()), "log_cosh: true"]),
    }
    return Card(
        name=name,
        formula=first,
        text=tuple(rest),
        parameters=_parameters(function, defaults.LOSSES[name]),
        facts=facts,
        source=known.source,
        trap=known.trap,
    )


def _model_card(name: str, builder: Callable[..., Any]) -> Card:
    from trainables.models import DIMS, DIVISORS, ONE_SIZE
    from trainables.models.facts import TRAPS

    first, *rest = _paragraphs(builder)
    counts = "; ".join(f"{_count(name, dim):,} in {dim}D" for dim in DIMS[name])
    facts = {
        "Images": " or ".join(f"{dim}D" for dim in DIMS[name]),
        "Patches": f"one side above {DIVISORS[name]}; multiples of {DIVISORS[name]} waste nothing",
        "Trainable parameters": f"{counts} (defaults, {CHANNELS} channel, {CLASSES} classes"
        f"{f', patches of {SIDE}' if name in ONE_SIZE else ''})",
    }
    return Card(
        name=name,
        formula=first,
        text=tuple(rest),
        parameters=_parameters(builder, defaults.MODELS[name]),
        facts=facts,
        source=_section(builder, "Source"),
        trap=TRAPS[name],
    )


def _count(name: str, dim: int) -> int:
    """Count the trainable parameters at the defaults, without allocating them."""
    import torch

    from trainables.models import build

    with torch.device("meta"):
        network = build(
            name, in_channels=CHANNELS, out_channels=CLASSES, dim=dim, parameters={}, seed=0, patch_size=[SIDE] * dim
        )
    return sum(parameter.numel() for parameter in network.parameters())


def _parameters(function: Callable[..., Any], table: Mapping[str, Default]) -> tuple[ParameterCard, ...]:
    meanings = _arguments(function)
    return tuple(
        ParameterCard(
            name=name,
            meaning=meanings[name],
            default=default.value,
            search=None if default.search is None else written(default.search),
            allowed=allowed(default),
            reason=default.reason,
        )
        for name, default in table.items()
    )


def _parameter_text(shown: ParameterCard) -> str:
    default = (
        "null"
        if shown.default is None
        else str(shown.default).lower()
        if isinstance(shown.default, bool)
        else shown.default
    )
    searched = "" if shown.search is None else f"; searched {_range_text(shown.search)}"
    head = _wrapped(f"{shown.name}: {default}{searched}; {shown.allowed}", "  ", "      ")
    return "\n".join([head, _wrapped(shown.meaning, "      "), _wrapped(f"Why: {shown.reason}", "      ")])


def _range_text(search: Any) -> str:
    if isinstance(search, Mapping):
        return f"{search['low']:g} to {search['high']:g}{' (log)' if search['log'] else ''}"
    return " or ".join(map(str, search))


def _document(function: Callable[..., Any]) -> str:
    """Return the docstring; for a class, followed by the sections of `__init__`."""
    own = inspect.getdoc(function) or ""
    if inspect.isclass(function):
        source = own.find("\nSource:")
        inner = inspect.getdoc(function.__init__) or ""
        inner = inner[inner.find("Args:") :] if "Args:" in inner else ""
        own = f"{own[:source]}\n\n{inner}\n{own[source:]}"
    return own


def _paragraphs(function: Callable[..., Any]) -> list[str]:
    """Return the paragraphs before the first section; list items are paragraphs."""
    before = re.split(r"^(?:Args|Returns|Raises|Source):", _document(function), maxsplit=1, flags=re.MULTILINE)[0]
    parts = re.split(r"\n\s*\n|\n(?=- )", before.strip())
    return [" ".join(part.split()) for part in parts if part.strip()]


def _section(function: Callable[..., Any], title: str) -> str:
    """Return the text of one section of a Google docstring."""
    found = re.search(rf"^{title}:(.*?)(?=^\S|\Z)", _document(function) + "\n", flags=re.MULTILINE | re.DOTALL)
    text = " ".join(found.group(1).split()) if found else ""
    if title == "Source" and found:  # it is not indented, and runs to the end of its paragraph
        text = " ".join(_document(function)[found.start() :].split("\n\n")[0].removeprefix("Source:").split())
    return text


def _arguments(function: Callable[..., Any]) -> dict[str, str]:
    """Return argument → its description in the docstring."""
    found = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", _document(function) + "\n", flags=re.MULTILINE | re.DOTALL)
    entries = re.split(r"^    (?=\S)", found.group(1), flags=re.MULTILINE) if found else []
    pairs = [entry.partition(":") for entry in entries if ":" in entry]
    return {name.strip(): " ".join(text.split()) for name, _, text in pairs}


def _wrapped(text: str, indent: str, later: str | None = None) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent if later is None else later)
