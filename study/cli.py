"""`study.cli`: the command's place before `study.command.cli`, for scripts that call `run_command` from Python."""

from study.command.cli import main, run_command

__all__ = ["main", "run_command"]
