"""NVML as andon calls it: started once, its failures in words, many fields in one call, nothing asked for in vain."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Collection, Iterable
from struct import Struct
from typing import Any, TypeVar

import pynvml as nvml

from console.errors import SourceDenied, SourceError

AGAIN_SECONDS = 600.0  # until a device is asked anew for what it did not support: a driver's mode may have changed

GONE = frozenset({nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_RESET_REQUIRED, nvml.NVML_ERROR_GPU_NOT_FOUND})
NOT_OFFERED = frozenset({
    nvml.NVML_ERROR_NOT_SUPPORTED, nvml.NVML_ERROR_INVALID_ARGUMENT, nvml.NVML_ERROR_FUNCTION_NOT_FOUND,
    nvml.NVML_ERROR_NO_PERMISSION, nvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH, nvml.NVML_ERROR_DEPRECATED,
})  # fmt: skip

# What is not there leaks as huge numbers: "blank" in int32, fp64 and int64, and the reasons for it in the last digits.
BLANK_32, BLANK_64, BLANK_DOUBLE = 0x7FFFFFF0, 0x7FFFFFFFFFFFFFF0, float(1 << 47)

FIELD = Struct("=IIqqii8s")  # id, scope, time, latency, type, code, value
VALUES = (Struct("=d"), Struct("=I4x"), Struct("=Q"), Struct("=Q"), Struct("=q"), Struct("=i4x"), Struct("=H6x"))
BLANKS = (BLANK_DOUBLE, BLANK_32, BLANK_64, BLANK_64, BLANK_64, BLANK_32, 1 << 16)  # by type, as VALUES

ELSEWHERE = (
    "GPUs elsewhere: point a source at a node's dcgm-exporter, as in "
    "`andon source check --source gpus=http://NODE:9400/metrics`, or run andon on the node over ssh"
)
TROUBLES: dict[int, tuple[type[SourceError], str, str]] = {
    nvml.NVML_ERROR_LIBRARY_NOT_FOUND: (SourceError, "libnvidia-ml.so.1 is not on this machine", ELSEWHERE),
    nvml.NVML_ERROR_DRIVER_NOT_LOADED: (
        SourceError, "the NVIDIA driver is not loaded",
        "look at `lsmod | grep nvidia` and at the kernel log; a container has to be started with the GPUs",
    ),
    nvml.NVML_ERROR_NO_PERMISSION: (
        SourceDenied, "the NVIDIA driver does not let us in", "look at who may open /dev/nvidiactl and /dev/nvidia0",
    ),
    nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
        SourceError, "the NVIDIA library and the driver in the kernel are of different versions",
        "the driver was upgraded under way: reboot, or unload its modules and load them again",
    ),
    nvml.NVML_ERROR_FUNCTION_NOT_FOUND: (
        SourceError, "the NVIDIA library is too old", "install a driver of this decade: 450 or newer",
    ),
}  # fmt: skip

T = TypeVar("T")
Call = Callable[[Any], Any]  # of a handle
FieldId = tuple[int, int]  # field, scope: the link it is about, or 0


class Gone(Exception):
    """The GPU does not answer any more; its words say how."""


def start(name: str) -> int:
    """Start NVML and count the GPUs. Raises SourceError, worded for whoever reads it."""
    try:
        nvml.nvmlInit()
        count: int = nvml.nvmlDeviceGetCount()
    except nvml.NVMLError as error:
        stop()
        kind, what, hint = TROUBLES.get(error.value, (SourceError, f"NVML does not start: {error}", ELSEWHERE))
        raise kind(f"source {name}: {what}", hint) from None
    if not count:
        stop()
        raise SourceError(f"source {name}: the NVIDIA driver sees no GPU", "look at `lspci | grep -i nvidia`")
    return count


def stop() -> None:
    """Let go of NVML; of one that is beyond it, too."""
    try:
        nvml.nvmlShutdown()
    except nvml.NVMLError:
        return


class Handle:
    """A device, or a part of one: asked again only after a while for what it does not support."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self.trouble = ""  # the last one that was not "not supported"
        self._lacks: set[Call] = set()
        self._asked: tuple[FieldId, ...] = ()
        self._lacks_fields: set[FieldId] = set()
        self._batch = _batch(())
        self._again = time.monotonic() + AGAIN_SECONDS

    def ask(self, call: Callable[[Any], T]) -> T | None:
        """What the call gives, or None. Raises Gone."""
        if call in self._lacks:
            return None
        try:
            return call(self.handle)
        except nvml.NVMLError as error:
            self._note(error)
            if error.value in NOT_OFFERED:
                self._lacks.add(call)
            return None

    def first(self, *calls: Callable[[Any], T]) -> T | None:
        """What the first call gives that gives anything: newer drivers' first, then what older ones know."""
        for call in calls:
            if (answer := self.ask(call)) is not None:
                return answer
        return None

    def fields(self, wanted: Iterable[FieldId]) -> dict[FieldId, float]:
        """The values of fields, in one call; those without one are left out. Raises Gone."""
        asked = tuple(field for field in wanted if field not in self._lacks_fields)
        if asked != self._asked:
            self._asked, self._batch = asked, _batch(asked)
        answer = self.ask(self._field_values) if asked else None
        found: dict[FieldId, float] = {}
        for field, scope, _time, _latency, kind, code, value in FIELD.iter_unpack(answer or b""):
            if code in GONE:
                raise Gone(str(nvml.NVMLError(code)))
            if code in NOT_OFFERED:
                self._lacks_fields.add((field, scope))
            elif code == nvml.NVML_SUCCESS and 0 <= kind < len(VALUES):
                (number,) = VALUES[kind].unpack(value)
                if number < BLANKS[kind]:
                    found[field, scope] = float(number)
        return found

    def forgive(self) -> bool:
        """Forget what the device does not support, if that is long enough ago; whether it was."""
        if time.monotonic() < self._again:
            return False
        self._again = time.monotonic() + AGAIN_SECONDS
        self._lacks.clear()
        self._lacks_fields.clear()
        return True

    def _field_values(self, handle: Any) -> bytes:
        """The batch as the driver filled it in. pynvml's own allocates no entry more than is asked for."""
        call = nvml._nvmlGetFunctionPointer("nvmlDeviceGetFieldValues")
        buffer = ctypes.create_string_buffer(self._batch, len(self._batch))
        if (code := call(handle, ctypes.c_int(len(self._asked)), buffer)) != nvml.NVML_SUCCESS:
            raise nvml.NVMLError(code)
        return buffer.raw[: -FIELD.size]

    def _note(self, error: nvml.NVMLError) -> None:
        if error.value in GONE:
            raise Gone(str(error)) from None
        if error.value not in NOT_OFFERED:
            self.trouble = str(error)


def _batch(fields: Collection[FieldId]) -> bytes:
    """An array of questions, with one entry more than asked for: some drivers touch the one past the last."""
    return b"".join(FIELD.pack(field, scope, 0, 0, 0, 0, b"") for field, scope in (*fields, (0, 0)))
