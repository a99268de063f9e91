import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.design import Design, KnownTrial, TrialKey
from study.ledger.rows import ArmRow, SegmentRow, StudyRow, TrialRow
from study.planning.planner import Decision, decide
from study.tracking.arm_runs import arm, arm_done
from study.tracking.naming import parameters, space_text, tags, word
from study.tracking.training_runs import CurvePoint, Mean, MetricPoint, Reached, Run, experiment, identity, trial
from tests.study.plans import Memory
from tests.study.plans import arm as planned_arm

STUDY = StudyRow(
    id=1,
    name="toy",
    file={"name": "toy"},
    marks=(10, 20),
    maximize=True,
    data_digest="d" * 64,
    versions={"segstudy": "0.1.0"},
    created=1000.0,
    stop_requested=False,
    report_reads=0,
)
ARM = ArmRow(2, "unet+focal", "unet", "focal", "none", {"loss.gamma": {"low": 0.5, "high": 4.0, "log": True}})
TRIAL = TrialRow(
    key=TrialKey("search", 2, 0, 0, 3),
    arm="unet+focal",
    cohort=1,
    seed=7,
    parameters={"loss.gamma": 0.1 + 0.2, "model.norm": "batch", "model.deep": True, "loss.clip": None},
    source=None,
    status="open",
    reason=None,
    sampled_by="tpe, optuna 5.0.0",
    created=1000.0,
    ended=None,
)


def segment(mark: int, *, ended: float, objective: float | None = 0.5, key: TrialKey = TRIAL.key) -> SegmentRow:
    return SegmentRow(
        trial=key,
        iteration=mark,
        objective=objective,
        weights=f"w{mark}",
        checkpoint=None,
        attempts=1,
        seconds=20.0,
        evaluate_seconds=4.0,
        trained=10,
        host="here",
        device="cpu",
        peak_bytes=0,
        ended=ended,
    )


def points(run: Run) -> dict[str, list[tuple[int, int, float]]]:
    found: dict[str, list[tuple[int, int, float]]] = {}
    for point in run.metrics:
        found.setdefault(point.name, []).append((point.step, point.milliseconds, point.value))
    return found


def test_a_trials_numbers_by_hand() -> None:
    run = trial(
        STUDY,
        ARM,
        TRIAL,
        started=1010.25,
        segments=[segment(20, ended=1100.0, objective=0.75), segment(10, ended=1050.0)],
        curve=[CurvePoint(5, "loss", 0.9), CurvePoint(10, "loss", 0.8), CurvePoint(15, "loss", 0.7)],
        means=[Mean(10, "kidney+tumor", "dice", 0.25), Mean(20, "kidney+tumor", "dice", 0.5)],
    )
    assert (run.key, run.parent, run.name) == ("search-a02-r0-f0-n003", "arm-a02", "search 3 · unet+focal")
    assert (run.start, run.end, run.status) == (1010250, None, "RUNNING")
    # 2 s an iteration, 4 s of evaluation: iteration 5 was 4 + 5 * 2 s before the end of the segment to 10.
    assert points(run) == {
        "validation/objective": [(10, 1050000, 0.5), (20, 1100000, 0.75)],
        "worker/training seconds": [(10, 1050000, 20.0), (20, 1100000, 20.0)],
        "worker/evaluation seconds": [(10, 1050000, 4.0), (20, 1100000, 4.0)],
        "validation/dice/kidney and tumor": [(10, 1050000, 0.25), (20, 1100000, 0.5)],
        "train/loss": [(5, 1036000, 0.9), (10, 1046000, 0.8), (15, 1086000, 0.7)],
    }
    assert run.parameters == {
        "model": "unet",
        "loss": "focal",
        "weighting": "none",
        "iterations": "20",
        "loss.gamma": "0.30000000000000004",
        "model.norm": "batch",
        "model.deep": "true",
        "loss.clip": "null",
    }
    wanted = {
        "stage": "search",
        "search": "0",
        "fold": "0",
        "number": "3",
        "cohort": "1",
        "seed": "7",
        "status": "open",
    }
    wanted |= {"arm": "unet+focal", "model": "unet", "loss": "focal", "segstudy.key": "search-a02-r0-f0-n003"}
    wanted |= {"code_version": "0.1.0", "data_digest": "d" * 64, "weights": "w20", "trial": "search-a02-r0-f0-n003"}
    assert wanted.items() <= run.tags.items()
    assert "reason" not in run.tags


