"""backends: how near each one is to eager fp32, and how fast, on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from robustkit.backends._base import Batch, Precision
from robustkit.checkup import _bench
from robustkit.checkup._base import FAULTS, Place, described
from robustkit.engine.choose import REFERENCE
from robustkit.engine.equip import CPU_BATCH, CUDA_BATCH, backend, candidates, cuda_count, resolve_precision
from robustkit.engine.trial import TOLERANCE, answers, distance
from robustkit.errors import RobustkitError
from robustkit.findings import Finding, Status
from robustkit.models.classifier import Classifier
from robustkit.registry import names

_ONNX = "onnxruntime"


class Backends:
    """An untrained network answers crops of simulated films; the reference is eager fp32 on the CPU.

    Compiling for a CPU takes longer than it saves and no command does it unasked: it is tried, but not where it should be quick.
    """

    name = "backends"
    order = 50

    def look(self, place: Place) -> Iterator[Finding]:
        """Give a finding for every backend on every device, and one for ONNX files."""
        model, shown = _bench.opened(place.scratch), _bench.crops()
        batch = Batch(CPU_BATCH, _bench.SIDE, _bench.SIDE)
        plain = answers(backend(REFERENCE).prepare(model, batch, device="cpu", precision="fp32"), batch, shown)
        for device in ("cpu", *(f"cuda:{i}" for i in range(cuda_count()))):
            for name in names("backends"):
                if name != _ONNX:
                    yield self._tried(model, name, device, shown=shown, plain=plain, is_quick=place.is_quick)
        yield self._onnx(place)

    def _tried(
        self,
        model: Classifier,
        name: str,
        device: str,
        *,
        shown: NDArray[np.uint8],
        plain: NDArray[np.float32],
        is_quick: bool,
    ) -> Finding:
        precision = resolve_precision(None, device)
        subject = f"{name} on {device}, {precision}"
        reason = backend(name).can_run(model, device=device, precision=precision)
        if reason:
            return _not_there(self.name, subject, reason)
        is_taken = name in candidates("auto", model, device=device, precision=precision)
        if is_quick and not is_taken:
            return Finding(
                self.name, subject, "note", "not tried with --quick; it is taken where it is asked for alone"
            )
        batch = Batch(CPU_BATCH if device == "cpu" else CUDA_BATCH, _bench.SIDE, _bench.SIDE)
        try:
            forward = backend(name).prepare(model, batch, device=device, precision=precision)
            away = distance(answers(forward, batch, shown), plain)
            speed = _bench.per_second(forward, batch, shown)
        except (RobustkitError, *FAULTS) as error:
            fix = f"Use another --backend; auto falls back to {REFERENCE}."
            status: Status = "broken" if name == REFERENCE else "missing"
            return Finding(self.name, subject, status, f"cannot be prepared: {described(error)}", fix)
        return _judged(self.name, subject, away, precision=precision, speed=speed)

    def _onnx(self, place: Place) -> Finding:
        """Run an ONNX file whose answers are known from arithmetic."""
        from robustkit.checkup._onnx import onnx_distance

        try:
            away = onnx_distance(place.scratch)
        except ImportError:
            return _not_there(self.name, _ONNX, "ONNX Runtime or onnx is not installed (pip install 'robustkit[onnx]')")
        except (RobustkitError, *FAULTS) as error:
            fix = "pip install --force-reinstall 'robustkit[onnx]'"
            return Finding(self.name, _ONNX, "broken", f"cannot run a file: {described(error)}", fix)
        return _judged(self.name, f"{_ONNX} on cpu, fp32", away, precision="fp32", speed=None)


def _judged(check: str, subject: str, away: float, *, precision: Precision, speed: float | None) -> Finding:
    allowed = TOLERANCE[precision]
    fast = "" if speed is None else f"; {speed:,.0f} crops/s of {_bench.ARCH} at {_bench.SIDE} px"
    said = f"differs from eager fp32 by at most {away:.1e} (allowed {allowed:g}){fast}"
    if not away <= allowed:
        return Finding(check, subject, "broken", said, f"Use --backend {REFERENCE} --precision fp32.")
    return Finding(check, subject, "ok", said)


def _not_there(check: str, subject: str, reason: str) -> Finding:
    """Tell a backend that an extra would bring from one that is not made for the device."""
    command = reason.partition("(pip")[2].rstrip(").")
    if command:
        return Finding(check, subject, "missing", reason.partition(" (pip")[0], f"pip{command}")
    return Finding(check, subject, "note", reason)


PLUGIN = Backends()
