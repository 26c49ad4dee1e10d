"""`andon schema`: the published shapes."""

from __future__ import annotations

import click
import orjson

from console.cli.session import Command, Session
from console.errors import UsageError


@click.command(cls=Command)
@click.argument("shape", required=False)
@click.pass_obj
def schema(session: Session, shape: str | None) -> None:
    """The JSON Schema of SHAPE, or the list of shapes."""
    from console.cli.shapes import SHAPES, shape_schema

    if shape is None:
        session.emit_shape(sorted(SHAPES), lambda: "\n".join(sorted(SHAPES)))
    elif shape in SHAPES:
        session.emit(orjson.dumps(shape_schema(shape), option=orjson.OPT_INDENT_2).decode())
    else:
        raise UsageError(f"there is no shape {shape!r}", f"one of: {', '.join(sorted(SHAPES))}")
