"""The error that ends a run because of its machines."""


class MachineTroubleError(RuntimeError):
    """Machines fail the run: nodes died, or segments of different trials were lost in a row. No trial is blamed."""
