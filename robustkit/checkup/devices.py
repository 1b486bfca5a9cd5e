"""devices: what networks can run on."""

from __future__ import annotations

from collections.abc import Iterator

from robustkit.checkup._base import Place
from robustkit.engine.equip import cuda_count
from robustkit.findings import Finding


class Devices:
    """The CPU, and every CUDA device that torch sees; each adds two numbers."""

    name = "devices"
    order = 40

    def look(self, place: Place) -> Iterator[Finding]:
        """Give a finding for every device."""
        import torch

        yield Finding(self.name, "cpu", "ok", "always there")
        for i in range(cuda_count()):
            yield self._cuda(f"cuda:{i}")
        if not cuda_count():
            built = torch.version.cuda
            said = f"none; torch is built for CUDA {built}" if built else "none; this torch is built for CPUs alone"
            yield Finding(self.name, "cuda", "note", said)

    def _cuda(self, device: str) -> Finding:
        import torch

        about = torch.cuda.get_device_properties(device)
        said = f"{about.name}, {about.total_memory / 2**30:.0f} GiB"
        try:
            works = float(torch.ones(2, device=device).sum()) == 2.0
        except RuntimeError as error:
            fix = "Install the build of torch that fits the driver, or use --device cpu."
            return Finding(self.name, device, "broken", f"{said}: {str(error).splitlines()[0]}", fix)
        if not works:
            return Finding(
                self.name, device, "broken", f"{said}: adds wrongly", "Use --device cpu, and have it looked at."
            )
        return Finding(self.name, device, "ok", said)


PLUGIN = Devices()
