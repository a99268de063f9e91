"""Random parameters of a study file and their allowed values, for property-based tests."""

from hypothesis import strategies as st

from search_spaces.grammar import Choice, Fixed, Parameter, Range, Scalar, is_number

numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: float(f"{number:.6g}"))
words = st.text("abcxyz_", min_size=1, max_size=6)
scalars: st.SearchStrategy[Scalar] = st.one_of(st.integers(-1000, 1000), numbers, words, st.booleans(), st.none())
fixed = st.builds(Fixed, scalars)
choices = st.lists(
    scalars, min_size=2, max_size=6, unique_by=lambda value: value if value is None else str(value)
).filter(lambda values: all(value not in values[:index] for index, value in enumerate(values)))


@st.composite
def float_ranges(draw: st.DrawFn) -> Range:
    low, high = sorted((draw(numbers), draw(numbers)))
    return Range(low, high if high > low else low + 1.0)


@st.composite
def stepped_ranges(draw: st.DrawFn) -> Range:
    """Draws ranges with decimal steps such as 0.1, for which sums of floats drift."""
    digits, count = draw(st.integers(0, 4)), draw(st.integers(1, 40))
    step, low = draw(st.integers(1, 500)), draw(st.integers(-500, 500))
    scale = 10**digits
    return Range(low / scale, (low + step * count) / scale, step=step / scale)


@st.composite
def int_ranges(draw: st.DrawFn) -> Range:
    step = draw(st.one_of(st.none(), st.integers(1, 9)))
    low = draw(st.integers(-100, 100))
    return Range(low, low + (step or 1) * draw(st.integers(1, 50)), step=step)


@st.composite
def log_ranges(draw: st.DrawFn) -> Range:
    if draw(st.booleans()):
        low = draw(st.integers(1, 50))
        return Range(low, low + draw(st.integers(1, 5000)), log=True)
    low = draw(st.floats(1e-9, 1e3))
    return Range(low, low * draw(st.floats(1.01, 1e6)), log=True)


ranges = st.one_of(float_ranges(), stepped_ranges(), int_ranges(), log_ranges())
parameters: st.SearchStrategy[Parameter] = st.one_of(fixed, choices.map(lambda values: Choice(tuple(values))), ranges)


def contains(parameter: Parameter, value: Scalar) -> bool:
    """Tells whether a trial may have this value. Floats of a stepped range may be off by 1e-9 of a step."""
    if isinstance(parameter, Fixed | Choice):
        options = (parameter.value,) if isinstance(parameter, Fixed) else parameter.values
        return any(option == value and isinstance(option, bool) == isinstance(value, bool) for option in options)
    if not is_number(value) or not parameter.low <= value <= parameter.high:
        return False
    if parameter.whole and not isinstance(value, int):
        return False
    steps = (value - parameter.low) / (parameter.step or 1)
    return parameter.step is None or abs(steps - round(steps)) <= 1e-9
