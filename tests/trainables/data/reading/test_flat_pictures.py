"""Pictures in every mode that Pillow gives, written here byte by byte where Pillow cannot write them."""

import io
import pathlib
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.files import picture
from trainables import host_memory
from trainables.data.reading import readers
from trainables.data.reading.flat import orientation, transparency
from trainables.errors import InputError

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
DEEP = np.random.default_rng(0).integers(0, 65536, (5, 7, 4)).astype(np.uint16)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    path: pathlib.Path, size: tuple[int, int], bits: int, kind: int, rows: bytes, *, more: bytes = b"", adam7: int = 0
) -> pathlib.Path:
    """A PNG of `(width, height)` from rows that each begin with their filter type."""
    head = struct.pack(">IIBBBBB", *size, bits, kind, 0, 0, adam7)
    packed = chunk(b"IDAT", zlib.compress(rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + packed + chunk(b"IEND", b""))
    return path


def deep_png(path: pathlib.Path, array: np.ndarray, kind: int) -> pathlib.Path:
    """16 bits a sample, every row under the filter Sub but the first, so that filters are undone too."""
    big = array.astype(">u2")
    pixel = 2 * (array.shape[2] if array.ndim == 3 else 1)
    rows = [b"\0" + big[0].tobytes()]
    for row in big[1:]:
        raw = np.frombuffer(row.tobytes(), np.uint8)
        rows.append(b"\1" + (raw - np.concatenate([np.zeros(pixel, np.uint8), raw[:-pixel]])).tobytes())
    return png(path, array.shape[1::-1], 16, kind, b"".join(rows))


def tiff(path: pathlib.Path, array: np.ndarray, *, order: str = "<", **tags: Any) -> pathlib.Path:
    """An uncompressed TIFF of one strip, tag by tag."""
    samples = array.shape[2] if array.ndim == 3 else 1
    formats = {"u": 1, "i": 2, "f": 3}
    stored = array.astype(array.dtype.newbyteorder(order)).tobytes()
    entries: dict[int, tuple[int, ...]] = {
        256: (array.shape[1],),
        257: (array.shape[0],),
        258: (array.dtype.itemsize * 8,) * samples,
        259: (1,),
        262: (tags.get("photometric", 2 if samples > 1 else 1),),
        273: (8,),
        277: (samples,),
        278: (array.shape[0],),
        279: (len(stored),),
        284: (tags.get("planar", 1),),
        339: (formats[array.dtype.kind],) * samples,
    }
    entries |= {338: (2,)} if samples == 4 else {}
    entries |= {274: (tags["turn"],)} if "turn" in tags else {}
    at = 8 + len(stored)
    directory, beyond = struct.pack(order + "H", len(entries)), b""
    after = at + 2 + 12 * len(entries) + 4
    for tag, values in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(values)}H", *values)
        if len(packed) > 4:
            beyond, packed = beyond + packed, struct.pack(order + "I", after + len(beyond))
        directory += struct.pack(order + "HHI", tag, 3, len(values)) + packed.ljust(4, b"\0")
    begin = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, at)
    path.write_bytes(begin + stored + directory + b"\0\0\0\0" + beyond)
    return path


@pytest.mark.parametrize(("kind", "samples"), [(2, 3), (6, 4), (4, 2)])
def test_16_bit_colours_of_a_png_keep_all_bits(tmp_path: pathlib.Path, kind: int, samples: int) -> None:
    path = deep_png(tmp_path / "a.png", DEEP[..., :samples], kind)
    found = readers.read(path, colour="channels").array
    assert found.dtype == np.uint16
    assert (found == (DEEP[..., :3] if samples > 2 else DEEP[..., :1])).all()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("samples", [3, 4])
def test_16_bit_colours_of_a_tiff_keep_all_bits(tmp_path: pathlib.Path, samples: int, order: str) -> None:
    path = tiff(tmp_path / "a.tif", DEEP[..., :samples], order=order)
    assert (readers.read(path, colour="channels").array == DEEP[..., :3]).all()


