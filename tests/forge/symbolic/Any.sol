// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IOracle} from "../../../contracts/interfaces/IOracle.sol";
import {Fill, ISettlement, MandateId, Side, Signal} from "../../../contracts/interfaces/ISettlement.sol";
import {ISignalSource} from "../../../contracts/interfaces/ISignalSource.sol";
import {vm} from "../kit/Cheats.sol";

/// @notice The part of Halmos' own cheat codes that is used here.
interface Svm {
    function createBool(string memory name) external pure returns (bool);
    function createUint(uint256 bits, string memory name) external pure returns (uint256);
    function enableSymbolicStorage(address target) external;
}

Svm constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));

/// @notice An oracle that may say anything, or nothing.
contract AnyOracle is IOracle {
    bool public silent;
    uint256 private _price;
    uint256 private _updatedAt;

    function price() external view returns (uint256, uint256) {
        require(!silent);
        return (_price, _updatedAt);
    }
}

/// @notice A source that may vouch or not, or fail.
contract AnySource is ISignalSource {
    bool public silent;
    bool private _willing;

    function vouches(Signal calldata, bytes calldata) external view returns (bool) {
        require(!silent);
        return _willing;
    }
}

/// @dev The balances that a settlement moves, as the owner sees them.
struct Balances {
    uint256 ownerGives;
    uint256 ownerTakes;
    uint256 fillerGets;
    uint256 fillerPays;
}

