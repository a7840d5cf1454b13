"""Planes to latents and cells and back, from the specification (native/src/frame/frame.hpp): slow and obvious."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Planes = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


def basis(n: int) -> Ints:
    frequency, pixel = np.arange(n)[:, None], np.arange(n)[None]
    b = 2**13 * np.sqrt(2 / n) * np.cos(np.pi * (2 * pixel + 1) * frequency / (2 * n))
    b[0] *= np.sqrt(0.5)
    return np.round(b).astype(np.int64)


def forward(block: Ints) -> Ints:
    b = basis(len(block))
    return ((((b @ block + 2**9) >> 10) @ b.T + 2**12) >> 13).clip(-32768, 32767)


def inverse(coefficients: Ints) -> Ints:
    b = basis(len(coefficients))
    half = ((b.T @ coefficients + 2**11) >> 12).clip(-32768, 32767)
    return ((half @ b + 2**12) >> 13).clip(-8191, 8191)


def blocks(planes: tuple[Ints, Ints, Ints]) -> list[tuple[int, int, slice, int, int, Ints]]:
    """(y, x, channels, plane, side, view) of all transform blocks."""
    found = []
    for number, (plane, first, side) in enumerate(zip(planes, (0, 64, 80), (8, 4, 4), strict=True)):
        for y in range(plane.shape[0] // side):
            for x in range(plane.shape[1] // side):
                view = plane[side * y : side * y + side, side * x : side * x + side]
                found.append((y, x, slice(first, first + side * side), number, side, view))
    return found


def transform(planes: tuple[Ints, Ints, Ints]) -> Ints:
    """(h8, w8, 96)"""
    latent = np.zeros((planes[0].shape[0] // 8, planes[0].shape[1] // 8, 96), np.int64)
    for y, x, channels, _, _, view in blocks(planes):
        latent[y, x, channels] = forward(view).ravel()
    return latent


def untransform(latent: Ints) -> tuple[Ints, Ints, Ints]:
    height, width = 8 * latent.shape[0], 8 * latent.shape[1]
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    y, u, v = (np.zeros(shape, np.int64) for shape in shapes)
    for row, column, channels, _, side, view in blocks((y, u, v)):
        view[:] = inverse(latent[row, column, channels].reshape(side, side))
    return y, u, v


def mixed(latent: Ints, channels: tuple[int, ...]) -> Ints:
    """These channels of a latent (h8, w8, 96) as the transform has them over each macroblock."""
    found = latent.copy()
    for y in range(0, latent.shape[0], 2):
        for x in range(0, latent.shape[1], 2):
            for channel in channels:
                block = latent[y : y + 2, x : x + 2, channel]
                rows = np.array([[1, 1], [1, -1]])
                found[y : y + 2, x : x + 2, channel] = (rows @ block @ rows + 1) >> 1
    return found.clip(-32768, 32767)


def pack4(planes: tuple[Ints, Ints, Ints]) -> Ints:
    cells = np.zeros((planes[0].shape[0] // 4, planes[0].shape[1] // 4, 24), np.int64)
    for first, side, plane in zip((0, 16, 20), (4, 2, 2), planes, strict=True):
        for iy in range(side):
            for ix in range(side):
                cells[:, :, first + side * iy + ix] = plane[iy::side, ix::side]
    return cells


def unpack4(cells: Ints) -> tuple[Ints, Ints, Ints]:
    planes = []
    for first, side in ((0, 4), (16, 2), (20, 2)):
        plane = np.zeros((side * cells.shape[0], side * cells.shape[1]), np.int64)
        for iy in range(side):
            for ix in range(side):
                plane[iy::side, ix::side] = cells[:, :, first + side * iy + ix]
        planes.append(plane)
    return planes[0], planes[1], planes[2]


def wide(planes: Planes) -> tuple[Ints, Ints, Ints]:
    y, u, v = (plane.astype(np.int64) - 128 for plane in planes)
    return y, u, v
