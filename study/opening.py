"""Opening a study's desk: what its file says of objective, resources and trials becomes what the desk works with."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from study.admission import Node, Shape
from study.bookkeeping import Bookkeeper
from study.design import Arm, PlannedTrial
from study.desk import Desk, Terms
from study.events import OnEvent
from study.spec import Study
from study.trial_specs import Data, trial_spec, write_spec
from trainables.object_storage import storage_at
from trainables.objective import objective
from trainables.trial import Score, TrialSpec


def judge(study: Study) -> Callable[[Sequence[Score]], float | None]:
    """From the scores of a mark to the study's objective."""
    region = study.objective.region
    regions = tuple(study.regions) if region == "mean" else (region,)
    return partial(objective, metric=study.objective.metric, regions=regions)


def open_desk(
    study: Study,
    books: Bookkeeper,
    terms: Terms,
    data: Data,
    shapes: Mapping[str, Shape],
    nodes: Callable[[], Sequence[Node]],
    on_event: OnEvent,
) -> Desk:
    """The desk of a study whose books are open; what follows from them is written down at once.

    Args:
        study: The study.
        books: Its plan and ledger.
        terms: What all assignments share.
        data: What its trials learn from.
        shapes: What each of them needs, by network.
        nodes: What there is now.
        on_event: Hears what happens.
    """
    arms = books.design.arms
    return Desk(
        books,
        terms,
        shapes={arm.index: shapes[arm.model] for arm in arms},
        nodes=nodes,
        spec=lambda plan: _spec(study, arms[plan.key.arm], plan, data, shapes),
        write_spec=partial(write_spec, storage_at(terms.storage)),
        on_event=on_event,
    )


def _spec(study: Study, arm: Arm, plan: PlannedTrial, data: Data, shapes: Mapping[str, Shape]) -> TrialSpec:
    return trial_spec(study, arm, plan, data, gpu=shapes[arm.model].gpu)
