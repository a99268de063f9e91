"""Facts of the Methods that come from measurements in the ledger: foreground, machines, outcomes of trainings."""

import statistics
from collections import Counter
from collections.abc import Mapping
from typing import Any

from reports.prose.listing import listed
from reports.results.number_format import count
from reports.results.results import Results
from study.design import TrialKey


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
    """Returns the devices and kinds of machine that final trainings ran on; an empty string without records."""
    final = [segment for segment in results.records.segments if segment.trial.stage == "final"]
    if not final:
        return ""
    devices = Counter(segment.device for segment in final)
    hosts = {segment.host for segment in final}
    names = listed([f"{name} ({number} of {len(final)})" for name, number in sorted(devices.items())])
    kinds = sorted({found for segment in final if (found := machine_kind(segment.machine))})
    told = f" {count(len(kinds), 'kind')} of machine: {'; '.join(kinds)}." if kinds else ""
    return f"Segments of the final trainings ran on {count(len(hosts), 'machine')}, on {names}.{told}"


def machine_kind(machine: Mapping[str, Any]) -> str:
    """Returns what a training's numbers depend on beside its trial, in a line; an empty string if it is unknown.

    As `trainables.training.machine.kind`, which a report does not import since it leads to PyTorch.
    """
    try:
        versions = machine["versions"]
        if machine["gpu"]:
            return f"{machine['gpu']}, torch {versions['torch']}, CUDA {versions['cuda']}"
        if machine["portable"]:
            return f"portable, torch {versions['torch']}"
        limit = "" if machine["onednn_isa"] == "ALL" else f", oneDNN at most {machine['onednn_isa']}"
        return f"{machine['machine']} {machine['cpu_capability']}{limit}, torch {versions['torch']}"
    except (KeyError, TypeError):
        return ""


def machine_remarks(results: Results) -> list[str]:
    """Returns warnings on final trainings that different machines, versions or code of the user's own computed."""
    by_trial: dict[TrialKey, set[str]] = {}
    codes: dict[int, set[str]] = {}
    for segment in results.records.segments:
        if segment.trial.stage != "final":
            continue
        if found := machine_kind(segment.machine):
            by_trial.setdefault(segment.trial, set()).add(found)
        if code := segment.machine.get("code"):
            codes.setdefault(segment.trial.arm, set()).add(str(code))
    kinds = sorted(set().union(*by_trial.values()))
    moved = sum(len(found) > 1 for found in by_trial.values())
    lines = []
    if len(kinds) > 1:
        lines.append(
            f"Final trainings were computed by {len(kinds)} kinds of machine ({'; '.join(kinds)})"
            + (f", {moved} of {len(by_trial)} by more than one" if moved else "")
            + ": equal seeds give other numbers there, so part of a difference may be the machine's."
        )
    changed = [arm.row.name for arm in results.every_arm if len(codes.get(arm.row.number, ())) > 1]
    if changed:
        lines.append(f"Code of the user's own changed between final trainings of {listed(changed)}.")
    return lines


def outcomes(results: Results) -> str:
    """Returns how many final trainings count, diverged and were lost."""
    arms = [arm.trainings for arm in results.every_arm]
    planned, diverged, lost = (sum(getattr(arm, key) for arm in arms) for key in ("planned", "diverged", "missing"))
    parts = [f"{diverged} diverged (counted as the worst value)"] * bool(diverged)
    parts += [f"{lost} ended by memory, a machine or an error (left out)"] * bool(lost)
    return f"Of {count(planned, 'final training')} {listed(parts)}." if parts else ""
