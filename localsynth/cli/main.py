"""``localsynth``: the commands, and the one place where errors become a sentence and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, TypeAlias

import typer

from localsynth.core.errors import ExitCode, LocalsynthError
from localsynth.core.terminal import no_terminal
from localsynth.sealed import untold

from . import (
    adapters,
    auditing,
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
from .options import WorkspaceOption, open_workspace, use_workspace
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
    auditing,
    bench,
    checkup,
    demo,
):
    group.register(app)

#: Shows the terminal UI: of a workspace folder, whether to look only; gives the exit code.
OpenUI: TypeAlias = Callable[[str | None, bool], int]

_SHORT = """\
localsynth makes synthetic tables with a language model on this machine.

  localsynth                            the terminal UI, where there is a terminal
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
    workspace: WorkspaceOption = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Without a command: open the terminal UI to look only.")
    ] = False,
    _debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
    _version_wanted: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    if context.invoked_subcommand is not None:
        if read_only:
            raise typer.BadParameter("only the terminal UI has it", param_hint="--read-only")
        use_workspace(workspace)
    elif read_only or workspace is not None or not no_terminal():
        opener: OpenUI | None = context.obj
        if opener is not None:
            raise typer.Exit(opener(str(workspace) if workspace else None, read_only))
    else:
        sys.stdout.write(_SHORT)


def main(open_ui: OpenUI | None = None) -> None:
    """Run the command line and leave with its exit code. open_ui : shows the terminal UI; without it there is none."""
    code = run(sys.argv[1:], open_ui)
    if told := untold():
        for refused in told:
            say(f"warning: {refused}", "yellow")
        _keep_refused()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _quiet_stdout()
    sys.exit(code)


def run(arguments: Sequence[str], open_ui: OpenUI | None = None) -> int:
    """Run one command; every way it can end becomes an exit code, and at most one message."""
    arguments = _without_debug(arguments)
    try:
        code = app(list(arguments), prog_name="localsynth", standalone_mode=False, obj=open_ui)
    except LocalsynthError as error:
        show_error(error)
        _trace(error)
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
        _trace(error)
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a person gets a sentence, --debug the rest
        from localsynth.core.tracing import named

        say(f"error: something went wrong inside localsynth: {named(error)}", "red")
        say("hint: this is our mistake; the same command with --debug shows where")
        _trace(error)
        return ExitCode.FAILED
    return code if isinstance(code, int) else ExitCode.OK


def _keep_refused() -> None:
    """What reached for the network stands in the audit log of the workspace, if there is one."""
    from contextlib import suppress

    from localsynth.store.audit import refused_network

    with suppress(LocalsynthError):
        space = open_workspace(None)
        if space.exists:
            refused_network(space.store)


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


def _trace(error: BaseException) -> None:
    if debugging():
        from localsynth.core.tracing import trace

        err().print(trace(error), markup=False)


def _quiet_stdout() -> None:
    """Point standard output at nothing, so that Python's own flush at exit has nowhere to fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


if __name__ == "__main__":
    main()
