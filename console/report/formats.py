"""One diagnosis, four formats."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from console.model import Diagnosis
from console.report.clean import escape_json
from console.report.junit import junit_report
from console.report.markdown import markdown_report
from console.report.text import text_report
from console.wire import dump


def json_report(diagnosis: Diagnosis) -> str:
    """The published shape (`andon schema diagnosis`), indented."""
    return escape_json(orjson.dumps(dump(diagnosis), option=orjson.OPT_INDENT_2).decode()) + "\n"


FORMATS: dict[str, Callable[[Diagnosis], str]] = {
    "text": text_report,
    "json": json_report,
    "junit": junit_report,
    "markdown": markdown_report,
}
