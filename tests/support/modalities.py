"""Callers of all kinds: those who send by the book, and those who break off, fall silent, or talk nonsense."""

from __future__ import annotations

import hashlib
import io
import itertools
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from random import Random

import pydicom

from appliance.dicom import part10
from tests.support.files import PYDICOM
from tests.support.scu import Scu, element, store_command

_ROOT = "1.2.826.0.1.3680043.8.498.7"
_NUMBER = 10**9
_KINDS = (("CT_small.dcm", 1), ("MR_small.dcm", 1), ("JPEG2000.dcm", 1), ("rtplan.dcm", 1), ("CT_small.dcm", 60))
"""Real files, and how often their pixels are in it."""
_VERIFICATION = "1.2.840.10008.1.1"
_IMPLICIT = "1.2.840.10008.1.2"
_ABORT = b"\7\0\0\0\0\4\0\0\0\0"
_LONGEST_SILENCE = 60.0


@dataclass(frozen=True)
class Image:
    """An instance that was never there before."""

    sop_class: str
    sop_instance: str
    study: str
    syntax: str
    data: bytes


class Kind:
    """Instances made of one real file: only the UIDs differ."""

    def __init__(self, name: str, pixels: int) -> None:
        dataset = pydicom.dcmread(PYDICOM / "test_files" / name)
        self.sop_class = str(dataset.SOPClassUID)
        self.syntax = str(dataset.file_meta.TransferSyntaxUID)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = _uid(1, 0)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.PatientID = _uid(2, 0), _uid(3, 0), "SOAK"
        dataset.PatientName = "Soak^Test"
        dataset.pop(0xFFFCFFFC, None)
        if pixels > 1:
            dataset.PixelData, dataset.NumberOfFrames = dataset.PixelData * pixels, pixels
        file = io.BytesIO()
        dataset.save_as(file)
        file.seek(0)
        part10.read(file)
        self._data = file.read()

    def image(self, number: int, study: int) -> Image:
        data = self._data
        for what, new in ((1, number), (2, study), (3, study)):
            data = data.replace(_uid(what, 0).encode(), _uid(what, new).encode())
        return Image(self.sop_class, _uid(1, number), _uid(2, study), self.syntax, data)


def _uid(what: int, number: int) -> str:
    return f"{_ROOT}.{what}.{_NUMBER + number}"


