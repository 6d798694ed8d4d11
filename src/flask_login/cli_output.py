"""What the commands of ``flask login`` print: texts, tables and JSON, safe for a terminal."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import TextIO

import click


def printable(text: str) -> str:
    """Return a text from outside in a form that is safe to print.

    Control characters, marks that turn the direction of writing, and characters that the output's
    encoding lacks are replaced by ``?``.
    """
    encoding = sys.stdout.encoding or "ascii"
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown.encode(encoding, "replace").decode(encoding)


def iso(moment: datetime | None) -> str | None:
    """Return a time in UTC, to the second, as ISO 8601 writes it."""
    if moment is None:
        return None
    return moment.astimezone(timezone.utc).isoformat(timespec="seconds")


def shown(moment: datetime) -> str:
    """Return a time in UTC, to the second, as a person reads it."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def counted(number: int, noun: str) -> str:
    """Return a number and what it counts."""
    return f"{number} {noun}{'s' if number != 1 else ''}"


def print_json(value: object) -> None:
    """Print a value as JSON."""
    # DEL is the one control character that JSON does not escape.
    click.echo(json.dumps(value, indent=2).replace("\x7f", "\\u007f"))


def width() -> int | None:
    """Return how wide the terminal is; None when the output goes to a file or a program."""
    return max(shutil.get_terminal_size().columns, 40) if is_terminal(sys.stdout) else None


def is_terminal(stream: TextIO) -> bool:
    """Return whether a stream goes to a terminal."""
    return stream.isatty()


def print_folded(text: str, indent: str = "") -> None:
    """Print a text in lines that fit the terminal, if it is one."""
    columns = width()
    if columns is None:
        click.echo(indent + text)
        return
    lines = textwrap.wrap(
        text, columns, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
    click.echo("\n".join(lines))


def print_table(rows: Iterable[tuple[object, ...]], heads: tuple[str, ...]) -> None:
    """Print a table; columns for which the terminal is too narrow stand below the others."""
    lines = [[printable(str(cell)) for cell in row] for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    columns, beside = width(), len(widths)
    while columns is not None and beside > 1 and sum(widths[:beside]) + 2 * (beside - 1) > columns:
        beside -= 1
    for line in lines:
        cells = (cell.ljust(size) for cell, size in zip(line[:beside], widths, strict=False))
        click.echo("  ".join(cells).rstrip())
        if line[beside:]:
            print_folded("  ".join(line[beside:]), "    ")


def show_progress(text: str) -> None:
    """Write over the line of progress that was written before, if this is a terminal."""
    if is_terminal(sys.stderr):
        # Blanks, because not every terminal knows how to erase a line.
        click.echo(f"\r{' ' * 30}\r{text}", nl=False, err=True)
