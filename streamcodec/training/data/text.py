"""Pictures of print: paragraphs and tables, as documents, signs, captions and calendars have
them."""

import string

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

__all__ = ["text_picture"]

LETTERS = string.ascii_letters + string.digits
OVERSAMPLING = 2


def text_picture(
    height: int, width: int, rng: np.random.Generator, back: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """(height, width, 3) RGB: blocks of print on paper, or on `back`, a picture (h, w, 3)."""
    h, w = height * OVERSAMPLING, width * OVERSAMPLING
    if back is None:
        image = Image.new("RGB", (w, h), _colour(rng, 150, 256))
    else:
        image = Image.fromarray(back).resize((w, h), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 9))):
        top, left = int(rng.integers(-h // 8, h)), int(rng.integers(-w // 8, w * 3 // 4))
        block = _table if rng.random() < 0.35 else _paragraph
        block(draw, top, left, w, rng)
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))


def _paragraph(
    draw: ImageDraw.ImageDraw, top: int, left: int, width: int, rng: np.random.Generator
) -> None:
    size = int(np.exp(rng.uniform(np.log(14), np.log(110))))
    lines = int(rng.integers(1, 1 + max(2, 400 // size)))
    words = [_word(rng) for _ in range(lines * 7)]
    text = "\n".join(
        " ".join(words[7 * i : 7 * i + 7])[: max(3, 2 * width // size)] for i in range(lines)
    )
    if rng.random() < 0.4:
        box = draw.textbbox((left, top), text, font=_font(size))
        draw.rectangle(box, fill=_colour(rng, 0, 256))
    draw.text(
        (left, top),
        text,
        fill=_colour(rng, 0, 256 if rng.random() < 0.3 else 110),
        font=_font(size),
    )


def _table(
    draw: ImageDraw.ImageDraw, top: int, left: int, width: int, rng: np.random.Generator
) -> None:
    size = int(rng.integers(16, 50))
    line, ink, paper = (_colour(rng, low, high) for low, high in ((0, 200), (0, 120), (190, 256)))
    rows, columns, number = (
        int(rng.integers(2, 7)),
        int(rng.integers(3, 8)),
        int(rng.integers(0, 60)),
    )
    across, down = int(size * rng.uniform(1.5, 3.5)), int(size * rng.uniform(1.2, 2.5))
    draw.rectangle((left, top, left + columns * across, top + rows * down), fill=paper)
    for row in range(rows):
        for column in range(columns):
            x, y = left + column * across, top + row * down
            draw.rectangle(
                (x, y, x + across, y + down), outline=line, width=int(rng.integers(1, 5))
            )
            draw.text((x + size // 4, y), str(number), fill=ink, font=_font(size))
            number += 1


def _word(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list(LETTERS), int(rng.integers(1, 10))))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _colour(rng: np.random.Generator, low: int, high: int) -> tuple[int, int, int]:
    """Mostly grey."""
    grey = rng.integers(low, high)
    if rng.random() < 0.6:
        return int(grey), int(grey), int(grey)
    red, green, blue = rng.integers(low, high, 3)
    return int(red), int(green), int(blue)
