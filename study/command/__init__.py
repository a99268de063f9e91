"""The subcommands, related ones in one file, and their shared options.

Each imports its dependencies when it runs, so that `segstudy --help` and `status` answer at once.
"""
