"""The one root of errors that the user's input causes."""


class InputError(ValueError):
    """Something the user gave is wrong: the message says what was expected, what was found and what to do, in one line.

    The command prints it without a traceback and ends with exit code 2. Anything else keeps its traceback: it is a bug.
    """
