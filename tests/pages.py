"""Metrics pages of real exporters, and the shipped dialects that read them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from console.library import add_plugin_folder, library_dir
from console.model import Reading
from console.signals.dialect import Dialect
from console.signals.page import PageReader

PAGES = Path(__file__).parent / "data" / "pages"


def page(name: str) -> bytes:
    return (PAGES / f"{name}.prom").read_bytes()


def plugin(name: str) -> ModuleType:
    """A shipped plugin's module, loaded once under the name that andon gives it."""
    full = f"andon_plugins.{name}"
    if full not in sys.modules:
        add_plugin_folder(library_dir("plugins"))  # for its parts, _x.py beside it
        spec = importlib.util.spec_from_file_location(full, library_dir("plugins") / f"{name}.py")
        assert spec and spec.loader
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


def dialect(name: str) -> Dialect:
    return next(iter(plugin(name).andon_dialects()))


VLLM, TRITON, DCGM = dialect("vllm"), dialect("triton"), dialect("dcgm")


def every_dialect() -> list[Dialect]:
    """All that andon ships, in the order of their files."""
    files = sorted(library_dir("plugins").glob("[a-z]*.py"))
    found = [plugin(file.stem) for file in files if "andon_dialects" in file.read_text(encoding="utf-8")]
    return [each for module in found for each in module.andon_dialects()]


def read_page(name: str, now: float = 1_795_334_300.0) -> tuple[list[Reading], PageReader]:
    """A page as andon reads it, which finds out by itself whose it is."""
    reader = PageReader(every_dialect())
    return reader.read(page(name), now), reader


def told(name: str) -> dict[str, list[float]]:
    """Every signal of a page with its values: of histograms, how many were observed."""
    values: dict[str, list[float]] = {}
    for reading in read_page(name)[0]:
        values.setdefault(reading.series.signal, []).append(reading.counts[-1] if reading.counts else reading.value)
    return values


def of(readings: list[Reading], signal: str, **labels: str) -> list[Reading]:
    """The readings of one signal whose labels include these."""
    return [r for r in readings if r.series.signal == signal and set(labels.items()) <= set(r.series.labels)]


def one(readings: list[Reading], signal: str, **labels: str) -> Reading:
    found = of(readings, signal, **labels)
    assert len(found) == 1, f"{len(found)} readings of {signal} {labels}"
    return found[0]
