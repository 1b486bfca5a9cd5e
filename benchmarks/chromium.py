"""How the benchmarks of pages start Chromium: without a sandbox, which containers have not, and without calls home."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
]