def test_16_bit_colours_become_grey_by_luma(tmp_path: pathlib.Path) -> None:
    colours = np.array([[[1000, 200, 50], [0, 65535, 0]]], np.uint16)
    # 0.299 * 1000 + 0.587 * 200 + 0.114 * 50 = 422.1; 0.587 * 65535 = 38469.0
    assert readers.read(deep_png(tmp_path / "a.png", colours, 2)).array.tolist() == [[422, 38469]]


def test_16_bit_colours_in_separate_planes_are_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="in separate planes are not read"):
        readers.read(tiff(tmp_path / "a.tif", DEEP[..., :3], planar=2))


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[-5, 3]], np.int8), [[-5, 3]]),
        (np.array([[-500, 3]], np.int16), [[-500, 3]]),
        (np.array([[2**31 + 7, 3]], np.uint32), [[2**31 + 7, 3]]),
        (np.array([[-7, 3]], np.int32), [[-7, 3]]),
        (np.array([[0.25, -3]], np.float32), [[0.25, -3]]),
    ],
)
def test_numbers_of_a_tiff_keep_their_sign(tmp_path: pathlib.Path, array: np.ndarray, expected: list[Any]) -> None:
    assert readers.read(tiff(tmp_path / "a.tif", array)).array.tolist() == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_whose_white_is_zero_is_read_as_it_is_shown(tmp_path: pathlib.Path, dtype: type) -> None:
    top = int(np.iinfo(dtype).max)
    path = tiff(tmp_path / "a.tif", np.array([[0, 1, top]], dtype), photometric=0)
    assert readers.read(path).array.tolist() == [[top, top - 1, 0]]


