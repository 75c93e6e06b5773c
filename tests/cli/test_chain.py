"""`patternsettle chain`: served until Ctrl-C, traded on from a second terminal, and taken away in the middle."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from agent.chain.client import Chain
from agent.chain.contracts import OracleContract
from agent.desk.follow import Follower
from agent.settings import load_settings

JOURNAL = "kept.sqlite"
PROMPT = 15  # seconds, on a machine that has much else to do
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


@pytest.fixture
def chain(terminal):
    """A chain that replays, in a process of its own, and what it said when it began."""
    process = terminal.start("chain", "--port", "0", "--json", "--speed", "2", "--bars", "3000")
    return process, json.loads(process.stdout.readline())


class TestServing:
    def test_one_line_of_json_says_where_everything_is_and_a_second_terminal_trades_there(self, chain, command):
        process, said = chain
        assert said["synthetic"] is True
        assert said["source"].startswith("synthetic ")
        assert (said["history"], said["bars"]) == (6_000, 3_000)
        addresses = [*said["accounts"].values(), *list(said["deployment"].values())[2:]]
        assert all(ADDRESS.fullmatch(address) for address in addresses)
        assert len(set(addresses)) == len(addresses) == 16

        other = command("run", "--rpc", said["url"], "--bars", "2", "--journal", ":memory:", "--json")
        document = json.loads(other.out)
        assert other.code == 0
        assert document["bars_replayed"] == 2
        assert document["interrupted"] is False
        assert document["books"]["balanced"] is True
        assert document["data"]["synthetic"] is True
        assert document["chain"]["settlement"] == said["deployment"]["settlement"]

        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=PROMPT)
        assert (process.returncode, rest) == (0, "")
        assert err == "The chain has ended, and nothing of it is kept.\n"

    def test_a_person_reads_addresses_what_is_replayed_and_what_to_do_next(self, terminal):
        process = terminal.start("chain", "--port", "0", "--bars", "2", "--speed", "1000")
        assert process.stderr.readline().startswith(
            "The last bar has been replayed; the chain goes on until Ctrl-C"
        )
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PROMPT)
        assert (process.returncode, err) == (0, "The chain has ended, and nothing of it is kept.\n")
        assert "SYNTHETIC: generated, not traded on any market" in out
        url = re.search(r"http://127\.0\.0\.1:\d+", out)[0]
        assert f"patternsettle run --rpc {url}" in out
        assert len(ADDRESS.findall(out)) == 16
        assert all(len(line) <= 80 and line == line.rstrip() for line in out.splitlines())

    def test_bars_of_a_file_can_be_replayed_and_are_not_called_synthetic(self, terminal, price_file):
        process = terminal.start(
            "chain", "--data", str(price_file), "--market", "ETH/USD", "--bars", "5", "--port", "0", "--json",
            "--speed", "1000",
        )  # fmt: skip
        said = json.loads(process.stdout.readline())
        assert (said["synthetic"], said["source"], said["market"]) == (False, price_file.name, "ETH/USD")
        assert (said["history"], said["bars"]) == (1_495, 5)
        assert process.stderr.readline().startswith("The last bar")
        with Chain.connect(said["url"], settings=load_settings()) as chain:
            follower = Follower(chain)
            news = follower.news()
            assert (len(news.bars), news.finished) == (1_500, True)
            assert OracleContract(chain, follower.deployment.oracle).price().value > 0


class TestBeingLeft:
    @pytest.fixture
    def once_it_has_begun(self, chain, command):
        """A function that has something done, in a thread, once a desk in this process keeps a journal."""
        node, _ = chain
        journal = Path.cwd() / JOURNAL
        threads = []

        def begin(act) -> None:
            def wait() -> None:
                while not journal.exists() and node.poll() is None:
                    time.sleep(0.02)  # for what another thread does to a file: there is nothing to wait on
                act()

            threads.append(threading.Thread(target=wait))
            threads[0].start()

        yield begin
        node.kill()
        threads[0].join()

    def test_a_node_that_stops_answering_does_not_hold_back_a_second_ctrl_c(
        self, chain, command, once_it_has_begun, signal_us
    ):
        node, said = chain
        ended = threading.Event()
        ended_before_the_second = []

        def interrupt_twice() -> None:
            node.send_signal(signal.SIGSTOP)
            signal_us(signal.SIGINT)
            ended_before_the_second.append(ended.wait(timeout=0.5))
            signal_us(signal.SIGINT)

        once_it_has_begun(interrupt_twice)
        desk = command("run", "--rpc", said["url"], "--journal", JOURNAL, "--json")
        ended.set()
        assert ended_before_the_second == [False]
        assert (desk.code, desk.out) == (130, "")
        assert desk.err.splitlines()[-1] == "patternsettle: interrupted."

    def test_a_node_that_goes_ends_a_run_with_one_line(self, chain, command, once_it_has_begun):
        node, said = chain
        once_it_has_begun(node.kill)
        desk = command("run", "--rpc", said["url"], "--journal", JOURNAL, "--json")
        desk.is_refused("No node answers", said["url"])


class TestWhatIsRefused:
    def test_a_port_that_is_taken(self, command):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            command("chain", "--port", port, "--bars", "2").is_refused(f"Port {port}", "0 takes a free one")

    @pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "1001"])
    def test_a_speed_that_no_replay_has(self, speed, command):
        command("chain", "--speed", speed).is_refused(f"--speed is {speed}", "from 1e-05 to 1000")

    @pytest.mark.parametrize("speed", ["1e-320", "1e-7", "-1e-320"])
    def test_a_speed_at_which_no_bar_ever_comes(self, speed, command):
        command("chain", "--speed", speed).is_refused("--speed is ", "from 1e-05 to 1000")

    def test_a_file_and_synthetic_bars_at_once(self, command, price_file):
        command("chain", "--data", price_file, "--synthetic").is_refused("--synthetic", "--data", "one of the two")

    def test_a_market_without_a_file(self, command):
        command("chain", "--market", "ETH/USD").is_refused("--market", "Give one with --data")

    def test_more_bars_than_there_are(self, command, price_file):
        command("chain", "--data", price_file, "--bars", "1500").is_refused("1,500 bars", "fewer than 1,500")

    def test_more_synthetic_bars_than_anybody_waits_for(self, command):
        command("chain", "--bars", "1000000001").is_refused("1,000,000,001", "1,000,000 at most")

    def test_a_seed_phrase_of_accounts_that_the_chain_does_not_fund(self, command, monkeypatch):
        phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow"
        monkeypatch.setenv("PATTERNSETTLE_MNEMONIC", phrase)
        command("chain").is_refused("PATTERNSETTLE_MNEMONIC", "Unset it")
