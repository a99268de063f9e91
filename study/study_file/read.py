"""Reading of the tree of a study file into its sections, with all problems on the way."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from search_spaces.defaults import LOSSES, MODELS, TRAINING
from search_spaces.grammar import Parameter
from study.study_file.code import is_code, resolve_code
from study.study_file.dataset import Dataset
from study.study_file.errors import Path, Problem, shown, suggestion, translated, unknown, without_unknown
from study.study_file.learning import Length
from study.study_file.losses import resolve_loss
from study.study_file.parameters import Resolved, resolve, resolve_training
from study.study_file.preprocess import Preprocess
from study.study_file.sections import Budget, Inference, Objective, Patch, Report, Resources
from study.study_file.sections_base import Name, Section, Seed, listed
from trainables.data.augmentation import recipes

SECTIONS: dict[str, type[Section]] = {
    "dataset": Dataset,
    "preprocess": Preprocess,
    "patch": Patch,
    "budget": Budget,
    "objective": Objective,
    "inference": Inference,
    "report": Report,
    "resources": Resources,
}


def _several(value: object) -> object:
    """Return one word, or a list of them, as a tuple."""
    return (value,) if isinstance(value, str) else listed(value)


def _recipes(value: object) -> object:
    """Return a preset, or a list, as a tuple."""
    return (value,) if isinstance(value, str) and value in recipes.PRESETS else listed(value)


class TopLevel(Section):
    """The keys outside of sections.

    Attributes:
        name: The study's name in the ledger, and of its folders.
        seed: Everything random follows from it.
        augment: Augmentations in their order, each by name or with its options; or a preset.
        weighting: Whether lesions are weighted inversely to their size; both make arms of their own.
    """

    name: Name
    seed: Seed = 0
    augment: Annotated[tuple[Any, ...], BeforeValidator(_recipes)] = ()
    weighting: Annotated[tuple[Literal["none", "inverse"], ...], BeforeValidator(_several), Field(min_length=1)] = (
        "none",
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a weighting that is named twice."""
        if len(set(self.weighting)) < len(self.weighting):
            yield Problem(("weighting",), f"names one twice: {list(self.weighting)}.")


KEYS = ("name", "seed", "augment", "models", "losses", "weighting", "training", *SECTIONS)


def read(tree: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the sections by name, those that could be read, and the problems of the others.

    Args:
        tree: The file as `study.study_file.yaml_subset` gives it.

    Returns:
        `top_level`, `length`, `training` (parameters), `models`, `losses` (parameters by name), and one for each of
        `SECTIONS`; with the problems inside each of them.
    """
    values: dict[str, Any] = {}
    problems = [Problem((key,), f"unknown key.{suggestion(key, KEYS)}") for key in tree if key not in KEYS]
    top = {
        key: tree[key] for key in TopLevel.model_fields if key in tree and not (key == "augment" and tree[key] is None)
    }
    problems += _section(values, "top_level", TopLevel, top, ())
    for name, section in SECTIONS.items():
        problems += _section(values, name, section, tree.get(name), (name,))
    problems += _training(values, tree.get("training"))
    problems += _entries(values, "models", "model", tree.get("models"), tuple(MODELS), _model)
    problems += _entries(values, "losses", "loss", tree.get("losses"), tuple(LOSSES), resolve_loss)
    if "top_level" in values:
        problems += _augmentations(values["top_level"].augment)
    return values, problems


def names_of(given: object) -> Sequence[str]:
    """Return the names of `models` or `losses`, which may be a mapping, a list or one name."""
    if isinstance(given, str):
        return (given,)
    return [name for name in given if isinstance(name, str)] if isinstance(given, Mapping | list) else ()


def _section(values: dict[str, Any], name: str, kind: type[Section], given: object, path: Path) -> list[Problem]:
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        return [Problem(path, f"expected keys with values ({', '.join(kind.model_fields)}), found {shown(given)}.")]
    try:
        section = kind.model_validate(given)
    except ValidationError as error:
        return translated(error, path, kind) + _rest(values, name, kind, given, path, error)
    values[name] = section
    return _inside(section, path)


def _rest(
    values: dict[str, Any], name: str, kind: type[Section], given: Mapping[str, Any], path: Path, error: ValidationError
) -> list[Problem]:
    """Return the other problems of a section, apart from keys that are unknown or wrong by themselves."""
    try:
        section = kind.model_validate(without_unknown(given, error))
    except ValidationError:
        if not kind.separate:
            return []
    else:
        values[name] = section
        return _inside(section, path)
    wrong = {detail["loc"][0] for detail in error.errors()}
    try:
        return _inside(kind.model_validate({key: value for key, value in given.items() if key not in wrong}), path)
    except ValidationError:
        return []


def _inside(section: Section, path: Path) -> list[Problem]:
    return [Problem((*path, *problem.path), problem.text) for problem in section.problems()]


def _training(values: dict[str, Any], given: object) -> list[Problem]:
    path = ("training",)
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        return [Problem(path, f"expected keys with values (iterations: 3000), found {shown(given)}.")]
    known = (*Length.model_fields, *TRAINING)
    problems = [
        Problem((*path, key), f"unknown key in `training`.{suggestion(key, known)}")
        for key in given
        if key not in known
    ]
    length = {key: given[key] for key in Length.model_fields if key in given}
    problems += _section(values, "length", Length, length, path)
    parameters, more = resolve_training({key: given[key] for key in given if key in TRAINING}, path)
    if not more:
        values["training"] = parameters
    return problems + more


def _entries(
    values: dict[str, Any],
    key: str,
    what: str,
    given: object,
    known: Sequence[str],
    resolved: Callable[[str, object, Path], Resolved],
) -> list[Problem]:
    """Read models or losses with their parameters."""
    names = names_of(given)
    if not names:
        return [Problem((key,), f"expected at least one {what}, found {shown(given)}. There are: {', '.join(known)}.")]
    problems: list[Problem] = []
    if isinstance(given, list) and (len(set(names)) < len(names) or len(names) < len(given)):
        problems.append(Problem((key,), f"expected a list of different names, found {shown(given)}."))
    found: dict[str, dict[str, Parameter]] = {}
    for name in names:
        inside = given[name] if isinstance(given, Mapping) else None
        found[name], more = resolved(name, inside, (key, name))
        problems += more
    if not problems:
        values[key] = found
    return problems


def _model(name: str, given: object, path: Path) -> Resolved:
    if name in MODELS:
        return resolve(given, MODELS[name], path, name)
    return resolve_code(name, given, path) if is_code(given) else ({}, [Problem(path, unknown("model", name, MODELS))])


def _augmentations(given: Sequence[recipes.Given]) -> list[Problem]:
    problems, right = [], []
    for index, entry in enumerate(given):
        try:
            recipes.parse((entry,))
            right.append(entry)
        except recipes.RecipeError as error:
            problems.append(_recipe_problem(entry, index, error))
    try:
        recipes.parse(right)
    except recipes.RecipeError as error:
        problems.append(Problem(("augment",), f"{error}."))
    return problems


def _recipe_problem(entry: recipes.Given, index: int, error: recipes.RecipeError) -> Problem:
    known = (*recipes.OPTIONS, *recipes.PRESETS)
    name = next(iter(entry)) if isinstance(entry, Mapping) and len(entry) == 1 else entry
    if isinstance(name, str) and name not in known:
        return Problem(("augment", index), unknown("augmentation", name, known))
    found: object = entry
    for part in error.path[1:]:
        found = found[part] if isinstance(found, Mapping) else found
    return Problem(("augment", index, *error.path[1:]), f"{error}, found {shown(found)}.")
