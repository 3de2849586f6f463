"""The records of an SQLite file and its log page by page, without the trees that lead to them.

A file that was cut short has lost the inner pages of its trees, which are written late, long before
it has lost its rows. Written from "Database File Format" (sqlite.org/fileformat2.html), sections
1.3 to 2.1 and 4; only b-trees of keys are read, as indices and tables WITHOUT ROWID are.
"""

import struct
from collections.abc import Iterator
from typing import Any

__all__ = ["records", "with_log"]

HEADER_BYTES = 100
LOG_HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24
INNER, LEAF = 2, 10  # types of the pages of a b-tree of keys
INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # by serial type


def records(content: bytes) -> Iterator[tuple[Any, ...]]:
    """Every record that can be read, those of pages that are free again among them.

    Parameters
    ----------
    content
        The file.
    """
    if len(content) < HEADER_BYTES:
        return
    size = struct.unpack(">H", content[16:18])[0]
    size = 65_536 if size == 1 else size
    usable = size - content[20]
    if size < 512 or usable < 480:
        return
    for start in range(size, len(content), size):
        page = content[start : start + size]
        if page[0] in (INNER, LEAF):
            for cell in _cells(page):
                try:
                    yield _record(_payload(content, page, cell, size, usable))
                except (ValueError, IndexError, struct.error):
                    continue  # overwritten, or the rest of it is lost


def with_log(content: bytes, log: bytes) -> bytes:
    """The file as it is when what its log ("-wal") has of finished transactions is in it."""
    size = _number(log[8:12])
    whole = bytearray(content)
    pending: list[tuple[int, bytes]] = []
    for start in range(LOG_HEADER_BYTES, len(log), FRAME_HEADER_BYTES + size):
        header = log[start : start + FRAME_HEADER_BYTES]
        page = log[start + FRAME_HEADER_BYTES : start + FRAME_HEADER_BYTES + size]
        length = _number(header[4:8]) * size  # of the file, where a transaction ends
        if header[8:16] != log[16:24] or len(page) < size or length > len(content) + len(log):
            break  # of an earlier use of the log, cut short, or overwritten
        pending.append(((_number(header[:4]) - 1) * size, page))
        if length:
            whole.extend(bytes(max(0, length - len(whole))))
            for place, written in pending:
                if 0 <= place <= len(whole) - size:
                    whole[place : place + size] = written
            pending.clear()
    return bytes(whole)


def _cells(page: bytes) -> Iterator[int]:
    """Where in a page the cells of its keys begin, past the number of an inner cell's child."""
    inner = page[0] == INNER
    pointers = 12 if inner else 8
    for index in range(min(_number(page[3:5]), (len(page) - pointers) // 2)):
        place = pointers + 2 * index
        yield _number(page[place : place + 2]) + (4 if inner else 0)


def _payload(content: bytes, page: bytes, cell: int, size: int, usable: int) -> bytes:
    """The bytes of a record: those in the cell, and those on the pages that it goes on."""
    length, start = _variable(page, cell)
    if length > len(content):  # overwritten; its pages might lead round and round
        raise ValueError("longer than the file")
    most, least = (usable - 12) * 64 // 255 - 23, (usable - 12) * 32 // 255 - 23
    local = length
    if length > most:
        spread = least + (length - least) % (usable - 4)
        local = spread if spread <= most else least
    payload = page[start : start + local]
    following = page[start + local : start + local + 4]
    while len(payload) < length:
        if len(following) < 4:
            raise ValueError("no page to go on")
        place = (_number(following) - 1) * size
        if place < size or place + size > len(content):
            raise ValueError("goes on where the file ends")
        payload += content[place + 4 : place + min(usable, 4 + length - len(payload))]
        following = content[place : place + 4]
    return payload


def _record(payload: bytes) -> tuple[Any, ...]:
    end, place = _variable(payload, 0)
    kinds = []
    while place < end:
        kind, place = _variable(payload, place)
        kinds.append(kind)
    values = []
    place = end
    for kind in kinds:
        length = _length(kind)
        if place + length > len(payload):
            raise ValueError("the record is cut short")
        values.append(_value(kind, payload[place : place + length]))
        place += length
    return tuple(values)


def _length(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return 8 if kind == 7 else INTEGER_BYTES.get(kind, 0)


def _value(kind: int, raw: bytes) -> Any:
    if kind >= 12:
        return raw.decode() if kind % 2 else raw
    if kind == 7:
        return struct.unpack(">d", raw)[0]
    if kind in INTEGER_BYTES:
        return int.from_bytes(raw, "big", signed=True)
    if kind in (8, 9):
        return kind - 8
    if kind == 0:
        return None
    raise ValueError(f"no value has type {kind}")


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _variable(raw: bytes, place: int) -> tuple[int, int]:
    """A number of variable length and where it ends."""
    value = 0
    for index in range(9):
        byte = raw[place + index]
        if index == 8:
            return value << 8 | byte, place + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + index + 1
    raise ValueError("a number does not end")
