"""A metrics page read into signals, fast enough to do it every few seconds for many pods.

The same series text (`name{labels}`) comes back on every scrape, so it is parsed once and remembered; after that a line
costs one dictionary look-up and, where a dialect wants it, one number. What is wrong with a line skips that line and is
counted; what is wrong with the page as a whole is a SourceMalformed in one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from console.errors import SourceMalformed
from console.model import NO_LABELS, Labels, Reading
from console.signals.dialect import Dialect
from console.signals.exposition import parse_labels, parse_line
from console.signals.spoken import Spoken
from console.signals.templates import Bars, Get, Template
from console.signals.undisturbed import undisturbed
from console.signals.wanted import BUCKET, Wanted, edge_of

UNWANTED = -1
UNKNOWN = -2
CHUNK_BYTES = 1 << 20  # a page is split into lines piece by piece, so that tiny lines cost no gigabytes
MOST_SERIES = 500_000
MOST_NAMES = 10_000  # of metrics that nobody wants
SPARE_ENTRIES = 1000
TWICE = "a series is there twice"
NAME = re.compile(rb"\n[ \t]*+([a-zA-Z_:][a-zA-Z0-9_:]*+)")  # twice as fast as ^ on every line

Family = tuple[list[Template], list[Bars]]
Stamped = dict[float, dict[int, float]]  # time -> slot -> value, of lines with a timestamp of their own


class PageReader:
    """Reads the pages of one exporter, scrape after scrape.

    >>> reader = PageReader([press])
    >>> readings = reader.read(body, now=1795331980.0)
    >>> reader.seen, reader.skipped
    (('press',), 0)

    A dialect counts from the first page that has one of its `detect` metrics; with `detect=False` all count at once.
    `labels` are added to every series that does not have them.
    """

    def __init__(self, dialects: Sequence[Dialect], *, labels: Labels = NO_LABELS, detect: bool = True) -> None:
        self.skipped = 0  # lines and histograms of the last page that could not be read
        self.trouble = ""  # what was wrong with the first of them
        self._labels = labels
        self._waiting = list(dialects) if detect else []
        self._active = [] if detect else list(dialects)
        self._answered: set[str] = set()
        self._names: set[str] = set()  # of the metrics on the pages so far
        self._has_new_names = False
        self._values: list[float | None] = []  # the numbers of this page, by slot
        self._wanted = Wanted((), labels)
        self._forget()

    @property
    def seen(self) -> tuple[str, ...]:
        """The dialects that were on any page so far."""
        return tuple(dialect.name for dialect in self._active)

    @property
    def answered(self) -> tuple[str, ...]:
        """The signals that the last page had."""
        return tuple(sorted(self._answered))

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics that were on the pages so far."""
        return tuple(sorted(self._names))

    @property
    def missing(self) -> tuple[tuple[str, str], ...]:
        """(signal, why) for what the seen dialects know and the last page did not have."""
        return tuple(pair for one in self.spoken for pair in one.missing)

    @property
    def spoken(self) -> tuple[Spoken, ...]:
        """What each dialect that was seen says, by the last page."""
        return tuple(Spoken.of(dialect, self._answered.__contains__) for dialect in self._active)

    def read(self, body: bytes, now: float) -> list[Reading]:
        """Every sample of every wanted signal; a line without a timestamp of its own is of `now`.

        Raises SourceMalformed where the page is empty, HTML, cut within its first line, or mostly not metrics.
        """
        with undisturbed():
            return self._read(body, now)

    # ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, body: bytes, now: float) -> list[Reading]:
        self.skipped, self.trouble = 0, ""
        body = self._whole_lines(body)
        if not self._names:
            self._names = {name.decode() for name in set(NAME.findall(b"\n" + body))}
            self._detect()
        halves = self.skipped, self.trouble
        lines, stamped = self._take(body)
        if self._has_new_names and self._detect():
            self.skipped, self.trouble = halves
            lines, stamped = self._take(body)
        if self.skipped * 2 > lines:
            raise SourceMalformed(f"most of the page is not metrics: {self.trouble}", "check the URL")
        readings = list(self._assemble(self._wanted.templates, self._values.__getitem__, now))
        for time, values in sorted(stamped.items(), key=itemgetter(0)):
            templates = dict.fromkeys(template for slot in values for template in self._owners[slot])
            readings.extend(self._assemble(templates, values.get, time))
        self._label_sets.clear()
        self._edges.clear()
        self._wanted.forget_texts()
        self._answered = {reading.series.signal for reading in readings}
        if self._is_stale or len(self._slots) > 2 * lines + SPARE_ENTRIES:
            self._forget()  # most of what is remembered is gone, or a histogram has new edges: learn the page anew
        return readings

    def _whole_lines(self, body: bytes) -> bytes:
        body = body.removeprefix(b"\xef\xbb\xbf")
        if not body.strip():
            raise SourceMalformed("the metrics page is empty", "check that the exporter has started")
        if body[:256].lstrip().startswith(b"<"):
            raise SourceMalformed("the page is HTML, not metrics", "check the path of the URL; /metrics is usual")
        if body.endswith(b"# EOF"):
            return body
        whole, newline, half = body.rpartition(b"\n")
        if not newline:
            raise SourceMalformed("the page breaks off within its first line", "check what lies on the way to it")
        if half:
            self._skip("the page breaks off within its last line")  # half a number would read as another number
        return whole

    def _detect(self) -> bool:
        """Whether a dialect is seen that was not; then the page is to be learned anew."""
        self._has_new_names = False
        found = [dialect for dialect in self._waiting if dialect.is_seen(self._names)]
        if found:
            self._active += found
            self._waiting = [dialect for dialect in self._waiting if dialect not in found]
            self._forget()
        return bool(found)

    def _take(self, body: bytes) -> tuple[int, Stamped]:
        """Fill `_values` from the page's lines; returns how many there were, and the numbers with timestamps."""
        second = 1.0 if body.endswith(b"# EOF") else 0.001  # OpenMetrics stamps seconds, the text format milliseconds
        values: list[float | None] = [None] * len(self._owners)
        self._values = values
        slot_of = self._slots.get
        stamped: Stamped = {}
        lines = self.skipped  # half a last line is a line
        for piece in _pieces(body):
            lines += len(piece)
            for line in piece:
                series, _, number = line.rpartition(b" ")
                slot = slot_of(series, UNKNOWN)
                if slot == UNWANTED:
                    continue
                if slot == UNKNOWN and line.startswith(b"#"):
                    self._slots[series] = UNWANTED
                    continue
                try:
                    if slot == UNKNOWN:
                        text, _, value = series.rpartition(b" ")
                        stamped_slot = slot_of(text, UNKNOWN) if value and number else UNKNOWN
                        if stamped_slot >= 0:  # a known series, its value and a timestamp
                            _put(stamped, float(number) * second, stamped_slot, float(value))
                        elif stamped_slot == UNKNOWN and (slot := self._sibling(series)) == UNKNOWN:
                            self._take_odd(line, series, second, stamped)
                    if slot < 0:
                        continue
                    if values[slot] is not None:
                        raise ValueError(TWICE)
                    values[slot] = float(number)
                except ValueError as error:
                    self._skip(f"{error}: {line[:80]!r}")
        return lines, stamped

    def _take_odd(self, line: bytes, series: bytes, second: float, stamped: Stamped) -> None:
        """A line that is not a known series and its number: a new series, or one with an exemplar."""
        if not line.strip():
            return
        name, brace, _labels = series.partition(b"{")
        if name in self._nobodys and (not brace or series.endswith(b"}")):
            float(line[len(series) + 1 :])
            self._slots[series] = UNWANTED
            return
        sample = parse_line(line)
        slot = self._slots.get(sample.series, UNKNOWN)
        if slot == UNKNOWN:
            slot = self._slots[sample.series] = self._admit(sample.name, sample.label_text, sample.series)
        if slot == UNWANTED:
            return
        if sample.stamp is not None:
            _put(stamped, sample.stamp * second, slot, sample.value)
        elif self._values[slot] is None:
            self._values[slot] = sample.value
        else:
            raise ValueError(TWICE)

    def _sibling(self, series: bytes) -> int:
        """A slot for one more bucket of a histogram that was met already; UNKNOWN for anything else.

        Most lines of a page are such: they differ from the one before by their edge alone.
        """
        start = series.find(b'le="') - 1
        if start < 0:
            return UNKNOWN
        if series[start] not in b",{":
            start = _edge_of(series)
        end = series.find(b'"', start + 5)  # inside a value, `"` has a backslash
        family = self._families.get(series[:start] + series[end:])
        if family is None:
            return UNKNOWN
        owners, bars = family
        if bars:
            text, slot = series[start + 5 : end], len(self._owners)
            edge = self._edges.get(text)
            if edge is None:
                edge = self._edges[text] = edge_of(text)
            for leaf, owner in zip(bars, owners, strict=True):
                if not leaf.add(edge, slot):  # another line has this edge, written in another way
                    owners = [each for each in owners if each is not owner]
        slot = self._slots[series] = self._give(owners)
        return slot

    def _admit(self, name: str, label_text: bytes, series: bytes) -> int:
        """A slot for a series not seen before; UNWANTED where no dialect wants it."""
        if name not in self._names and len(self._names) < MOST_SERIES:
            self._names.add(name)
            self._has_new_names = True
        family = _family_of(series) if name.endswith(BUCKET) else b""
        if not self._wanted.has(name):
            if len(self._nobodys) < MOST_NAMES:
                self._nobodys.add(name.encode())
            if family:
                self._families[family] = [], []
            return UNWANTED
        if family:  # whose other labels are those of its sum
            label_text, edge = _apart(label_text)
            labels = self._labels_of(label_text) | {"le": edge.decode()}
        else:
            labels = self._labels_of(label_text)
        claims = self._wanted.claim(name, label_text, labels, len(self._owners))
        owners = [owner for owner, _leaf in claims]
        if family:
            self._families[family] = owners, [leaf for _owner, leaf in claims if isinstance(leaf, Bars)]
        return self._give(owners)

    def _labels_of(self, text: bytes) -> dict[str, str]:
        """The labels of a series, of which most share theirs with others."""
        labels = self._label_sets.get(text)
        if labels is None:
            labels = self._label_sets[text] = parse_labels(text)
        return labels

    def _give(self, owners: list[Template]) -> int:
        """The next slot, for whom it is."""
        if not owners:
            return UNWANTED
        slot = len(self._owners)
        if slot >= MOST_SERIES:
            raise SourceMalformed(f"the page has more than {MOST_SERIES:,} series", "scrape fewer targets at once")
        self._owners.append(owners)
        self._values.append(None)
        return slot

    def _assemble(self, templates: Iterable[Template], get: Get, time: float) -> Iterator[Reading]:
        for template in templates:
            try:
                reading = template.reading(get, time)
            except ValueError as error:
                self._is_stale = True
                self._skip(f"{error}: {template.name}")
                continue
            if reading is not None:
                yield reading

    def _skip(self, why: str) -> None:
        self.skipped += 1
        self.trouble = self.trouble or why

    def _forget(self) -> None:
        self._slots: dict[bytes, int] = {}  # series text -> its place in `_values`, or UNWANTED
        self._values = []
        self._label_sets: dict[bytes, dict[str, str]] = {}  # of a page that is being learned: its labels as written
        self._nobodys: set[bytes] = set()  # metrics that no dialect wants
        self._edges: dict[bytes, float] = {}  # of such a page: edges as written
        self._families: dict[bytes, Family] = {}  # the text of a bucket without its edge -> whose all of them are
        self._owners: list[list[Template]] = []  # who wants the number of each slot
        self._wanted = Wanted(self._active, self._labels, self._wanted.carried())
        self._is_stale = False


