// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ISettlement, MandateId, MandateState, Trade} from "interfaces/ISettlement.sol";

/// @notice A token that anyone may mint and that changes its ways: each is one by which a token can surprise a ledger.
contract ChameleonToken is ERC20Permit {
    enum Mood {
        Honest,
        TakesFee,
        GivesMore,
        AnswersFalse,
        Lies,
        Shuns,
        CallsBack,
        Invents
    }

    /// @notice One party of the transfer is shunned.
    error Shunned(address account);

    Mood private _mood;
    address private _shunned;
    address private _target;
    bytes private _data;
    mapping(address holder => uint256) private _invented;

    /// @notice Whether the last call back succeeded.
    bool public succeeded;

    constructor() ERC20("Chameleon", "CHAM") ERC20Permit("Chameleon") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice Lets the balance of a holder shrink, as a rebasing token does.
    function shrink(address holder, uint256 amount) external {
        _burn(holder, amount);
    }

    /// @notice Approves a spender in the token's own name, so that it can be a depositor.
    function approveAsHolder(address spender) external {
        _approve(address(this), spender, type(uint256).max);
    }

    function become(Mood mood, address shunned, address target, bytes calldata data) external {
        (_mood, _shunned, _target, _data, succeeded) = (mood, shunned, target, data, false);
    }

    /// @notice What a holder has, and on top of that what was invented for it, which nobody can ever move.
    function balanceOf(address holder) public view override returns (uint256) {
        return Math.saturatingAdd(super.balanceOf(holder), _invented[holder]);
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        if (_mood == Mood.AnswersFalse) return false;
        return _mood == Mood.Lies || super.transfer(to, value);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        if (_mood == Mood.AnswersFalse) return false;
        if (_mood == Mood.Invents) _invented[to] = Math.saturatingAdd(_invented[to], value);
        return _mood == Mood.Lies || _mood == Mood.Invents || super.transferFrom(from, to, value);
    }

    function _update(address from, address to, uint256 value) internal override {
        bool moves = from != address(0) && to != address(0);
        if (moves && _mood == Mood.Shuns && (from == _shunned || to == _shunned)) revert Shunned(_shunned);
        super._update(from, to, value);
        if (!moves) return;
        if (_mood == Mood.TakesFee) super._update(to, address(0), value / 100);
        if (_mood == Mood.GivesMore) super._update(address(0), to, 7);
        if (_mood == Mood.CallsBack) (succeeded,) = _target.call(_data);
    }
}

/// @notice An oracle or a source that answers whatever it was last told to, or nothing, or burns all its gas. Whoever had an answer and asks again in
/// the same transaction hears otherwise: yes in place of anything else, and no in place of yes.
contract Puppet {
    bytes private _answer;
    bool private _mute;
    bool private _burning;
    uint256 private _nothing; // a slot that costs less to read once it was read

    function say(bytes calldata answer, bool mute) external {
        (_answer, _mute, _burning) = (answer, mute, false);
    }

    function burn() external {
        (_mute, _burning) = (false, true);
    }

    fallback(bytes calldata) external returns (bytes memory) {
        if (_wasAsked()) return abi.encode(keccak256(_answer) != keccak256(abi.encode(true)));
        require(!_mute);
        if (_burning) _burn();
        return _answer;
    }

    function _burn() private pure {
        assembly ("memory-safe") {
            invalid()
        }
    }

    /// @dev A question may write nothing down, so it remembers by what reading costs. What failed is forgotten.
    function _wasAsked() private view returns (bool asked) {
        assembly ("memory-safe") {
            let before := gas()
            let nothing := sload(_nothing.slot)
            asked := lt(sub(before, gas()), add(1000, nothing))
        }
    }
}

/// @notice A contract for which one key signs (ERC-1271).
contract KeyedWallet is IERC1271 {
    address private immutable KEY;

    constructor(address key) {
        KEY = key;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecoverCalldata(hash, signature);
        return signer == KEY ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @notice Reads many values in one call.
contract Auditor {
    /// @notice What somebody answers who is asked the same twice.
    function twice(address whom, bytes calldata question) external view returns (bytes memory one, bytes memory other) {
        (, one) = whom.staticcall(question);
        (, other) = whom.staticcall(question);
    }

    /// @notice All ledger balances, those of the first account first.
    function balances(ISettlement settlement, address[] calldata accounts, address[] calldata tokens)
        external
        view
        returns (uint256[] memory found)
    {
        found = new uint256[](accounts.length * tokens.length);
        for (uint256 i; i < found.length; ++i) {
            found[i] = settlement.balanceOf(accounts[i / tokens.length], tokens[i % tokens.length]);
        }
    }

    /// @notice Who has authorised whom, the first account's operators first.
    function authorizations(ISettlement settlement, address[] calldata accounts)
        external
        view
        returns (bool[] memory found)
    {
        found = new bool[](accounts.length * accounts.length);
        for (uint256 i; i < found.length; ++i) {
            found[i] = settlement.isAuthorized(accounts[i / accounts.length], accounts[i % accounts.length]);
        }
    }

    /// @notice What is remembered of each mandate.
    function mandates(ISettlement settlement, MandateId[] calldata ids)
        external
        view
        returns (MandateState[] memory states, Trade[] memory trades)
    {
        (states, trades) = (new MandateState[](ids.length), new Trade[](ids.length));
        for (uint256 i; i < ids.length; ++i) {
            (states[i], trades[i]) = (settlement.stateOf(ids[i]), settlement.tradeOf(ids[i]));
        }
    }

    /// @notice What each account holds of a token outside of the ledger, and lets a spender take.
    function wallets(ERC20 token, address[] calldata accounts, address spender)
        external
        view
        returns (uint256[] memory held, uint256[] memory allowed)
    {
        (held, allowed) = (new uint256[](accounts.length), new uint256[](accounts.length));
        for (uint256 i; i < accounts.length; ++i) {
            (held[i], allowed[i]) = (token.balanceOf(accounts[i]), token.allowance(accounts[i], spender));
        }
    }
}
