"""The subcommands, a file each, and what they share.

Each imports what it needs when it runs: `segstudy --help` and `status` answer at once.
"""