class Book:
    """What was sent, what was answered with success, and how many callers did what."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.sent: dict[str, str] = {}
        """Digest of the data set, by SOP Instance UID, of all that may have arrived as a whole."""
        self.safe: set[str] = set()
        """Answered with success."""
        self.studies: list[str] = []
        """By the book, and complete."""
        self.counts: Counter[str] = Counter()

    def sending(self, image: Image) -> None:
        digest = hashlib.sha256(image.data).hexdigest()
        with self._lock:
            self.sent[image.sop_instance] = digest

    def answered(self, image: Image, status: int) -> None:
        self.count(f"answered {status:04X}")
        if status == 0:
            with self._lock:
                self.safe.add(image.sop_instance)

    def complete(self, study: str) -> None:
        with self._lock:
            self.studies.append(study)

    def count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1


class Modalities:
    """So many callers at a time, until they are told to stop."""

    def __init__(self, port: int, book: Book, *, callers: int, rate: float, seed: int) -> None:
        """`rate`: images a second of all together."""
        self._port = port
        self._book = book
        self._rate = rate
        self._kinds = [Kind(*kind) for kind in _KINDS]
        self._numbers = itertools.count(seed * 10**7)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._slot = time.monotonic()
        self._threads = [
            threading.Thread(target=self._call, args=(Random(f"{seed} {number}"),), name=f"caller-{number}")
            for number in range(callers)
        ]

    def __enter__(self) -> Modalities:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * _LONGEST_SILENCE)
            assert not thread.is_alive(), "a caller hangs: the box neither answered nor hung up"

    def _call(self, chance: Random) -> None:
        ways: tuple[Callable[[Random], None], ...] = (
            *(3 * (self._by_the_book,)),
            self._all_at_once,
            self._break_off,
            self._abort,
            self._leave_before_the_answer,
            self._fall_silent,
            self._talk_nonsense,
            self._echo,
        )
        while not self._stop.is_set():
            way = chance.choice(ways)
            try:
                way(chance)
                self._book.count(way.__name__.strip("_").replace("_", " "))
            except (OSError, AssertionError, struct.error):
                # The box was restarted, or turned us away: real callers come back later.
                self._book.count("turned away, or cut off")
                self._stop.wait(chance.uniform(0, 0.5))

    def _associate(self) -> Scu:
        contexts = {(kind.sop_class, kind.syntax): None for kind in self._kinds}
        scu = Scu(self._port)
        try:
            return scu.associate([(_VERIFICATION, [_IMPLICIT]), *((one, [other]) for one, other in contexts)])
        except BaseException:
            scu.socket.close()
            raise

    @contextmanager
    def _associated(self) -> Iterator[Scu]:
        """Released at the end; closed however it ends."""
        scu = self._associate()
        with closing(scu.socket), scu:
            yield scu

    def _image(self, chance: Random, study: int) -> Image:
        return chance.choices(self._kinds, (20, 20, 5, 20, 1))[0].image(next(self._numbers), study)

    def _context(self, scu: Scu, image: Image) -> int:
        contexts = list(dict.fromkeys((kind.sop_class, kind.syntax) for kind in self._kinds))
        number = 3 + 2 * contexts.index((image.sop_class, image.syntax))
        assert number in scu.accepted
        return number

    def _pace(self) -> None:
        with self._lock:
            self._slot = max(self._slot + 1 / self._rate, time.monotonic() - 1)
            wait = self._slot - time.monotonic()
        self._stop.wait(max(0.0, wait))

    def _by_the_book(self, chance: Random) -> None:
        study = next(self._numbers)
        with self._associated() as scu:
            images = [self._image(chance, study) for _ in range(chance.randrange(1, 12))]
            if chance.random() < 0.2:
                images.append(images[0])
            for image in images:
                self._pace()
                self._book.sending(image)
                response = scu.store(
                    self._context(scu, image),
                    image.sop_class,
                    image.sop_instance,
                    image.data,
                    chance.choice((4096, 16384, 65536)),
                )
                self._book.answered(image, response.status)
        self._book.complete(images[0].study)

    def _all_at_once(self, chance: Random) -> None:
        """A second request before the first is answered: nobody agreed to that, but it is no reason to lose one."""
        study = next(self._numbers)
        with self._associated() as scu:
            images = [self._image(chance, study) for _ in range(3)]
            for image in images:
                self._pace()
                self._book.sending(image)
                self._begin(scu, image)
                scu.fragment(self._context(scu, image), 2, image.data[:0])
            for image in images:
                self._book.answered(image, scu.response().status)

    def _begin(self, scu: Scu, image: Image, share: float = 1.0) -> None:
        """The command and a share of the data set, without its end."""
        context = self._context(scu, image)
        scu.fragment(context, 3, store_command(image.sop_class, image.sop_instance))
        for at in range(0, int(len(image.data) * share), 16384):
            scu.fragment(context, 0, image.data[at : at + 16384])

    def _break_off(self, chance: Random) -> None:
        """Within a PDU, by a reset or as if the program ended."""
        scu = self._associate()
        with closing(scu.socket):
            image = self._image(chance, next(self._numbers))
            self._pace()
            self._begin(scu, image, chance.random())
            head = struct.pack(">BBIIBB", 4, 0, 60006, 60002, self._context(scu, image), 0)
            scu.socket.sendall(head + b"x" * 100)
            self._maybe_reset(scu, chance)

    def _abort(self, chance: Random) -> None:
        scu = self._associate()
        with closing(scu.socket):
            self._pace()
            self._begin(scu, self._image(chance, next(self._numbers)), chance.random())
            scu.socket.sendall(_ABORT)

    def _leave_before_the_answer(self, chance: Random) -> None:
        scu = self._associate()
        with closing(scu.socket):
            image = self._image(chance, next(self._numbers))
            self._pace()
            self._book.sending(image)
            self._begin(scu, image)
            scu.fragment(self._context(scu, image), 2, b"")
            self._maybe_reset(scu, chance)

    def _fall_silent(self, chance: Random) -> None:
        """Before, within or after what it has to say, until the box hangs up."""
        where = chance.randrange(3)
        scu = Scu(self._port) if where == 0 else self._associate()
        with closing(scu.socket):
            scu.socket.settimeout(_LONGEST_SILENCE)
            if where == 2:
                self._begin(scu, self._image(chance, next(self._numbers)), 0.5)
            self._wait_for_the_end(scu)

    def _talk_nonsense(self, chance: Random) -> None:
        scu = self._associate() if chance.random() < 0.5 else Scu(self._port)
        nonsense = chance.choice((b"GET / HTTP/1.1\r\n\r\n", b"\4\0\xff\xff\xff\xff", chance.randbytes(5000)))
        with closing(scu.socket):
            scu.socket.settimeout(_LONGEST_SILENCE)
            scu.socket.sendall(nonsense)
            self._wait_for_the_end(scu)

    def _wait_for_the_end(self, scu: Scu) -> None:
        try:
            while scu.socket.recv(65536):
                pass
        except TimeoutError:
            self._book.count("NOT HUNG UP ON")
        except ConnectionError:
            pass

    def _echo(self, _chance: Random) -> None:
        body = (
            element(0x0002, _VERIFICATION.encode())
            + element(0x0100, struct.pack("<H", 0x0030))
            + element(0x0110, struct.pack("<H", 1))
            + element(0x0800, struct.pack("<H", 0x0101))
        )
        with self._associated() as scu:
            for _ in range(3):
                scu.fragment(1, 3, element(0x0000, struct.pack("<I", len(body))) + body)
                assert scu.response().status == 0

    def _maybe_reset(self, scu: Scu, chance: Random) -> None:
        """Let the coming end be a reset, or the usual one."""
        if chance.random() < 0.5:
            scu.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
