"""Notices and limits: what a reader of the results must know of data and plan, and what the results cannot show."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from search_spaces.values import grid_points
from study.cases.overview import Duplicate, Overview, ceilings
from study.cases.splits import Role, listing
from study.in_words import counted
from study.planning.cohort_sampling import is_tuned
from study.study_file import Study
from study.study_file.recorded.objective_empty import counting, decided, lacking
from trainables.data.inspecting.inspect import CaseFacts

LOW_CEILING = 0.9
"""Mean Dice of the reference after resampling to the training grid and back, below which a notice warns."""
SHORT_MARK = 10
"""A mark before the 1/SHORT_MARK-th of the training predicts its end poorly."""
FEW_GROUPS, EXPLORATORY = 6, 10
"""Numbers of test groups below which there is no p-value, and below which results are exploratory."""
FEW_SEEDS = 3
"""Number of final seeds below which a result holds for these trained networks and not for the losses."""


OF_LESIONS = ("lesion_recall", "lesion_dice")
"""Metrics of a case that a case without lesions does not have, by whatever policy."""


def of_data(seen: Overview) -> Iterator[str]:
    """Yield flaws of the data that do not stop a study: duplicate images, labels that a part lacks."""
    for twice in seen.duplicates:
        yield _twice(twice)
    for label, where in _lacking(seen):
        yield (
            f"{label} is in no {where} case: nothing is learnt or scored of it there; `stratify: labels` in "
            "dataset.split spreads labels evenly"
        )


def _twice(twice: Duplicate) -> str:
    one = f"{listing(twice.cases)}: one and the same image"
    if not twice.parts:
        return f"{one}; take out all but one (dataset.exclude), or give them one group"
    return (
        f"WARNING: {one}, in {'; '.join(twice.parts)}: what is scored was seen before. Take out all but one "
        "(dataset.exclude), or give them one group"
    )


def _lacking(seen: Overview) -> Iterator[tuple[str, str]]:
    """Yield each label with a part that lacks it, once for all folds."""
    folds = len(seen.parts)
    for label in seen.labels:
        without: dict[Role, list[int]] = {}
        for fold, parts in enumerate(seen.parts, start=1):
            for role, part in parts.items():
                if not part.labels[label].cases:
                    without.setdefault(role, []).append(fold)
        for role, numbers in without.items():
            place = "" if folds == 1 else f" (fold {', '.join(map(str, numbers))})"
            yield label, f"{role}{place}"


def unscored(study: Study, facts: Sequence[CaseFacts], splits: Sequence[Mapping[str, Role]]) -> Iterator[str]:
    """Yield test cases that have none of the regions, and so no value in most columns."""
    tested = {name for roles in splits for name, role in roles.items() if role == "test"}
    without = [fact.name for fact in facts if fact.name in tested and not any(fact.lesions.values())]
    if without and study.report.empty == "missing":
        yield (
            f"{listing(without)}: no region is in {counted(len(without), 'test case')}, so nothing of it but false "
            "positives is scored; tables leave it out of their means (report.empty: missing)"
        )


def of_grid(facts: Sequence[CaseFacts]) -> Iterator[str]:
    """Yield regions for which the training grid is too coarse."""
    for region, found in ceilings(facts).items():
        if found["mean"] < LOW_CEILING:
            yield (
                f"ceiling of {region}: a network without any error reaches a Dice of {found['mean']:.2f} at this voxel "
                "size (preprocess.spacing); smaller voxels let it reach more"
            )


def of_objective(study: Study, facts: Sequence[CaseFacts], splits: Sequence[Mapping[str, Role]]) -> Iterator[str]:
    """How the objective counts validation cases that lack its region, where there are any."""
    validated = [fact.voxels for fact in facts if any(roles[fact.name] == "validation" for roles in splits)]
    if not validated or not (without := lacking(study, validated)):
        return
    found = f"{without} of {len(validated)} validation cases lack a region of the objective: "
    how = counting(decided(study, validated))
    if study.objective.metric in OF_LESIONS:
        yield f"{found}{study.objective.metric} has no value there, so a search does not see false positives in them"
    elif how == "one" or (how == "report" and study.report.empty == "one"):
        yield f"{found}they count 1 where nothing is found and 0 where it is (objective.empty: one)"
    else:
        yield f"{found}they do not count, so a search does not see false positives in them (objective.empty: one)"


def of_plan(study: Study) -> Iterator[str]:
    """Yield consequences of the budget that a reader must know."""
    for mark in study.marks:
        if mark * SHORT_MARK < study.training.iterations:
            yield (
                f"mark {mark} is under a tenth of {study.training.iterations} iterations: halving there keeps what "
                "starts fast, which need not be what ends well"
            )
    yield from _untuned(study)
    yield from _uneven_grids(study)


def _untuned(study: Study) -> Iterator[str]:
    still = [arm.name for arm in study.arms if not is_tuned(arm)]
    if still and len(still) < len(study.arms):
        yield f"nothing to tune in {', '.join(still)}: trained at its defaults, beside arms that search"
    elif still:
        yield "nothing to tune in any arm: all are trained at their defaults"


def _uneven_grids(study: Study) -> Iterator[str]:
    if study.budget.sampler != "grid":
        return
    sizes = Counter({arm.name: grid_points(arm.space) or 1 for arm in study.arms if is_tuned(arm)})
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        yield f"grids of different size ({told}): an arm with more points has more luck; read best-of-equal-n"


def limits(study: Study, facts: Sequence[CaseFacts], splits: Sequence[Mapping[str, Role]]) -> Iterator[str]:
    """Yield conclusions that the results will not allow."""
    if study.dataset.group == "unknown":
        yield "nobody knows which cases share a patient (group: unknown): no p-values, intervals too narrow"
    group_of = {fact.name: fact.group for fact in facts}
    tested = {group_of[name] for roles in splits for name, role in roles.items() if role == "test"}
    if (said := _few_groups(len(tested))) is not None:
        yield said
    if _is_chosen_on_scored(study, splits):
        yield (
            "chosen on cases scored here: with search_in: first_fold the search of fold 1 sees cases that other folds "
            "score; each_fold searches in every fold by itself"
        )
    if study.budget.final_seeds < FEW_SEEDS:
        yield (
            f"{counted(study.budget.final_seeds, 'final seed')}: what the report says holds for these trained "
            f"networks, not for the losses; that needs budget.final_seeds {FEW_SEEDS} or more"
        )


def _is_chosen_on_scored(study: Study, splits: Sequence[Mapping[str, Role]]) -> bool:
    """Whether the single search for all folds is judged on cases that another fold tests."""
    if study.budget.search_in != "first_fold" or not any(map(is_tuned, study.arms)):
        return False
    judged = {name for name, role in splits[0].items() if role == "validation"}
    return any(role == "test" and name in judged for roles in splits for name, role in roles.items())


def _few_groups(count: int) -> str | None:
    if count == 1:
        return "test cases of 1 group: no interval and no p-value"
    if count < FEW_GROUPS:
        return f"test cases of {count} groups: no p-values (they need {FEW_GROUPS})"
    if count < EXPLORATORY:
        return f"test cases of {count} groups: results are exploratory (under {EXPLORATORY})"
    return None
