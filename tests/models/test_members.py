"""A member is written down so that it is read again just as it is."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from robustkit.inputs import SCALINGS, InputSpec
from robustkit.models.members import input_options, relative
from robustkit.models.options import said_options
from robustkit.models.resolve import Wanted, resolve_input

_LEVELS = st.floats(-3, 3, allow_nan=False)
_WIDTHS = st.floats(1e-3, 3, allow_nan=False)


@st.composite
def specs(draw: st.DrawFn) -> InputSpec:
    name = draw(st.sampled_from([*SCALINGS, "custom"]))
    grey = draw(st.booleans())
    mean, std, channels = SCALINGS.get(name, ((0.0,) * 3, (1.0,) * 3, "rgb"))
    n = 1 if grey else 3
    if name == "custom":
        mean, std = (tuple(draw(st.lists(v, min_size=n, max_size=n))) for v in (_LEVELS, _WIDTHS))
    elif grey:
        mean, std = ((sum(v) / 3,) for v in (mean, std))
    side = draw(st.integers(1, 600))
    return InputSpec(
        side, side, draw(st.sampled_from(["bilinear", "bicubic", "lanczos", "box"])), name, mean, std,
        "grey" if grey else channels, draw(st.floats(0, 5)), draw(st.sampled_from(["stretch", "square"])),
        draw(st.sampled_from(["nchw", "nhwc"])),
    )  # fmt: skip


@given(specs(), specs())
def test_an_input_is_read_again_whatever_the_file_says(spec: InputSpec, of_file: InputSpec) -> None:
    options = said_options(input_options(spec), who="the member", where="m.json")
    found, assumed = resolve_input(options, Wanted(of_file))
    assert found == spec
    assert assumed == ()


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    assert relative(tmp_path / "nets" / "a.pt", tmp_path / "models" / "m.json") == "../nets/a.pt"
    assert relative(tmp_path / "a.pt", tmp_path / "m.json") == "a.pt"
