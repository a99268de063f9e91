"""The lead of the first arms of a small study over the last arms, so that their final trainings do not end together.

Twelve arms that keep step have 36 last trainings to do on 32 slots at the same time: 32 together, then four alone.
Which lead is best depends on how many segments run at once, and is tried out in virtual time: a pure function of the
design, the speeds and the slots. It changes the order of segments and no result.
"""

from study.design import Design
from study.planning.simulate import simulate
from study.planning.time_left import Speeds

LEADS = (0.0, 0.5, 0.75, 1.0)
"""Leads that are tried, of the first arm over the last, in steps between the last two marks."""
LARGEST = 400
"""Search trials up to which leads are tried (a tenth of a second); larger studies keep their slots busy anyway."""


def best_lead(design: Design, speeds: Speeds, slots: int) -> float:
    """Return the lead of the first arm over the last, in iterations, that ends the study soonest.

    Of equal leads the smallest is taken.

    Args:
        design: The study's design.
        speeds: Measured speeds; all models are as fast as each other without any.
        slots: Segments at once, >= 1.
    """
    trials = len(design.arms) * design.searches * design.trials_per_arm
    if len(design.arms) == 1 or trials > LARGEST:
        return 0.0
    known = speeds if speeds.iteration else Speeds({arm.model: 1.0 for arm in design.arms})
    leads = [share * design.steps[-1] for share in LEADS]
    return min(leads, key=lambda lead: simulate(design, known, slots, lead=lead).seconds)
