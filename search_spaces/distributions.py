"""Conversion of a search space to Optuna's distributions. With `exchange/optuna_json.py` all that needs Optuna."""

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from search_spaces.grammar import Choice, Range, Space


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Convert the parameters that vary to Optuna's distributions. Fixed parameters are left out."""
    found: dict[str, BaseDistribution] = {}
    for name, parameter in space.items():
        if isinstance(parameter, Choice):
            found[name] = CategoricalDistribution(parameter.values)
        elif isinstance(parameter, Range) and parameter.whole:
            step = int(parameter.step or 1)
            found[name] = IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log, step=step)
        elif isinstance(parameter, Range):
            found[name] = FloatDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)
    return found
