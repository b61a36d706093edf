"""``localsynth``: the commands, and the one place where errors become a sentence and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from localsynth.core.errors import ExitCode, LocalsynthError

from . import (
    adapters,
    bench,
    checkup,
    data,
    demo,
    filling,
    judging,
    machine,
    recipes,
    running,
    schemas,
    statistics,
)
from .output import debugging, err, say, show_error

__all__ = ["app", "main", "run"]

app = typer.Typer(
    name="localsynth",
    help="Synthetic tables from a local language model, kept in DuckDB. Nothing leaves this machine.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich would take longer to load than everything else together
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    data,
    schemas,
    recipes,
    running,
    filling,
    judging,
    statistics,
    machine,
    adapters,
    bench,
    checkup,
    demo,
):
    group.register(app)

_SHORT = """\
localsynth makes synthetic tables with a language model on this machine.

  localsynth demo                       500 rows of a made-up clinic, from start to end
  localsynth models install smollm2-135m    a small model, the only step that uses the network
  localsynth import patients.csv        a table of yours (it stays in ./workspace)
  localsynth recipe copy clinic         a recipe to edit
  localsynth run clinic.toml            rows
  localsynth sql "select ..."           look at them
  localsynth evaluate                   how good they are, and whom they give away
  localsynth doctor                     is everything there?

localsynth --help lists all commands.
"""


def _version(wanted: bool) -> None:
    if wanted:
        from localsynth import __version__

        sys.stdout.write(f"localsynth {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    _debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
    _version_wanted: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        sys.stdout.write(_SHORT)


def main() -> None:
    """Run the command line and leave with its exit code."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _quiet_stdout()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command; every way it can end becomes an exit code, and at most one message."""
    arguments = _without_debug(arguments)
    try:
        code = app(list(arguments), prog_name="localsynth", standalone_mode=False)
    except LocalsynthError as error:
        show_error(error)
        _trace()
        return error.code
    except typer.TyperException as error:
        return _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        _quiet_stdout()
        return ExitCode.OK
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        say(f"error: {what}{error.strerror or error}", "red")
        _trace()
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a person gets a sentence, --debug the rest
        say(f"error: something went wrong inside localsynth: {type(error).__name__}: {error}", "red")
        say("hint: this is our mistake; the same command with --debug shows where")
        _trace()
        return ExitCode.FAILED
    return code if isinstance(code, int) else ExitCode.OK


def _usage(error: typer.TyperException) -> int:
    """A mistake in the command itself."""
    say(f"error: {error.format_message()}", "red")
    context = getattr(error, "ctx", None)
    if context is not None:
        say(f"hint: `{context.command_path} --help` shows what it takes")
    return int(error.exit_code)


def _without_debug(arguments: Sequence[str]) -> list[str]:
    """``--debug`` is understood wherever it stands; people add it to the end of the command that failed."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    kept = [word for at, word in enumerate(arguments) if word != "--debug" or at > end]
    if len(kept) < len(arguments):
        os.environ["LOCALSYNTH_DEBUG"] = "1"
    return kept


def _trace() -> None:
    if debugging():
        import traceback

        err().print(traceback.format_exc(), markup=False)


def _quiet_stdout() -> None:
    """Point standard output at nothing, so that Python's own flush at exit has nowhere to fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


if __name__ == "__main__":
    main()
