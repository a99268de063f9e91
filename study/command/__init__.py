"""The subcommands, those of one thing in one file, and what they share.

Each imports what it needs when it runs: `segstudy --help` and `status` answer at once.
"""
