"""``models`` and ``methods``: what this machine can make rows with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Format, FormatOption
from .output import confirm, err, hint, print_records, print_text, say, warn_left_out
from .tune import tune

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["register", "steps"]

models = typer.Typer(
    help="The models on this machine: list, install, add, verify, tune, remove.", invoke_without_command=True
)
methods = typer.Typer(help="The methods: list, show with parameters.", invoke_without_command=True)
_MODEL_COLUMNS = (
    "model",
    "installed",
    "architecture",
    "quantization",
    "parameters",
    "file_mb",
    "memory_mb",
    "context",
    "license",
    "tuned",
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="A model, as `localsynth models list` names it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(models, name="models")
    app.add_typer(methods, name="methods")


@models.callback()
def _models(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_models()


@models.command("list")
def list_models(format: FormatOption = Format.TABLE) -> None:  # noqa: A002
    """Every known model, installed or not."""
    from localsynth.engine.tuned import TunedFile
    from localsynth.workspace import Workspace

    catalog = Workspace.models()
    tuned = TunedFile(catalog.folder).all()
    rows = [
        {
            "model": model.name,
            "installed": model.installed,
            "architecture": model.architecture,
            "quantization": model.quantization,
            "parameters": f"{model.parameters / 1e6:,.0f} M",
            "file_mb": round(model.size / 1e6),
            "memory_mb": model.memory_mb,
            "context": model.context_length,
            "license": model.license,
            "tuned": tuned[model.name].quantization if model.name in tuned else "no",
        }
        for model in catalog.list()
    ]
    print_records(rows, format, _MODEL_COLUMNS)


@models.command("install")
def install(
    name: Name,
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder to take it from, instead of the network.")
    ] = None,
) -> None:
    """Install a known model: the only command that uses the network, and only without --from."""
    from localsynth.workspace import Workspace

    with steps() as step:
        model = Workspace.models().install(name, source, step)
    say(f"{model.name} is installed: {model.size / 1e6:,.0f} MB, {model.license}", "green")
    print_text([str(model.path)])


@models.command("add")
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A GGUF file.")],
    name: Annotated[
        str | None, typer.Option("--name", help="What to call it.  [default: the file's name]")
    ] = None,
    copy: Annotated[bool, typer.Option("--copy/--no-copy", help="Copy it, or leave it where it is.")] = True,
    sha256: Annotated[
        str | None,
        typer.Option(
            "--sha256", metavar="HEX", help="What its sha256 must be, as SHA256SUMS beside it may say."
        ),
    ] = None,
) -> None:
    """Register a model file of your own; FILE.sha256 or SHA256SUMS beside it must agree with it."""
    from localsynth.engine.checksums import stated
    from localsynth.workspace import Workspace

    with steps() as step:
        model = Workspace.models().add(file, name=name, copy=copy, progress=step, sha256=sha256)
    by = ", ".join(one.by for one in stated(file.expanduser().absolute(), sha256))
    say(
        f"{model.name}: {model.architecture}, {model.quantization}, {model.parameters / 1e6:,.0f} M parameters,"
        f" context {model.context_length:,}, licence {model.license}",
        "green",
    )
    say(f"sha256 {model.sha256}, {f'as {by} says' if by else 'which no checksum file beside it confirms'}")
    print_text([model.name])


@models.command("verify")
def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A model; without it, all installed ones.")
    ] = None,
) -> None:
    """Read a model's whole file again and compare it with what was registered."""
    from localsynth.core.errors import ModelNotInstalled
    from localsynth.workspace import Workspace

    catalog = Workspace.models()
    wanted = [name] if name is not None else [model.name for model in catalog.list() if model.installed]
    if not wanted:
        raise ModelNotInstalled("no model is installed", "`localsynth models list` shows what there is")
    for one in wanted:
        model = catalog.verify(one)
        say(f"{one}: as registered", "green")
        print_text([f"{model.sha256}  {model.path}"])


@models.command("remove")
def remove(name: Name, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Forget a model; its file is deleted if it lies in the models folder."""
    from localsynth.workspace import Workspace

    if not yes:
        confirm(f"Remove the model {name}?")
    Workspace.models().remove(name)
    say(f"removed {name}")


models.command("tune")(tune)


class steps:  # noqa: N801 - used as a word: `with steps() as step`
    """A bar for steps that report (what, share done)."""

    def __enter__(self) -> Callable[[str, float], None]:
        from rich.progress import Progress

        self._bar = Progress(console=err(), transient=True, disable=not err().is_terminal)
        self._bar.start()
        self._tasks: dict[str, Any] = {}
        return self._step

    def _step(self, what: str, share: float) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=1.0)
            if not err().is_terminal:
                say(what)
        self._bar.update(self._tasks[what], completed=share)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


# --- methods ---------------------------------------------------------------------------------------------------------


@methods.callback()
def _methods(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_methods()


@methods.command("list")
def list_methods(format: FormatOption = Format.TABLE) -> None:  # noqa: A002
    """Every method, what it shows a model, and whether it needs one."""
    from localsynth.workspace import Workspace

    rows = [
        {
            "method": name,
            "exposure": method.exposure.label,
            "needs_model": method.needs_model,
            "version": method.version,
            "summary": method.summary,
        }
        for name, method in Workspace.methods().items()
    ]
    for error in Workspace.broken_methods().values():
        warn_left_out(error)
    if format is not Format.TABLE:
        print_records(rows, format, ["method", "exposure", "needs_model", "version", "summary"])
        return
    print_records(rows, format, ["method", "exposure", "needs_model", "version"])
    for row in rows:
        say(f"{row['method']}: {row['summary']}")


@methods.command("show")
def show(name: Annotated[str, typer.Argument(metavar="NAME", help="A method.")]) -> None:
    """A method and its parameters, as they stand in a recipe's [method]."""
    from localsynth.workspace import Workspace

    method = Workspace.method(name)
    say(method.summary)
    say(f"exposure: {method.exposure.label}; needs a model: {'yes' if method.needs_model else 'no'}")
    print_text(_as_toml(name, method.Params))
    hint("paste this into a recipe and change what you like")


def _as_toml(name: str, params: Any) -> Iterator[str]:
    from localsynth.core.tomlfile import dump_toml

    yield "[method]"
    yield f'name = "{name}"'
    for key, field in params.model_fields.items():
        for line in (field.description or "").splitlines():
            yield f"# {line}"
        if field.is_required():
            yield f"# {key} = ...  (required)"
            continue
        value = field.get_default(call_default_factory=True)
        plain = params.model_construct(**{key: value}).model_dump(mode="json", include={key})[key]
        yield (
            f"# {key} is not set"
            if plain is None
            else dump_toml({"t": {key: plain}}).split("\n", 1)[1].strip()
        )