@pytest.mark.parametrize("dtype", [np.float64, np.uint64])
def test_a_tiff_that_pillow_cannot_open_says_what_can_be_read(tmp_path: pathlib.Path, dtype: type) -> None:
    with pytest.raises(InputError, match="kind of TIFF that is not supported"):
        readers.read(tiff(tmp_path / "a.tif", np.ones((2, 3), dtype)))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_stored_numbers_of_a_mask_and_levels_of_an_image(tmp_path: pathlib.Path, bits: int) -> None:
    top = 2**bits - 1
    row = {1: b"\x40", 2: b"\x1c", 4: b"\x0f"}[bits]  # 0 1 …, 0 1 3 …, 0 15
    path = png(tmp_path / "a.png", (2 if bits == 4 else 3, 1), bits, 0, b"\0" + row)
    stored = {1: [0, 1, 0], 2: [0, 1, 3], 4: [0, 15]}[bits]
    mask = readers.read(path, colour="refuse")
    assert mask.array.tolist() == [stored]
    assert mask.levels is not None
    assert mask.levels.tolist() == [value * 255 // top for value in range(top + 1)]
    assert readers.read(path).array.tolist() == [[value * 255 // top for value in stored]]


@pytest.mark.parametrize(("name", "mode"), [("a.png", "P"), ("a.gif", "L")])
def test_a_palette_of_grey_keeps_indices_and_what_they_show(tmp_path: pathlib.Path, name: str, mode: str) -> None:
    mask = np.array([[0, 1, 1, 0]], np.uint8)
    shown = Image.fromarray(mask, mode="P") if mode == "P" else Image.fromarray(mask * 255)
    if mode == "P":
        shown.putpalette([0, 0, 0, 255, 255, 255])
    shown.save(tmp_path / name)
    found = readers.read(tmp_path / name, colour="refuse")
    assert (found.array if found.levels is None else found.levels[found.array]).tolist() == [[0, 255, 255, 0]]
    assert readers.read(tmp_path / name).array.tolist() == [[0, 255, 255, 0]]


OBJECT = np.array([[0, 255, 255], [0, 0, 255]], np.uint8)
WHITE = np.full_like(OBJECT, 255)
IN_ALPHA: dict[str, Callable[[], Image.Image]] = {
    "white": lambda: Image.fromarray(np.dstack([WHITE, WHITE, WHITE, OBJECT])),
    "black": lambda: Image.fromarray(np.dstack([0 * WHITE, 0 * WHITE, 0 * WHITE, OBJECT])),
    "grey": lambda: Image.merge("LA", [Image.fromarray(WHITE), Image.fromarray(OBJECT)]),
}


@pytest.mark.parametrize("make", IN_ALPHA.values(), ids=IN_ALPHA)
def test_a_mask_of_one_colour_stands_in_its_alpha(tmp_path: pathlib.Path, make: Callable[[], Image.Image]) -> None:
    make().save(tmp_path / "a.png")
    found = readers.read(tmp_path / "a.png", colour="refuse")
    assert (found.array == OBJECT).all()
    assert found.warnings == (transparency.TAKEN,)


def test_a_mask_may_stand_in_the_transparency_of_a_palette(tmp_path: pathlib.Path) -> None:
    both_white = chunk(b"PLTE", bytes([255] * 6)) + chunk(b"tRNS", b"\0")
    path = png(tmp_path / "a.png", (3, 1), 8, 3, b"\0\0\1\1", more=both_white)
    assert readers.read(path, colour="refuse").array.tolist() == [[0, 255, 255]]


def test_transparent_zeros_change_nothing_and_other_transparent_values_are_refused(tmp_path: pathlib.Path) -> None:
    classes = np.array([[0, 1, 2], [0, 0, 2]], np.uint8)
    for hidden, refused in ((classes == 0, False), (classes == 2, True)):
        alpha = np.where(hidden, 0, 255).astype(np.uint8)
        Image.merge("LA", [Image.fromarray(classes), Image.fromarray(alpha)]).save(tmp_path / "a.png")
        if refused:
            with pytest.raises(InputError, match="2 of its transparent pixels have a value other than 0"):
                readers.read(tmp_path / "a.png", colour="refuse")
        else:
            assert (readers.read(tmp_path / "a.png", colour="refuse").array == classes).all()
    path = png(tmp_path / "t.png", (3, 1), 8, 0, b"\0\0\1\2", more=chunk(b"tRNS", b"\0\2"))
    with pytest.raises(InputError, match="1 of its transparent pixels"):
        readers.read(path, colour="refuse")


def test_transparency_of_an_image_is_noted_and_not_used(tmp_path: pathlib.Path) -> None:
    path = picture(tmp_path / "a.png", np.dstack([GREY, GREY, GREY, GREY]))
    found = readers.read(path)
    assert (found.array == GREY).all()
    assert found.warnings == (transparency.UNUSED,)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_exif_is_noted_and_pixels_stay_as_stored_in_every_format(
    tmp_path: pathlib.Path, ending: str, turn: int
) -> None:
    path = tmp_path / f"a{ending}"
    exif = Image.Exif()
    exif[orientation.TAG] = turn
    Image.fromarray(GREY).save(path, **({"exif": exif} if ending == ".png" else {"tiffinfo": {274: turn}}))
    found = readers.read(path)
    assert (found.array == GREY).all()
    assert found.warnings == (() if turn == 1 else (orientation.note(turn),))


def test_exif_of_a_jpeg_and_of_deep_colours(tmp_path: pathlib.Path) -> None:
    exif = Image.Exif()
    exif[orientation.TAG] = 6
    Image.fromarray(np.full((16, 32), 90, np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    found = readers.read(tmp_path / "a.jpg")
    assert found.array.shape == (16, 32)
    assert found.warnings == (orientation.note(6),)
    deep = readers.read(tiff(tmp_path / "a.tif", DEEP[..., :3], turn=8), colour="channels")
    assert deep.warnings == (orientation.note(8),)
    assert (deep.array == DEEP[..., :3]).all()


@pytest.mark.parametrize("adam7", [0, 1])
def test_a_png_whose_rows_end_early_is_refused(tmp_path: pathlib.Path, adam7: int) -> None:
    # 4 x 4 pixels: 4 rows of 5 bytes; interlaced 1 + 1 + 2 rows of 1, 1, 2 and 4 pixels: 2 + 2 + 3 + 6 + 10 = 23
    path = png(tmp_path / "a.png", (4, 4), 8, 0, b"\0\1\1\1\1\0\2\2\2\2", adam7=adam7)
    with pytest.raises(InputError, match=f"its rows end early, 10 of {23 if adam7 else 20} bytes"):
        readers.read(path)


def test_interlaced_pictures_are_read(tmp_path: pathlib.Path) -> None:
    # passes of a 2 x 2 picture: (0, 0), then (1, 0), then row 1
    path = png(tmp_path / "a.png", (2, 2), 8, 0, b"\0\x0a\0\x14\0\x1e\x28", adam7=1)
    assert readers.read(path).array.tolist() == [[10, 20], [30, 40]]


@pytest.mark.parametrize("ending", [".png", ".gif"])
def test_animations_are_refused(tmp_path: pathlib.Path, ending: str) -> None:
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(tmp_path / f"a{ending}", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match="2 frames in one file"):
        readers.read(tmp_path / f"a{ending}")


def test_the_first_picture_of_a_jpeg_with_several_is_read(tmp_path: pathlib.Path) -> None:
    first = Image.fromarray(np.full((8, 8), 200, np.uint8))
    first.save(tmp_path / "a.mpo", format="MPO", save_all=True, append_images=[Image.fromarray(np.zeros((8, 8), "u1"))])
    (tmp_path / "a.mpo").rename(tmp_path / "a.jpg")
    assert readers.read(tmp_path / "a.jpg").array.tolist() == [[200] * 8] * 8


def test_the_content_decides_the_format_and_a_note_says_so(tmp_path: pathlib.Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png", format="BMP")
    found = readers.read(tmp_path / "a.png")
    assert (found.array == GREY).all()
    assert found.warnings == ("the file is a BMP by content, whatever its ending says",)


def test_a_jpeg_by_another_name_is_no_mask(tmp_path: pathlib.Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png", format="JPEG")
    with pytest.raises(InputError, match="a JPEG by content, which blurs"):
        readers.read(tmp_path / "a.png", colour="refuse")


@pytest.mark.parametrize("kind", ["PPM", "TGA", "ICO", "EPS", "WEBP"])
def test_no_other_format_is_tried(tmp_path: pathlib.Path, kind: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.repeat(GREY[..., None], 3, -1)).resize((32, 32)).save(buffer, kind)
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="does not begin as a PNG file"):
        readers.read(tmp_path / "a.png")


def test_cmyk_is_shown_and_lab_is_refused(tmp_path: pathlib.Path) -> None:
    ink = np.zeros((2, 3, 4), np.uint8)
    ink[0, 0] = (0, 0, 0, 55)  # black ink alone: 255 - 55
    Image.fromarray(ink, mode="CMYK").save(tmp_path / "a.tif")
    assert readers.read(tmp_path / "a.tif").array.tolist() == [[200, 255, 255], [255] * 3]
    Image.fromarray(ink[..., :3], mode="LAB").save(tmp_path / "b.tif")
    with pytest.raises(InputError, match="of mode LAB, which is not read"):
        readers.read(tmp_path / "b.tif")


def test_more_pixels_than_pillow_allows_are_read_and_more_than_memory_holds_are_not(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)  # an error from 10 pixels on
    path = picture(tmp_path / "a.png", GREY)
    assert (readers.read(path).array == GREY).all()
    monkeypatch.setattr(host_memory, "limit", lambda: 12 * 13 - 1)
    with pytest.raises(
        InputError, match=r"3x4 = 0 million pixels need about 156 bytes of memory, this machine has 155"
    ):
        readers.read(path)


def test_colours_that_become_grey_are_said(tmp_path: pathlib.Path) -> None:
    path, equal = tmp_path / "eye.png", tmp_path / "grey.png"
    Image.new("RGB", (4, 3), (200, 90, 30)).save(path)
    Image.new("RGB", (4, 3), (90, 90, 90)).save(equal)
    (said,) = readers.read(path).warnings
    assert "dataset.colour: channels" in said
    assert readers.read(path, colour="channels").warnings == ()
    assert readers.read(equal).warnings == ()
