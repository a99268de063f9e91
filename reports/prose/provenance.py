"""Facts of the Methods that come from measurements in the ledger: foreground, machines, outcomes of trainings."""

import statistics
from collections import Counter

from reports.prose.listing import listed
from reports.results.number_format import count
from reports.results.results import Results


def foreground(results: Results) -> str:
    """Returns the share of voxels that each region takes of the training images; an empty string if it is unknown."""
    shares: dict[str, list[float]] = {}
    for case in results.records.cases:
        voxels, shape = case.facts.get("voxels") or {}, case.facts.get("shape") or ()
        size = 1
        for length in shape:
            size *= length
        if "train" in case.splits and shape and size:
            for region in results.protocol.regions:
                labels = results.protocol.labels.get(region, (region,))
                if all(label in voxels for label in labels):
                    shares.setdefault(region, []).append(sum(voxels[label] for label in labels) / size)
    parts = [f"{region} {100 * statistics.median(found):.2g} %" for region, found in shares.items()]
    return f"Median share of a training image's voxels: {listed(parts)}." if parts else ""


def hardware(results: Results) -> str:
    """Returns the devices that final trainings ran on, and how many kinds there were; empty without records."""
    final = [segment for segment in results.records.segments if segment.trial.stage == "final"]
    devices = Counter(segment.device for segment in final)
    hosts = {segment.host for segment in final}
    if not devices:
        return ""
    kinds = listed([f"{name} ({number} of {len(final)})" for name, number in sorted(devices.items())])
    mixed = " Numbers of a training depend on the kind of device." if len(devices) > 1 else ""
    return f"Segments of the final trainings ran on {count(len(hosts), 'machine')}, on {kinds}.{mixed}"


def outcomes(results: Results) -> str:
    """Returns how many final trainings count, diverged and were lost."""
    arms = [arm.trainings for arm in results.every_arm]
    planned, diverged, lost = (sum(getattr(arm, key) for arm in arms) for key in ("planned", "diverged", "missing"))
    parts = [f"{diverged} diverged (counted as the worst value)"] * bool(diverged)
    parts += [f"{lost} ended by memory, a machine or an error (left out)"] * bool(lost)
    return f"Of {count(planned, 'final training')} {listed(parts)}." if parts else ""
