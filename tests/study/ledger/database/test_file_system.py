from pathlib import Path

import pytest

from study.ledger.database import file_system
from study.ledger.database.file_system import network_kind

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /home rw,relatime shared:9 - nfs4 server:/home rw,vers=4.2
31 30 8:2 / /home/local rw,relatime - xfs /dev/sdb rw
32 22 0:27 / /data\\040sets rw master:3 propagate_from:2 - cifs //server/data rw
33 22 0:28 / /scratch rw - lustre mds@tcp:/scratch rw
not a line of mountinfo
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/ann/ledger.db", "nfs4"),
        ("/home/local/ledger.db", None),
        ("/homes/ledger.db", None),
        ("/data sets/ledger.db", "cifs"),
        ("/scratch/runs/ledger.db", "lustre"),
        ("/ledger.db", None),
    ],
)
def test_the_nearest_mount_decides(path: str, kind: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    monkeypatch.setattr(file_system, "MOUNTS", tmp_path / "mountinfo")
    assert network_kind(Path(path)) == kind


def test_where_mounts_are_not_told_every_place_is_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_system, "MOUNTS", tmp_path / "none")
    assert network_kind(Path("/home/ann/ledger.db")) is None


def test_this_machine_tells_them(tmp_path: Path) -> None:
    assert network_kind(tmp_path) in (None, *file_system.NETWORK)
