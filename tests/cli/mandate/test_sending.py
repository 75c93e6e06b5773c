"""`patternsettle mandate lodge`, `release` and `cancel`: each once, by whom it takes, and refused before anything is sent."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.chain.rpc.server import RpcServer
from agent.desk.mandate_file import MandateFile

from ...prefork.forked import MODULE
from .conftest import FILE

PHRASE_OF_OTHERS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
STRANGERS_KEY = "0x" + "46" * 32
STRANGER = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"


def state(market, file):
    return market.desk.settlement.state_of(file.mandate.id)


def key_file(key: str, *, mode: int = 0o600) -> Path:
    path = Path("key")
    path.write_text(key)
    path.chmod(mode)
    return path


def opened(market, file):
    """Open a trade of the mandate, of 4,000 quote."""
    desk, mandate = market.desk, file.mandate
    desk.open(desk.signal(), desk.fill(mandate, given=4_000 * 10**6))
    assert state(market, file).trading


class TestLodging:
    def test_with_the_owners_key_makes_the_mandate_of_the_file(self, new, on_chain, market):
        file = new()
        told = json.loads(on_chain("lodge", "--json").out)
        assert told["id"] == file.id
        assert state(market, file).usable_from == told["usable_from"] == market.desk.now

    def test_with_a_signature_needs_no_key_of_the_owner(self, new, on_chain, market, monkeypatch):
        file = new(owner=STRANGER)
        signature = _signed(STRANGERS_KEY, file)
        assert on_chain("lodge", "--signature", signature).code == 0
        assert state(market, file).usable_from

    @pytest.mark.clients
    def test_with_what_viem_signed(self, new, on_chain, market, viem_script):
        file = new()
        given = {
            "url": market.url,
            "privateKey": "0x" + market.desk.owner.key.hex(),
            "file": Path(FILE).read_text(),
        }
        script = [viem_script[0], str(Path(viem_script[1]).with_name("sign.mjs"))]
        ran = subprocess.run(
            script, input=json.dumps(given), capture_output=True, text=True, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stderr
        saw = json.loads(ran.stdout)
        assert saw["digest"] == file.digest
        assert saw["own"] == saw["node"]
        assert json.loads(on_chain("lodge", "--signature", saw["own"], "--json").out)["id"] == file.id
        assert state(market, file).usable_from

    @pytest.mark.clients
    @pytest.mark.parametrize("way", [["--from-file", FILE], None], ids=["file", "text"])
    def test_with_what_cast_signed(self, way, new, on_chain, market, cast_program):
        file = new()
        what = way or [Path(FILE).read_text()]
        key = "0x" + market.desk.owner.key.hex()
        ran = subprocess.run(
            [str(cast_program), "wallet", "sign", "--private-key", key, "--data", *what],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert on_chain("lodge", "--signature", ran.stdout.strip()).code == 0
        assert state(market, file).usable_from

    def test_with_what_a_node_signed_as_wallets_ask_it(self, new, on_chain, market):
        file = new()
        signature = market.desk.chain.request("eth_signTypedData_v4", file.mandate.owner, Path(FILE).read_text())
        assert on_chain("lodge", "--signature", signature).code == 0

    def test_is_refused_twice(self, lodged, on_chain):
        lodged()
        on_chain("lodge").is_refused("is lodged already")

    def test_is_refused_with_a_signature_that_is_not_the_owners(self, new, on_chain, market):
        file = new()
        on_chain("lodge", "--signature", _signed(STRANGERS_KEY, file)).is_refused("not that of the owner", "Sign")
        for strange in ("0x", "0x123", "signed", "1234", "0xzz"):
            on_chain("lodge", "--signature", strange).is_refused("--signature is not bytes in hex")

    def test_is_refused_once_it_has_expired_or_was_cancelled(self, new, on_chain, market):
        new(expiry="1h")
        market.desk.travel(3_600)
        on_chain("lodge").is_refused("--expiry", "has passed")
        Path(FILE).unlink()
        new()
        assert "never can be now" in " ".join(on_chain("cancel").out.split())
        on_chain("lodge").is_refused("was cancelled, and can never be lodged")

    @pytest.mark.parametrize(
        ("genesis", "words"),
        [
            (Genesis(chain_id=5), ["is for chain 31337, the node is of chain 5"]),
            (Genesis(), ["There is no contract at", "deploy"]),
        ],
        ids=["another chain", "an empty one"],
    )
    def test_is_refused_where_the_contract_is_not(self, genesis, words, new, command):
        new()
        with LocalChain(genesis) as elsewhere, RpcServer(elsewhere) as server:
            command("mandate", "lodge", FILE, "--rpc", server.url).is_refused(*words)


class TestAnOwnersKey:
    def test_is_read_from_a_file_that_nobody_else_may_read(self, new, on_chain, market):
        desk = market.desk
        desk.chain.send(desk.publisher, STRANGER, b"", value=10**18)
        file = new(owner=STRANGER)
        for text in (STRANGERS_KEY, STRANGERS_KEY[2:] + "\n"):
            assert (
                on_chain(
                    "cancel" if state(market, file).usable_from else "lodge", "--key-file", key_file(text)
                ).code
                == 0
            )
        assert state(market, file).cancelled

    @pytest.mark.parametrize("name", ["lodge", "cancel", "release"])
    def test_is_needed(self, name, new, on_chain):
        new(owner=STRANGER)
        on_chain(name).is_refused(f"No key of the owner {STRANGER}", "--key-file", "PATTERNSETTLE_MNEMONIC")

    def test_of_somebody_else_is_refused(self, new, on_chain, market, monkeypatch):
        new()
        on_chain("lodge", "--key-file", key_file(STRANGERS_KEY)).is_refused(STRANGER, "Give the owner's")
        monkeypatch.setenv("PATTERNSETTLE_MNEMONIC", PHRASE_OF_OTHERS)
        on_chain("lodge").is_refused("No key of the owner")

    @pytest.mark.skipif(os.name != "posix", reason="permissions are told otherwise here")
    def test_that_others_may_read_is_not_used(self, new, on_chain):
        new(owner=STRANGER)
        ended = on_chain("lodge", "--key-file", key_file(STRANGERS_KEY, mode=0o644))
        ended.is_refused("Others may read", "chmod 600")

    @pytest.mark.parametrize("text", ["", "0x12", "00" * 32, "ff" * 32, "ü" * 64, STRANGERS_KEY + "9" * 2_000])
    def test_that_is_none_is_refused_and_never_shown(self, text, new, on_chain):
        new(owner=STRANGER)
        ended = on_chain("lodge", "--key-file", key_file(text))
        ended.is_refused("holds no private key")
        assert not text or text not in ended.err

    def test_that_is_not_there(self, new, on_chain):
        new()
        on_chain("lodge", "--key-file", "nowhere").is_refused("There is no file --key-file nowhere")

    def test_without_anything_to_pay_with_is_told_before_it_is_sent(self, new, on_chain):
        new(owner=STRANGER)
        on_chain("lodge", "--key-file", key_file(STRANGERS_KEY)).is_refused("has nothing on chain")


class TestCancelling:
    def test_ends_a_mandate_once(self, lodged, on_chain, market):
        file = lodged()
        assert on_chain("cancel").code == 0
        assert state(market, file).cancelled
        on_chain("cancel").is_refused("is cancelled already")

    def test_says_that_a_trade_is_still_open(self, lodged, on_chain, market):
        file = lodged()
        opened(market, file)
        assert "Its trade is still open" in " ".join(on_chain("cancel").out.split())
        assert state(market, file).trading


class TestReleasing:
    def test_gives_the_owner_what_the_trade_holds(self, lodged, on_chain, market):
        file = lodged()
        opened(market, file)
        before = market.desk.settlement.balance_of(file.mandate.owner, market.desk.at.base)
        told = json.loads(on_chain("release", "--json").out)
        assert (told["released"], told["token"]) == (str(2 * 10**18), market.desk.at.base)
        assert market.desk.settlement.balance_of(file.mandate.owner, market.desk.at.base) == before + 2 * 10**18
        assert not state(market, file).trading
        on_chain("release").is_refused("has no open trade")

    def test_says_whether_another_may_open(self, lodged, on_chain, market):
        opened(market, lodged())
        said = " ".join(on_chain("release").out.split())
        assert "2 BASE are in the ledger balance" in said
        assert "may open another" in said

    def test_asks_no_token_and_no_oracle(self, lodged, on_chain, market):
        file = lodged(max_price_age="1h")
        opened(market, file)
        market.desk.travel(10**6)
        document = json.loads(Path(FILE).read_text())
        document["patternsettle"]["base"]["decimals"] = 0  # which a command that asks would refuse
        Path(FILE).write_text(json.dumps(document))
        assert on_chain("release").code == 0
        assert not state(market, file).trading

    def test_is_refused_where_nothing_is_open(self, new, lodged, on_chain):
        new()
        on_chain("release").is_refused("has no open trade")


@pytest.mark.parametrize("name", ["lodge", "release", "cancel", "check"])
def test_a_file_that_is_none_is_refused_before_a_node_is_asked(name, command):
    Path("other.json").write_text("{}")
    command("mandate", name, "other.json", "--rpc", "http://127.0.0.1:1").is_refused(
        "other.json: this is not the file"
    )
    command("mandate", name, "nowhere.json").is_refused("There is no file nowhere.json", "mandate new")


def test_the_module_begins_anew_with_the_same_commands(terminal):
    assert terminal.run("mandate", "show", "nowhere", program=MODULE).code == 2


def _signed(key: str, file: MandateFile) -> str:
    from eth_account import Account

    from agent.desk.signing import sign_mandate

    account = Account.from_key(key)
    made = sign_mandate(account, chain_id=file.chain_id, settlement=file.settlement, mandate=file.mandate)
    return "0x" + made.hex()
