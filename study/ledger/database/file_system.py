"""The file system that a ledger's file lies on, and what SQLite can do there.

SQLite's write-ahead log shares memory between processes, which works on one machine only. On a network file system the
ledger is therefore kept with a rollback journal, which needs nothing but locks.
"""

from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

NETWORK = (
    "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.glusterfs", "fuse.juicefs", "fuse.lustre",
    "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "panfs", "pvfs2",
    "smb3", "smbfs", "wekafs",
)  # fmt: skip
"""Kinds of file systems that several machines share, as Linux names them."""


def network_kind(path: Path) -> str | None:
    """Return the kind of a network file system that a path lies on; None for a local one, or where it is not known."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    whole = path.resolve()
    found, kind = Path(), ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        mounted = Path(fields[4].replace("\\040", " "))
        if whole.is_relative_to(mounted) and len(mounted.parts) >= len(found.parts):
            found, kind = mounted, after.split()[0]
    return kind if kind in NETWORK else None