def test_what_all_trials_share_is_a_parameter_of_each_run() -> None:
    file = {"preprocess": {"spacing": [3.0, 1.5, 1.5]}, "patch": {"size": [16, 32, 24]}, "augment": ["mirror", "noise"]}
    study = dataclasses.replace(STUDY, file=file)
    shared = {"spacing": "[3.0, 1.5, 1.5]", "patch": "[16, 32, 24]", "augment": '["mirror", "noise"]'}
    assert shared.items() <= trial(study, ARM, TRIAL).parameters.items()
    assert shared.items() <= arm(study, ARM, [TRIAL], {}, done=False).parameters.items()
    native = dataclasses.replace(STUDY, file={"preprocess": {"spacing": "native"}, "augment": []})
    assert trial(native, ARM, TRIAL).parameters["spacing"] == "native"
    assert "augment" not in trial(native, ARM, TRIAL).parameters


@pytest.mark.parametrize(("maximize", "best"), [(True, [0.5, 0.75, 0.75]), (False, [0.5, 0.5, 0.25])])
def test_an_arm_shows_the_best_so_far_of_each_search(maximize: bool, best: list[float]) -> None:
    searched = {
        TrialKey("search", 2, 0, 0, 4): Reached(0.25, 30.0),  # out of order: the time decides
        TrialKey("search", 2, 0, 0, 0): Reached(0.5, 10.0),
        TrialKey("search", 2, 0, 0, 1): Reached(0.75, 20.5),
        TrialKey("search", 2, 1, 2, 0): Reached(0.125, 15.0),
    }
    run = arm(dataclasses.replace(STUDY, maximize=maximize), ARM, [TRIAL], {}, done=False, searched=searched)
    assert points(run) == {
        "validation/best objective": [(1, 10000, best[0]), (2, 20500, best[1]), (3, 30000, best[2])],
        "validation/best objective r1 f2": [(1, 15000, 0.125)],
    }


def test_a_run_that_waits_for_a_worker_starts_when_it_was_sampled() -> None:
    assert trial(STUDY, ARM, TRIAL).start == 1_000_000


def test_test_and_validation_values_never_share_a_name() -> None:
    final = dataclasses.replace(TRIAL, key=TrialKey("final", 2, 1, 2, 0))
    rows = [segment(10, ended=1050.0, key=final.key)]
    names = set(points(trial(STUDY, ARM, final, segments=rows, means=[Mean(10, "kidney", "dice", 0.5)])))
    assert {"test/objective", "test/dice/kidney"} <= names
    assert not any(name.startswith("validation/") for name in names)
    assert trial(STUDY, ARM, final).name == "final 0 r1 f2 · unet+focal"


@pytest.mark.parametrize(
    ("status", "shown"), [("finished", "FINISHED"), ("halved", "KILLED"), ("failed", "FAILED"), ("lost", "FAILED")]
)
def test_how_a_trial_ended(status: str, shown: str) -> None:
    row = dataclasses.replace(TRIAL, status=status, reason="the loss is nan", ended=1200.5)  # type: ignore[arg-type]
    run = trial(STUDY, ARM, row)
    assert (run.status, run.end, run.tags["status"]) == (shown, 1200500, status)
    assert run.tags["reason"] == "the loss is nan"
    assert run.tags["mlflow.note.content"] == f"{status}: the loss is nan"


def test_what_is_missing_or_not_finite_is_not_sent() -> None:
    run = trial(
        STUDY,
        ARM,
        TRIAL,
        segments=[segment(10, ended=1050.0, objective=None)],
        curve=[CurvePoint(5, "loss", math.inf), CurvePoint(15, "loss", 1.0)],  # 15: of a segment that never ended
        means=[Mean(10, "kidney", "hd95", math.nan), Mean(20, "kidney", "hd95", 3.0)],
    )
    assert set(points(run)) == {"worker/training seconds", "worker/evaluation seconds"}


def test_an_experiment_is_its_study_and_no_other_of_that_name() -> None:
    assert experiment(STUDY).identity == experiment(dataclasses.replace(STUDY, file={"name": "toy", "x": 1})).identity
    assert identity(STUDY) != identity(dataclasses.replace(STUDY, created=1000.5))
    assert experiment(STUDY).name == "toy"
    assert experiment(STUDY).other_name == f"toy ({identity(STUDY)[:8]})"
    assert '"name": "toy"' in experiment(STUDY).tags["mlflow.note.content"]


def final(number: int, status: str = "finished", *, ended: float = 1200.0) -> TrialRow:
    key = TrialKey("final", 2, 0, 0, number)
    return dataclasses.replace(TRIAL, key=key, status=status, created=1100.0, ended=ended)  # type: ignore[arg-type]


def final_run(row: TrialRow, values: list[tuple[str, float, int]]) -> Run:
    run = trial(STUDY, ARM, row)
    return dataclasses.replace(run, metrics=tuple(MetricPoint(name, value, 1, step) for name, value, step in values))


