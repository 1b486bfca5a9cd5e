"""How measures of heatmaps are spoken of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeasureWords:
    """Words of a measure.

    Attributes:
        name: In menus.
        axis: With its unit.
        is_share: Written as a percentage.
    """

    name: str
    axis: str
    is_share: bool = True


MEASURES: Mapping[str, MeasureWords] = {
    "inside": MeasureWords("Inside the lesion", "share of the map inside the lesion (%)"),
    "border": MeasureWords("In the border zone", "share of the map in the lesion's border zone (%)"),
    "elsewhere": MeasureWords("Elsewhere", "share of the map neither in the lesion nor in its border zone (%)"),
    "pointing": MeasureWords("Strongest place hits the lesion", "maps whose strongest place hits the lesion (%)"),
    "outside_bone": MeasureWords("Outside bone", "share of the map outside bone (%)"),
    "on_marker": MeasureWords("On a marker", "share of the map on a marker of the film (%)"),
    "map_correlation": MeasureWords("Correlation", "correlation (1 = the same map)", is_share=False),
    "map_ssim": MeasureWords("Structural similarity", "SSIM (1 = the same map)", is_share=False),
    "map_overlap": MeasureWords("Overlap of the strongest fifth", "share of the strongest fifth (%; 20 % by chance)"),
}
STILL = ("map_correlation", "map_ssim", "map_overlap")


def measure_words(measure: str) -> MeasureWords:
    """Give the words of a measure; one that is not known is called by its own name."""
    return MEASURES.get(measure, MeasureWords(measure, f"{measure} (no unit)", is_share=False))
