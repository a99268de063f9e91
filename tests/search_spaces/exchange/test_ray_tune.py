"""Ray Tune's spaces: read without running, both ways, held to what Ray Tune itself draws."""

import ast
from collections import Counter

import pytest

from search_spaces.exchange.ray_tune import read, write
from search_spaces.grammar import Choice, Fixed, GrammarError, Range


def one(text: str) -> object:
    return read(f"space = {{'x': {text}}}").space["x"]


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("tune.uniform(0, 2)", Range(0.0, 2.0)),
        ("tune.loguniform(1e-4, 10 ** -1)", Range(1e-4, 0.1, log=True)),
        ("tune.loguniform(lower=1e-4, upper=1e-1, base=10)", Range(1e-4, 0.1, log=True)),
        ("tune.quniform(0.2, 0.6, 0.2)", Range(0.2, 0.6, step=0.2)),
        ("tune.randint(1, 4)", Range(1, 3)),
        ("tune.randint(3, 4)", Fixed(3)),
        ("tune.lograndint(1, 65)", Range(1, 64, log=True)),
        ("tune.qrandint(1, 4, 2)", Range(2, 4, step=2)),
        ("tune.qrandint(2, 8, 3)", Range(3, 6, step=3)),
        ("tune.qrandint(1, 10, q=3)", Range(3, 9, step=3)),
        ("tune.qrandint(1, 4)", Range(1, 3)),
        ("tune.choice(['a', None, 2.5])", Choice(("a", None, 2.5))),
        ("tune.grid_search([1, 2])", Choice((1, 2))),
        ("{'grid_search': [1, 2]}", Choice((1, 2))),
        ("ray.tune.uniform(-1, -.5)", Range(-1.0, -0.5)),
    ],
)
def test_each_function_has_the_values_that_ray_tune_draws(text: str, parameter: object) -> None:
    assert read(f"space = {{'x': {text}, 'y': tune.uniform(0, 1)}}").space["x"] == parameter


@pytest.mark.parametrize(
    "text",
    [
        "tune.randint(1, 4)",
        "tune.qrandint(1, 4, 2)",
        "tune.qrandint(1, 4, 1)",
        "tune.qrandint(2, 8, 3)",
        "tune.quniform(0.2, 0.6, 0.2)",
        "tune.lograndint(1, 5)",
        "tune.choice(['a', 'b'])",
    ],
)
def test_read_and_written_again_ray_tune_draws_the_same_values(text: str) -> None:
    from ray import tune

    from search_spaces.values import grid_values

    ours = read(f"space = {{'x': {text}}}").space
    again: dict[str, object] = {}
    exec(compile(write(ours).text, "space.py", "exec"), again)  # our own text
    ray_values = {domain.sample() for domain in [eval(text, {"tune": tune})] for _ in range(400)}
    back = {again["space"]["x"].sample() for _ in range(400)}  # type: ignore[index]
    assert {round(value, 9) if isinstance(value, float) else value for value in ray_values} == back
    assert back == set(grid_values(ours["x"]))


def test_steps_are_written_so_that_each_is_drawn_equally_often() -> None:
    made = write({"x": Range(0.0, 1.0, step=0.5)})
    assert "tune.choice([0.0, 0.5, 1.0])" in made.text
    from ray import tune

    half = Counter(tune.quniform(0, 1, 0.5).sample() for _ in range(2000))
    assert half[0.5] > 1.5 * half[0.0]  # what a quniform would have drawn
    assert made.notes == ("x: steps are a choice there: Ray Tune's quniform draws both ends half as often",)


def test_nested_spaces_have_dotted_names() -> None:
    found = read(
        "tune.Tuner(f, param_space={'lr': tune.uniform(0, 1), 'loss': {'gamma': tune.randint(0, 3), 'k': -2}})"
    )
    assert found.space == {"lr": Range(0.0, 1.0), "loss.gamma": Range(0, 2), "loss.k": Fixed(-2)}


def test_no_part_of_a_file_is_run() -> None:
    text = "open('made', 'w')\nspace = {'x': tune.uniform(0, __import__('os').getpid())}"
    with pytest.raises(GrammarError, match=r"x: __import__.* is no value: the file is read, not run"):
        read(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("space = {'x': tune.qloguniform(1, 8, 1)}", "x: a log range cannot have a step"),
        ("space = {'x': tune.randn(0, 1)}", "x: tune.randn has no counterpart"),
        ("space = {'x': tune.sample_from(lambda spec: 1)}", "x: tune.sample_from has no counterpart"),
        ("space = {'x': tune.uniform(2, 1)}", "x: the range is upside down"),
        ("space = {'x': tune.uniform(0, 1e999)}", "x: upper is inf, expected a number"),
        ("space = {'x': tune.uniform(0, True)}", "x: upper is True, expected a number"),
        ("space = {'x': tune.uniform(0)}", "x: has no upper"),
        ("space = {'x': tune.uniform(0, 1, 2)}", r"x: expected \(lower, upper\)"),
        ("space = {'x': tune.uniform(0, up=1)}", "x: has an argument up"),
        ("space = {'x': tune.uniform(*ends)}", "x: expected"),
        ("space = {'x': tune.uniform(0, high)}", "x: high is no value"),
        ("space = {'x': tune.uniform(0, 10 ** 999)}", "x: .* range error"),
        ("space = {'x': tune.randint(0, 1.5)}", "x: upper is 1.5, expected a whole number"),
        ("space = {'x': tune.quniform(0.05, 1.05, 0.1)}", "x: Ray Tune refuses it too"),
        ("space = {'x': tune.quniform(0, 1, 0)}", "x: q is 0.0"),
        ("space = {'x': tune.choice([])}", "x: the list is empty"),
        ("space = {'x': tune.choice([[1], [2]])}", "x: expected a number, a word or a range"),
        ("space = {'x': tune.choice([1, 1])}", "x: 1 is listed twice"),
        ("space = {key: tune.uniform(0, 1)}", "a key is no word in quotes"),
        ("space = {'x': 1}", "has no dictionaries with tune"),
        ("a = {'x': tune.uniform(0, 1)}\nb = {'x': tune.uniform(0, 1)}", "has 2 dictionaries"),
        ("space = {", "is no Python"),
        ("\0", "is no Python"),
    ],
)
def test_what_a_study_file_cannot_say_is_one_line(text: str, said: str) -> None:
    with pytest.raises(GrammarError, match=said):
        read(text)


def test_whatever_is_written_is_python_of_literals() -> None:
    space = {"a'b": Fixed("it's"), "lr": Range(1e-4, 0.1, log=True), "n": Range(1, 4), "m": Range(1, 9, log=True)}
    made = write(space, {"lr": 0.001})
    ast.parse(made.text)
    assert read(made.text).space == space
    assert "first = {\n    'lr': 0.001,\n}" in made.text


def test_the_notes_tell_what_is_drawn_more_often() -> None:
    assert "log((k + 1) / k)" in read("{'x': tune.lograndint(1, 9)}").notes[0]
    assert "half as often" in read("{'x': tune.quniform(0, 1, .5)}").notes[0]
    assert read("{'x': tune.randint(1, 9)}").notes == ()