def test_an_arms_means_by_hand() -> None:
    rows = [dataclasses.replace(TRIAL, status="halved", ended=1050.0), final(0), final(1, ended=1300.0)]
    both, one = [("test/dice/kidney", 0.5, 10), ("train/loss", 1.0, 10)], [("test/hd95/kidney", 3.0, 10)]
    runs = {
        rows[1].key: final_run(rows[1], both + one),
        rows[2].key: final_run(rows[2], [("test/dice/kidney", 0.75, 10), ("train/loss", 2.0, 10)]),
    }
    run = arm(STUDY, ARM, rows, runs, done=True)
    assert (run.key, run.parent, run.name) == ("arm-a02", None, "unet+focal")
    assert (run.start, run.end, run.status) == (1_000_000, 1_300_000, "FINISHED")
    assert points(run) == {
        "test/dice/kidney": [(10, 1_300_000, 0.625)],
        "trials/finished": [(0, 1_300_000, 2.0)],
        "trials/halved": [(0, 1_300_000, 1.0)],
        "trials/failed": [(0, 1_300_000, 0.0)],
        "trials/lost": [(0, 1_300_000, 0.0)],
    }
    assert run.parameters["space.loss.gamma"] == "0.5..4.0 (log)"


def test_an_arm_with_a_lost_final_trial_has_no_mean() -> None:
    rows = [final(0), final(1, "failed")]
    run = arm(STUDY, ARM, rows, {row.key: final_run(row, [("test/dice/kidney", 0.5, 10)]) for row in rows}, done=True)
    assert run.status == "FINISHED"
    assert not any(name.startswith("test/") for name in points(run))
    rows = [final(0, "lost"), final(1, "failed")]
    assert arm(STUDY, ARM, rows, {}, done=True).status == "FAILED"


def test_an_arm_under_way_shows_no_numbers() -> None:
    run = arm(STUDY, ARM, [TRIAL, final(0)], {}, done=False)
    assert (run.status, run.end, run.metrics, run.tags["status"]) == ("RUNNING", None, (), "open")


DESIGNS = [
    Design(seed=1, arms=(planned_arm(0), planned_arm(1, tuned=False)), marks=(1, 2), trials_per_arm=4, cohort=2,
           sampler="random", searches=2, final_seeds=2, folds=folds, search_in=search_in)
    for folds, search_in in ((1, "first_fold"), (2, "first_fold"), (2, "each_fold"))
]  # fmt: skip


@pytest.mark.parametrize("failures", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("design", DESIGNS)
def test_an_arm_is_done_just_when_the_planner_wants_nothing_more_of_it(design: Design, failures: float) -> None:
    memory, seen = Memory(design, failure_rate=failures), set()
    while True:
        for each in range(2):
            mine = [known for known in memory.trials.values() if known.plan.key.arm == each]
            rows = [dataclasses.replace(TRIAL, key=known.plan.key, status=known.status) for known in mine]
            alone = decide(design, mine)
            wanted = any(plan.key.arm == each for batch in alone.insert for plan in batch)
            done = not (
                wanted or any(key.arm == each for key in alone.halved) or any(s.trial.arm == each for s in alone.owed)
            )
            assert arm_done(design, each, rows) == done
            seen.add(done)
        decision = decide(design, memory.trials.values())
        if decision.nothing:
            break
        step(memory, decision)
    assert seen == {True, False}


def step(memory: Memory, decision: Decision) -> None:
    """A driver's step: takes in what was decided, or runs the next segment."""
    for batch in decision.insert:
        memory.trials |= {plan.key: KnownTrial(plan) for plan in batch}
    for key in decision.halved:
        memory.trials[key].status = "halved"
    if not (decision.insert or decision.halved):
        memory.complete(decision.owed[0])


def test_parts_of_a_space_as_the_study_file_writes_them() -> None:
    assert space_text({"fixed": "adam"}) == "adam"
    assert space_text({"choice": [1, 2.5, None, "x"]}) == "1, 2.5, null, x"
    assert space_text({"low": 1, "high": 9, "log": False, "step": 2}) == "1..9 (step 2)"


def test_names_that_mlflow_takes_and_that_stay_apart() -> None:
    assert word("kidney") == "kidney"
    assert word("kidney+tumor") == "kidney and tumor"
    assert word("kidney+tumor") != word("kidney and tumor")
    assert len({word(each) for each in ("a/b", "a_b", "a(b", "a[b", "x" * 300, "x" * 301, "a.", "a")}) == 8
    assert "/" not in word("a/b")


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_any_name_is_taken_by_mlflow(one: str, other: str) -> None:
    from mlflow.utils.validation import _validate_metric_name, _validate_param_name

    _validate_metric_name(f"validation/{word(one)}/{word(other)}")
    _validate_param_name(word(one))
    assert (word(one) == word(other)) == (one == other)


def test_values_are_no_longer_than_mlflow_takes() -> None:
    assert len(parameters({"loss.x": "y" * 7000})["loss.x"]) == 6000
    assert tags({"a": "y" * 9000})["a"].endswith("y…")
