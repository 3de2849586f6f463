"""Drawn figures: their files, and how they stand on a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.figures import Section, render, render_vector
from reports.files import write_atomically
from reports.html import data_uri

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from reports.figures import Figure, Missing
    from reports.kept import KeptPictures

EMBEDDED_CSV_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure with its pictures as PNG, its numbers as CSV, and vector files by their suffix."""

    figure: Figure
    light: bytes
    dark: bytes
    csv: bytes
    vectors: Mapping[str, bytes]

    @property
    def light_uri(self) -> str:
        """Picture for a light page."""
        return data_uri("image/png", self.light)

    @property
    def dark_uri(self) -> str:
        """Picture for a dark page."""
        return data_uri("image/png", self.dark)

    @property
    def csv_uri(self) -> str:
        """Numbers inside the page, or beside it when they are many."""
        if len(self.csv) > EMBEDDED_CSV_BYTES:
            return f"tables/{self.figure.slug}.csv"
        return data_uri("text/csv", self.csv)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, from the PNG header."""
        return int.from_bytes(self.light[16:20]), int.from_bytes(self.light[20:24])


@dataclass(frozen=True, slots=True)
class DrawnSection:
    """Drawn figures under one heading."""

    title: str
    drawn: tuple[Drawn, ...]
    missing: tuple[Missing, ...]

    @property
    def layouts(self) -> list[tuple[Drawn, str]]:
        """Figures with `wide`, `half`, or `lone` for a half that has no other half beside it."""
        laid: list[tuple[Drawn, str]] = []
        open_half = False
        for drawn in self.drawn:
            if drawn.figure.wide and open_half:
                laid[-1] = (laid[-1][0], "lone")
            open_half = not drawn.figure.wide and not open_half
            laid.append((drawn, "wide" if drawn.figure.wide else "half"))
        if open_half:
            laid[-1] = (laid[-1][0], "lone")
        return laid


def draw_section(
    section: Section, kept: KeptPictures, formats: Collection[str] = ()
) -> DrawnSection:
    """Draw every figure of a section, or take the pictures that are kept."""
    drawn = tuple(draw(figure, kept, formats) for figure in section.figures)
    return DrawnSection(section.title, drawn, section.missing)


def draw(figure: Figure, kept: KeptPictures, formats: Collection[str] = ()) -> Drawn:
    """Draw a figure for light and for dark pages, with its numbers and in vector formats."""

    def pictures() -> dict[str, bytes]:
        light, dark = render(figure)
        vectors = {name: render_vector(figure, name) for name in formats}
        return {"light.png": light, "dark.png": dark} | vectors

    found = kept.get(figure, ("light.png", "dark.png", *formats), pictures)
    csv = figure.data.to_csv(index=False).encode("utf-8")
    vectors = {name: found[name] for name in formats}
    return Drawn(figure, found["light.png"], found["dark.png"], csv, vectors)


def write(report: Path, drawn_sections: Iterable[DrawnSection], page: bytes) -> Path:
    """Write figures and tables, then the page that links them."""
    for drawn in (drawn for section in drawn_sections for drawn in section.drawn):
        slug = drawn.figure.slug
        write_atomically(report / "figures" / f"{slug}.png", drawn.light)
        write_atomically(report / "tables" / f"{slug}.csv", drawn.csv)
        for suffix, content in drawn.vectors.items():
            write_atomically(report / "figures" / f"{slug}.{suffix}", content)
    index = report / "index.html"
    write_atomically(index, page)
    return index
