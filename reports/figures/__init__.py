"""Figures: each answers one question, which is its title, and states its finding."""

from reports.figures.figure import Figure, Missing, render
from reports.figures.gallery import Section, sections, speed_section

__all__ = ["Figure", "Missing", "Section", "render", "sections", "speed_section"]