def _edge_of(series: bytes) -> int:
    """Where a bucket's edge begins, with what stands before it; below 0 where there is none."""
    start = series.find(b'le="') - 1
    if start < 0 or series[start] in b",{":
        return start
    start = series.find(b',le="')  # it was the end of another label's name
    return start if start >= 0 else series.find(b'{le="')


def _family_of(series: bytes) -> bytes:
    """What all buckets of a histogram have in common; nothing of what is no bucket."""
    start = _edge_of(series)
    return series[:start] + series[series.find(b'"', start + 5) :] if start >= 0 else b""


def _apart(label_text: bytes) -> tuple[bytes, bytes]:
    """A bucket's labels without its edge, and that."""
    start = label_text.find(b',le="')
    start = start + 1 if start >= 0 else 0
    end = label_text.find(b'"', start + 4)
    rest = label_text[:start].rstrip(b",") + label_text[end + 1 :]
    return rest.removeprefix(b",") if not start else rest, label_text[start + 4 : end]


def _put(stamped: Stamped, time: float, slot: int, value: float) -> None:
    moment = stamped.setdefault(time, {})
    if slot in moment:
        raise ValueError(TWICE)
    moment[slot] = value


def _pieces(body: bytes) -> Iterator[list[bytes]]:
    start = 0
    while start < len(body):
        end = body.find(b"\n", start + CHUNK_BYTES)
        end = len(body) if end < 0 else end
        yield body[start:end].split(b"\n")
        start = end + 1