/// @title Any
/// @notice The contract with any storage whatever, at any time: what one call does from here is what every call
/// does in every history. Of that storage is assumed only what `assumeRoom` says and what a proof says itself.
/// Settlements are called as an outsider calls them, and that the call succeeds is part of each proof.
abstract contract Any {
    /// @dev A deposit lifts no balance above 2**128 - 1, and a fill or a release adds less than 2**128 to any: to come so far
    /// takes 2**64 of them.
    uint256 internal constant ROOM = 2 ** 192;

    ISettlement internal settlement;
    AnyOracle internal oracle;
    AnySource internal source;

    function setUp() public virtual {
        settlement = made();
        oracle = new AnyOracle();
        source = new AnySource();
        svm.enableSymbolicStorage(address(settlement));
        svm.enableSymbolicStorage(address(oracle));
        svm.enableSymbolicStorage(address(source));
        // The second after now has 40 bits, too.
        uint256 now_ = svm.createUint(40, "now");
        vm.assume(now_ < type(uint40).max);
        vm.warp(now_);
    }

    /// @dev The contract as it is shipped.
    function made() internal virtual returns (ISettlement) {
        return ISettlement(deploy("BYTECODE_SETTLEMENT"));
    }

    function deploy(string memory name) internal returns (address deployed) {
        bytes memory code = vm.envBytes(name);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 32), mload(code))
        }
        require(deployed != address(0), "not deployed");
    }

    /// @dev An oracle and a source that may answer anything. Sides are chosen one after the other instead of being left
    /// open: that is as general, and spares the solver all that depends on them.
    function place(Fill memory fill) internal view {
        fill.mandate.market.oracle = oracle;
        fill.mandate.source = source;
        fill.mandate.side = anySide("side");
    }

    function anySide(string memory name) internal pure returns (Side) {
        return svm.createBool(name) ? Side.Long : Side.Short;
    }

    /// @dev Whether it settled. It never reverts, but for want of gas, of which there may be any amount.
    function open(address caller, Signal memory signal, Fill memory fill) internal returns (bool) {
        (address gives,) = tokens(fill, true);
        assumeRoom(fill.filler, gives);
        vm.prank(caller);
        (bool success, bytes memory answer) =
            address(settlement).call(abi.encodeCall(ISettlement.open, (signal, "", alone(fill))));
        if (!success) return assertTooLittleGas(answer, true);
        return abi.decode(answer, (uint256)) == 1;
    }

    /// @dev Whether it settled. It never reverts either, but for want of gas.
    function close(address caller, Fill memory fill) internal returns (bool) {
        (address gives, address takes) = tokens(fill, false);
        assumeRoom(fill.filler, gives);
        assumeRoom(fill.mandate.owner, takes);
        vm.prank(caller);
        (bool success, bytes memory answer) =
            address(settlement).call(abi.encodeCall(ISettlement.close, (fill.mandate.market, alone(fill))));
        if (!success) return assertTooLittleGas(answer, false);
        return abi.decode(answer, (uint256)) == 1;
    }

    /// @dev The one reason for which a settlement may revert, or the question whether it would settle; and only where the oracle
    /// failed or, at the open, the source did.
    function assertTooLittleGas(bytes memory answer, bool opening) internal view returns (bool) {
        assert(bytes4(answer) == ISettlement.TooLittleGas.selector);
        assert(either(oracle.silent(), opening && source.silent()));
        return false;
    }

    function assumeRoom(address account, address token) internal view {
        vm.assume(settlement.balanceOf(account, token) < ROOM);
    }

    function alone(Fill memory fill) internal pure returns (Fill[] memory fills) {
        fills = new Fill[](1);
        fills[0] = fill;
    }

    function idOf(Fill memory fill) internal view returns (MandateId) {
        return settlement.idOf(fill.mandate);
    }

    /// @dev All that is remembered of a mandate.
    function remembered(MandateId id) internal view returns (bytes32) {
        return keccak256(abi.encode(settlement.stateOf(id), settlement.tradeOf(id)));
    }

    function same(MandateId one, MandateId other) internal pure returns (bool) {
        return MandateId.unwrap(one) == MandateId.unwrap(other);
    }

    /// @dev Without a branch, of which each would double the paths.
    function either(bool one, bool other) internal pure returns (bool result) {
        assembly ("memory-safe") {
            result := or(one, other)
        }
    }

    /// @dev The four balances that a settlement moves: the owner's and the filler's, of what the owner gives and takes.
    function four(Fill memory fill, bool opening) internal view returns (Balances memory) {
        (address gives, address takes) = tokens(fill, opening);
        return Balances({
            ownerGives: settlement.balanceOf(fill.mandate.owner, gives),
            ownerTakes: settlement.balanceOf(fill.mandate.owner, takes),
            fillerGets: settlement.balanceOf(fill.filler, gives),
            fillerPays: settlement.balanceOf(fill.filler, takes)
        });
    }

    function tokens(Fill memory fill, bool opening) internal pure returns (address gives, address takes) {
        bool givesQuote = (fill.mandate.side == Side.Long) == opening;
        gives = givesQuote ? fill.mandate.market.quote : fill.mandate.market.base;
        takes = givesQuote ? fill.mandate.market.base : fill.mandate.market.quote;
    }

    /// @dev Three of them by exactly the fill's amounts, or none at all. The fourth is the owner's, of what it takes at the open
    /// and gives back at the close: in its place stands the trade, which holds that.
    function assertMoved(Balances memory before, Balances memory now_, Fill memory fill, bool opening, bool settled)
        internal
        pure
    {
        (uint256 given, uint256 taken) = settled ? (uint256(fill.given), uint256(fill.taken)) : (0, 0);
        unchecked {
            assert(now_.ownerGives == before.ownerGives - (opening ? given : 0));
            assert(now_.ownerTakes == before.ownerTakes + (opening ? 0 : taken));
            assert(now_.fillerGets == before.fillerGets + given);
            assert(now_.fillerPays == before.fillerPays - taken);
        }
    }

    /// @dev Somebody else, or something else.
    function assumeElsewhere(Fill memory fill, address account, address token) internal pure {
        if (svm.createBool("somebody else")) {
            vm.assume(account != fill.mandate.owner);
            vm.assume(account != fill.filler);
        } else {
            vm.assume(token != fill.mandate.market.base);
            vm.assume(token != fill.mandate.market.quote);
        }
    }

    /// @dev No mandate of one token for itself can be created, and nobody fills their own: both are seen to by the contract,
    /// and are proved apart from this.
    function assumeApart(Fill memory fill) internal pure {
        vm.assume(fill.mandate.market.base != fill.mandate.market.quote);
        vm.assume(fill.mandate.owner != fill.filler);
    }
}
