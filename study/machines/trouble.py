"""."""


class MachineTroubleError(RuntimeError):
    """Segments of different trials are lost one after the other: it is no trial's fault, and nothing is decided."""
