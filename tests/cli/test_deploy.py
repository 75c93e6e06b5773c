"""`patternsettle deploy`: the contracts on a chain, and a record of them that is whole or not there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent.chain.client import Chain
from agent.chain.deploy import Deployment
from agent.chain.local import LocalChain
from agent.chain.rpc.server import RpcServer
from agent.settings import load_settings

PHRASE_OF_OTHERS = "legal winner thank year wave sausage worth useful legal winner thank yellow"


@pytest.fixture
def node() -> Iterator[str]:
    """The address of a node that knows nothing of this project."""
    with LocalChain() as chain, RpcServer(chain) as server:
        yield server.url


class TestARecord:
    def test_is_printed_and_written_and_names_contracts_that_are_there(self, command, node):
        ended = command("deploy", "--rpc", node, "--market", "BTC/EUR", "--out", "deployment.json", "--json")
        assert ended.code == 0
        assert json.loads(ended.out) == json.loads(Path("deployment.json").read_text())
        assert ended.err.startswith("Deploying to patternsettle/")
        with Chain.connect(node, settings=load_settings()) as chain:
            Deployment.read(Path("deployment.json")).check(chain)

    def test_is_a_table_for_people(self, command, node):
        ended = command("deploy", "--rpc", node)
        labels = [line.split()[0] for line in ended.out.splitlines()]
        assert labels == ["chain", "block", "settlement", "models", "base", "quote", "feed", "oracle"]
        assert list(Path.cwd().iterdir()) == []

    def test_replaces_an_older_one(self, command, node):
        records = []
        for _ in range(2):
            assert command("deploy", "--rpc", node, "--out", "deployment.json").code == 0
            records.append(Path("deployment.json").read_text())
        assert records[0] != records[1]
        assert [each.name for each in Path.cwd().iterdir()] == ["deployment.json"]

    def test_does_not_get_in_the_way_of_a_chain_that_replays(self, command, replaying):
        for _ in range(2):
            assert command("deploy", "--rpc", replaying).code == 0

    @pytest.mark.clients
    def test_is_made_on_a_node_of_others_too(self, command, anvil):
        assert json.loads(command("deploy", "--rpc", anvil, "--json").out)["chain_id"] == 31_337


class TestWhatIsRefused:
    @pytest.fixture(autouse=True)
    def _leaves_nothing_behind(self, command):
        yield
        assert list(Path.cwd().iterdir()) == []

    def test_a_folder_that_is_not_there_before_anything_is_deployed(self, command, node):
        command("deploy", "--rpc", node, "--out", "nowhere/deployment.json").is_refused(
            "does not exist", "Make it"
        )
        with Chain.connect(node, settings=load_settings()) as chain:
            assert chain.block_number == 0

    def test_a_folder_in_place_of_a_file(self, command, node, tmp_path):
        command("deploy", "--rpc", node, "--out", tmp_path).is_refused("is a folder", "Name a file")

    @pytest.mark.parametrize("market", ["ETH", "/USD", "ETH/", " / ", ""])
    def test_a_market_that_is_not_two_symbols(self, market, command):
        command("deploy", "--market", market).is_refused("not two symbols", "ETH/USD")

    def test_no_node(self, command):
        command("deploy", "--rpc", "http://127.0.0.1:1").is_refused(
            "No node answers", "patternsettle chain, or anvil"
        )

    def test_accounts_without_funds(self, command, node, monkeypatch):
        monkeypatch.setenv("PATTERNSETTLE_MNEMONIC", PHRASE_OF_OTHERS)
        ended = command("deploy", "--rpc", node)
        ended.is_refused("has nothing on chain 31337", "Fund it")
        assert not any(word in ended.err for word in ("legal", "winner", "thank"))


class TestWhatIsNoNode:
    @pytest.fixture(params=["<h1>It works!</h1>", "", "null", "[]", '{"jsonrpc": "2.0", "id": 1}', "5"])
    def other_server(self, request) -> Iterator[str]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                body = request.param.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            serving.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()
                serving.join()

    @pytest.mark.parametrize("arguments", [["deploy"], ["demo"], ["run"]], ids=" ".join)
    def test_is_told_from_one_before_anything_is_done(self, arguments, command, other_server):
        command(*arguments, "--rpc", other_server).is_refused(other_server, "JSON-RPC", "address of a node")
        assert list(Path.cwd().iterdir()) == []
