"""Arrays in one uncompressed .npz file, read back by memory mapping."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib import format as npy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

LOCAL_HEADER, NAME_LENGTH_AT = 30, 26
"""A zip member's data follows its local header, its name and its extra field (APPNOTE.TXT, 4.3.7)."""


def write_archive(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write the arrays so that a reader never sees half a file: to a neighbour first, then renamed."""
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    unfinished.replace(path)


def read_archive(path: Path) -> dict[str, NDArray[np.generic]]:
    """Read-only views of the arrays in the file.

    Raises:
        ValueError: Not an uncompressed .npz file.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            for member in archive.infolist():
                file.seek(member.header_offset + NAME_LENGTH_AT)
                name_length, extra_length = np.frombuffer(file.read(4), "<u2").tolist()
                file.seek(member.header_offset + LOCAL_HEADER + name_length + extra_length)
                version = npy.read_magic(file)
                read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape, fortran, dtype = read_header(file)
                if member.compress_type != zipfile.ZIP_STORED or dtype.hasobject:
                    raise ValueError(f"{path} is compressed or holds objects")
                name = member.filename.removesuffix(".npy")
                if 0 in shape:
                    arrays[name] = np.zeros(shape, dtype)
                else:
                    arrays[name] = np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C")
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is not an .npz file") from error
    return arrays
