"""Files that the user asked for, such as a report: all of them are replaced, each whole, or none."""

import contextlib
import os
import pathlib
from collections.abc import Mapping


def replace_files(contents: Mapping[pathlib.Path, bytes]) -> None:
    """Write files, in place of older ones. Every content is on the disk before the first file is replaced.

    What exists and is no regular file, such as `/dev/stdout`, is written to as it is.

    Args:
        contents: File → content; its folder is there.

    Raises:
        OSError: One cannot be written; `filename` names it. Older files are untouched, nothing half written is left.
    """
    drafts: dict[pathlib.Path, pathlib.Path] = {}
    try:
        for path, content in contents.items():
            if path.exists() and not path.is_file():
                path.write_bytes(content)
                continue
            place = path.resolve()  # a link stays one
            drafts[place] = place.with_name(f".{place.name}.{os.getpid()}.part")
            _write(drafts[place], content, path)
        for place, draft in drafts.items():
            os.replace(draft, place)
    except BaseException:
        for draft in drafts.values():
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
        raise


def _write(draft: pathlib.Path, content: bytes, path: pathlib.Path) -> None:
    try:
        with open(draft, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
