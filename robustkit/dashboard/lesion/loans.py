"""Films that visitors opened from their own disks: held in memory for a while, one for each visitor."""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from robustkit.errors import FilmError
from robustkit.images.film import film_size, read_film
from robustkit.images.held import HeldFilm
from robustkit.images.radiograph import Radiograph

LARGEST_BYTES = 48 * 1024 * 1024
LARGEST_PX = 50_000_000
KEPT_S = 600.0
MOST_BYTES = 512 * 1024 * 1024
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_KINDS = "JPEG, PNG, TIFF or DICOM"


@dataclass(frozen=True, slots=True)
class Borrowed:
    """A film on loan.

    Attributes:
        key: Nobody else can guess it.
        visitor: Whose it is.
        name: Of the file, as the visitor's browser gave it, without folders.
        film: One grey channel.
    """

    key: str
    visitor: str
    name: str
    film: Radiograph


class Loans:
    """Holds films in memory; nothing is written.

    Args:
        clock: Seconds; for tests.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # two large films at a time are enough for a machine's memory
        self._reading = threading.Semaphore(2)
        self._films: OrderedDict[str, tuple[Borrowed, float]] = OrderedDict()

    def put(self, visitor: str, name: str, contents: str) -> Borrowed:
        """Read an uploaded film and keep it in the place of the visitor's last one.

        Args:
            visitor: Whose it is.
            name: Of the file.
            contents: ``data:<kind>;base64,<...>``, as a browser gives it.

        Raises:
            FilmError: Too large, no film, or damaged.
        """
        shown = PurePath(name.replace("\\", "/")).name[:120] or "film"
        with self._reading:
            film = read_held(shown, _decoded(shown, contents))
        opened = Borrowed(secrets.token_urlsafe(16), visitor, shown, film)
        with self._lock:
            self._drop(lambda o: o.visitor == visitor)
            self._films[opened.key] = (opened, self._clock())
            while len(self._films) > 1 and sum(o.film.pixels.nbytes for o, _ in self._films.values()) > MOST_BYTES:
                self._films.popitem(last=False)
        return opened

    def get(self, key: str) -> Borrowed:
        """Give a film.

        Raises:
            FilmError: It is not held any more.
        """
        self.sweep()
        with self._lock:
            found = self._films.get(key)
            if found is None:
                minutes = KEPT_S / 60
                what = f"this film is not held any more (films are dropped after {minutes:g} minutes without use)."
                raise FilmError(what, fix="Open it again.")
            self._films[key] = (found[0], self._clock())
            self._films.move_to_end(key)
            return found[0]

    def drop(self, visitor: str) -> None:
        """Forget the film of a visitor."""
        with self._lock:
            self._drop(lambda o: o.visitor == visitor)

    def sweep(self) -> None:
        """Forget films that nobody has looked at for a while."""
        with self._lock:
            now = self._clock()
            for key in [k for k, (_, at) in self._films.items() if now - at > KEPT_S]:
                del self._films[key]

    def __len__(self) -> int:
        return len(self._films)

    def _drop(self, is_meant: Callable[[Borrowed], bool]) -> None:
        for key in [k for k, (o, _) in self._films.items() if is_meant(o)]:
            del self._films[key]


def read_held(name: str, content: bytes) -> Radiograph:
    """Read a film from memory, 8 bit.

    Raises:
        FilmError: Too many pixels, no film, or damaged.
    """
    held = HeldFilm(content, name)
    if content[128:132] == b"DICM" and _DEFLATED in content[:4096]:
        what = "a deflated DICOM film is not opened here: how large it becomes is only known when it is too late."
        raise FilmError(what, where=name, fix="Export it uncompressed.")
    size = film_size(held)
    if size.width * size.height > LARGEST_PX:
        what = f"the film has {size.width} x {size.height} px; up to {LARGEST_PX // 1_000_000} million are opened here."
        raise FilmError(what, where=name, fix="Make it smaller, or judge it with `robustkit perturb`.")
    return read_film(held)


def _decoded(name: str, contents: str) -> bytes:
    largest = LARGEST_BYTES // (1024 * 1024)
    if len(contents) > LARGEST_BYTES * 4 // 3 + 200:
        raise FilmError(f"the file has more than {largest} MB.", where=name, fix="Export it smaller.")
    try:
        return base64.b64decode(contents.partition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        what = f"the upload is damaged: expected a {_KINDS} film."
        raise FilmError(what, where=name, fix="Try again.") from error
