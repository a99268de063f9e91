"""Whatever a study file holds, it is a study or it is refused: nothing else happens."""

import contextlib
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search_spaces.grammar import Fixed
from search_spaces.values import from_unit
from study.cases.from_study_file import options_of
from study.study_file import SpecError, Study, load, trial_fields
from study.study_file.read import read
from study.study_file.recorded.changes import difference
from tests.search_spaces.parameters import contains
from tests.study.study_files import SMALL
from trainables.errors import InputError

WORDS = [
    "dice",
    "focal",
    "unet3d",
    "vnet",
    "case",
    "default",
    "tpe",
    "grid",
    "plateau",
    "step",
    "validation",
    "inverse",
    "mirror",
    "miscnn",
    "lesion",
    "adam",
    "sgd",
    "mean",
    "kidney",
    ">1",
    "a..b",
    "nonzero",
    "roi",
    "reference",
    "minimum",
    "minmax",
    "zscore_training",
]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 200),
    st.floats(-2, 300),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=4),
)
KEYS = """
name seed dataset.path dataset.images dataset.masks dataset.labels
dataset.labels.kidney dataset.other_labels dataset.regions dataset.regions.r dataset.exclude dataset.group
dataset.split dataset.roi dataset.roi.label dataset.ignore dataset.colour preprocess preprocess.spacing
preprocess.clip preprocess.normalize preprocess.normalize.ct preprocess.crop preprocess.crop.to preprocess.crop.label
preprocess.crop.margin preprocess.window preprocess.window.level preprocess.percentiles preprocess.outside_roi
preprocess.pad patch patch.size patch.overlap patch.foreground patch.context augment models losses
patch.sampling augment.rotate augment.rotate.degrees weighting dataset.train_on training.schedule training.step
training.step.at training.plateau training.plateau.monitor training.early_stopping training.epoch training.checkpoint
training.evaluate_every training.eps training.deterministic training.compile budget.marks budget.final_on
training training.learning_rate training.optimizer training.momentum training.batch_size training.iterations
budget budget.trials_per_arm budget.cohort budget.sampler budget.halving budget.searches
objective objective.metric inference inference.mirror report report.baseline
report.metrics resources resources.gpu new
""".split()  # noqa: SIM905  # one a line would be a page
names = st.sampled_from(
    sorted(
        {part for key in KEYS for part in key.split(".")}
        | {"low", "high", "log", "step", "eta", "marks", "gamma", "width", *WORDS}
    )
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)),
    max_leaves=8,
)


def is_whole(study: Study) -> None:
    """Properties of every study that was not refused."""
    plain = json.loads(json.dumps(study.plain(), allow_nan=False))
    again = Study.from_plain(plain)
    assert again == study
    assert again.plain() == plain
    assert not difference(plain, study.plain())
    for arm in study.design().arms:
        assert all(contains(parameter, arm.default[name]) for name, parameter in arm.space.items())
        point = {name: from_unit(parameter, 0.7) for name, parameter in arm.space.items()}
        size = trial_fields(study, arm, point)["batch_size"]
        assert size == "auto" or size >= 1
    assert study.marks[-1] == study.training.iterations
    how = options_of(study)
    assert type(how).from_plain(json.loads(json.dumps(how.plain(), allow_nan=False))) == how


def with_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """The small file with other values, also where one took the place of the next one's parent."""
    tree: Any = copy.deepcopy(SMALL) | {name: {} for name in ("preprocess", "objective", "inference", "report")}
    for key, value in changes.items():
        inside = tree
        *path, last = key.split(".")
        for part in path:
            inside = inside[part] if isinstance(inside.get(part), dict) else inside.setdefault(f"{part}-", {})
        inside[last] = value
    return tree  # type: ignore[no-any-return]


@settings(max_examples=400)
@given(st.dictionaries(st.sampled_from(KEYS), trees, min_size=1, max_size=4))
def test_a_file_with_anything_in_it(changes: dict[str, Any]) -> None:
    with contextlib.suppress(SpecError):
        is_whole(Study.from_plain(with_changes(changes)))


@given(st.dictionaries(st.sampled_from(KEYS), trees, min_size=1, max_size=4))
def test_every_problem_is_one_line(changes: dict[str, Any]) -> None:
    _, problems = read(with_changes(changes | {"name": 3}))
    assert problems
    assert all("\n" not in problem.line({}) and problem.text for problem in problems)


@given(trees)
def test_a_tree_that_has_nothing_to_do_with_a_study(tree: Any) -> None:
    if isinstance(tree, dict):
        with contextlib.suppress(SpecError):
            is_whole(Study.from_plain(tree))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "a.yaml"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)))
def test_a_file_of_any_bytes(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with contextlib.suppress(InputError):
        load(file)


TEXT = json.dumps(SMALL, indent=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(TEXT)), st.integers(0, 6), st.text('ab1{}[]:,"&*!-#\n .', max_size=5))
def test_a_file_with_a_slip_of_the_pen(file: Path, place: int, gone: int, typed: str) -> None:
    file.write_text(TEXT[:place] + typed + TEXT[place + gone :])
    with contextlib.suppress(InputError):
        is_whole(load(file))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=30), st.tuples(st.sampled_from(KEYS), st.text(max_size=20)).map("=".join)))
def test_any_setting_of_the_command(file: Path, setting: str) -> None:
    file.write_text(TEXT)
    with contextlib.suppress(InputError):
        is_whole(load(file, [setting]))


def test_the_checks_above_can_fail() -> None:
    study = Study.from_plain(SMALL)
    is_whole(study)
    arm = study.arms[0]
    broken = dict(arm.space) | {"training.learning_rate": Fixed(7.0)}
    assert not all(contains(parameter, arm.default[name]) for name, parameter in broken.items())
