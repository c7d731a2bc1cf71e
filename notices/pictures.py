"""A picture without what the camera wrote beside it: place, time, device, thumbnail, comments."""

import io

from PIL import Image, ImageOps

MAX_DECODED = 15_000_000  # pixels in memory, four bytes each; attachments.MAX_PIXELS at half the width still fit


class Unreadable(Exception):
    """Pillow cannot make a copy of this picture."""


def bare_copy(content: bytes, kind: str, longest: int | None = None) -> bytes:
    """The picture decoded and encoded anew, as JPEG or PNG, the right way up, no side above `longest` pixels.

    Raises Unreadable.
    """
    form = kind.upper()
    try:
        with Image.open(io.BytesIO(content), formats=[form]) as picture:
            if _too_large(picture) and not picture.info.get("progressive"):  # such a one is held in full anyway
                picture.draft(None, (picture.width // 2, picture.height // 2))
            if _too_large(picture):
                raise Unreadable("too many pixels")
            upright = _upright(picture)
            if longest:
                upright.thumbnail((longest, longest))
            return _encoded(upright, form)
    except Unreadable:
        raise
    except Exception as error:  # whatever a broken picture makes Pillow stumble over
        raise Unreadable(type(error).__name__) from error


def _too_large(picture: Image.Image) -> bool:
    return picture.width * picture.height > MAX_DECODED


def _upright(picture: Image.Image) -> Image.Image:
    transparent = picture.format == "PNG" and (picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info)
    ImageOps.exif_transpose(picture, in_place=True)
    mode = "RGBA" if transparent else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def _encoded(picture: Image.Image, form: str) -> bytes:
    picture.info = {}
    copy = io.BytesIO()
    picture.save(copy, form, exif=b"", **({"quality": 90} if form == "JPEG" else {}))
    return copy.getvalue()
