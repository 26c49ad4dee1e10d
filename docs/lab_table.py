"""Write the table of faults in docs/lab.md from their manifests: `python docs/lab_table.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from console.lab.line import PLACES  # noqa: E402
from console.lab.manifest import Manifest, manifest, names  # noqa: E402

PAGE = ROOT / "docs" / "lab.md"
BEGIN = "<!-- made by docs/lab_table.py from here on -->\n"


def table() -> str:
    """Every fault of the lab, by place."""
    faults = [manifest(name) for name in names()]
    real = sum(not fault.is_simulated for fault in faults)
    parts = [f"## The faults\n\nThere are {len(faults)}; {real} of them are real."]
    for place in PLACES:
        rows = [_row(fault) for fault in faults if fault.place == place]
        if rows:
            head = "| fault | what happens | how | cause | mended by | drawn |\n|---|---|---|---|---|---|"
            parts.append("\n".join([f"### Place {place}\n", head, *rows]))
    return "\n\n".join(parts) + "\n"


def _row(fault: Manifest) -> str:
    how = "simulated" if fault.is_simulated else "real, alone" if fault.is_alone else "real"
    said = {str(variant[key]) for key in ("cause",) for variant in fault.variants if key in variant}
    causes = ", ".join(f"`{cause}`" for cause in sorted(said or {fault.expect["cause"]}))
    keys = dict.fromkeys([*fault.parameters, *(key for variant in fault.variants for key in variant)])
    drawn = ", ".join(key for key in keys if key not in fault.expect)
    title = fault.title.removesuffix(" (simulated)")
    mended = ", ".join(f"`{action}`" for action in fault.mended_by)
    return f"| `{fault.name}` | {title} | {how} | {causes} | {mended} | {drawn or '–'} |"


if __name__ == "__main__":
    words = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
    PAGE.write_text(words + BEGIN + "\n" + table(), encoding="utf-8")
