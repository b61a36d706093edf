"""Nothing that is read can execute: no pickle, no code of a model's repository, no shell, no evaluation of text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import localsynth

PACKAGE = Path(localsynth.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
#: Modules that make objects of what they read, by running what it says.
UNSAFE = {"dill", "cloudpickle", "cPickle", "jsonpickle", "joblib", "marshal", "pickle", "shelve", "yaml"}
#: Calls that are safe with an argument alone.
NEEDS = {
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
    "from_pretrained": ("trust_remote_code", False),
    "from_config": ("trust_remote_code", False),
}
NEVER = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput"}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def faults(source: str) -> list[str]:
    """What is unsafe in a module."""
    tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        found += [f"imports {name}" for name in names if name.split(".")[0] in UNSAFE]
    for name, call in calls(tree):
        given = {
            word.arg: word.value.value
            for word in call.keywords
            if word.arg is not None and isinstance(word.value, ast.Constant)
        }
        if name in NEVER:
            found.append(f"calls {name}")
        if given.get("shell"):
            found.append(f"calls {name} with a shell")
        for unsafe, (word, value) in NEEDS.items():
            if (name == unsafe or name.endswith(f".{unsafe}")) and given.get(word) is not value:
                found.append(f"calls {name} without {word}={value}")
    return found


def test_no_module_executes_what_it_reads() -> None:
    found = {str(path.relative_to(PACKAGE)): faults(path.read_text("utf-8")) for path in MODULES}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from yaml import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path)",
        "AutoModel.from_pretrained(name)",
        "subprocess.run(line, shell=True)",
        "eval(text)",
    ],
)
def test_the_search_finds_what_it_looks_for(source: str) -> None:
    assert faults(source)
