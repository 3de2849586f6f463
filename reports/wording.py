"""How numbers, intervals and names are written in sentences, tables and axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.statistics import Estimate

MINUS = "\N{MINUS SIGN}"
NO_VALUE = "\N{EN DASH}"
FIGURE_TEXT_LIMIT = 48
NEGLIGIBLE = 1e-6
SMALLEST_PLAIN = 1e-6


def number(value: float, significant: int = 3) -> str:
    """Three significant digits without needless exponents: 0.0113, 41.2, 52,300."""
    if not math.isfinite(value):
        return NO_VALUE
    if value != 0 and not SMALLEST_PLAIN <= abs(value) < 1e15:
        text = f"{value:.{significant - 1}e}"
    else:
        text = _fixed(value, significant)
    return text.replace("-", MINUS)


def interval(found: Estimate) -> str:
    """Mean ± half width, rounded alike: `0.0113 ± 0.0004`; the mean alone for one seed."""
    if not math.isfinite(found.half_width):
        return number(found.mean)
    if found.half_width <= NEGLIGIBLE * abs(found.mean):
        return f"{_without_trailing_zeros(number(found.mean))} ± 0"
    if not SMALLEST_PLAIN <= found.half_width < 1e15:
        return f"{number(found.mean)} ± {number(found.half_width, 2)}"
    decimals = _decimals(found.half_width, 2)
    return f"{found.mean:,.{decimals}f} ± {found.half_width:,.{decimals}f}".replace("-", MINUS)


def signed(found: Estimate) -> str:
    """An interval of a difference, with its sign always written."""
    return ("+" if found.mean > 0 else "") + interval(found)


def signed_number(value: float) -> str:
    """A difference, with its sign always written."""
    return ("+" if value > 0 else "") + number(value)


def change(difference: float) -> str:
    """Say a change in words: `rises by 0.845`, `falls by 37`."""
    return f"{'rises' if difference > 0 else 'falls'} by {number(abs(difference))}"


def percent(share: float) -> str:
    """A share as a percentage: 80 %."""
    return f"{number(100 * share, 2)} %" if math.isfinite(share) else NO_VALUE


def weight(kl_weight: float) -> str:
    """A KL weight as it was written in the spec."""
    return f"{kl_weight:g}"


def family(name: str) -> str:
    """Display name of an objective family: AE and VAE in capitals, others as they are."""
    return name.upper() if name in {"ae", "vae"} else name


def seeds(counts: Iterable[float]) -> str:
    """State over how many seeds an interval runs."""
    found = sorted({int(count) for count in counts})
    if not found or found == [0]:
        return "No values."
    if found == [1]:
        return "One seed: no interval."
    span = f"{found[0]}" if len(found) == 1 else f"{found[0]} to {found[-1]}"
    return f"Mean and 95 % interval over {span} seeds."


def plural(count: int, noun: str) -> str:
    """`1 run`, `1,050 runs`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def not_drawn(total: int, drawn: int, noun: str) -> str:
    """Sentence on what a figure leaves out, with a space before it; "" where it draws all."""
    return f" {plural(total - drawn, noun)} not drawn." if drawn < total else ""


def figure_text(text: str) -> str:
    """Cut text for use inside a figure to what its font can draw and its margins can hold."""
    drawable = "".join(letter if " " <= letter <= "\u017f" else "?" for letter in text)
    if len(drawable) <= FIGURE_TEXT_LIMIT:
        return drawable
    return drawable[: FIGURE_TEXT_LIMIT - 1] + "…"


def _without_trailing_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimals(value: float, significant: int) -> int:
    return max(0, significant - 1 - math.floor(math.log10(abs(value)))) if value else 0


def _fixed(value: float, significant: int) -> str:
    rounded = float(f"{value:.{significant - 1}e}")
    return f"{rounded:,.{_decimals(rounded, significant)}f}"
