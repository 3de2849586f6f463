"""Figures: each answers one question, which is its title, and states its finding."""

from reports.figures.figure import Figure, Missing, render
from reports.figures.gallery import Section, sections, speed_section
from reports.figures.vector import VECTOR_FORMATS, render_vector

__all__ = [
    "VECTOR_FORMATS",
    "Figure",
    "Missing",
    "Section",
    "render",
    "render_vector",
    "sections",
    "speed_section",
]
