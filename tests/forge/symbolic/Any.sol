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
    bool private _silent;
    uint256 private _price;
    uint256 private _updatedAt;

    function price() external view returns (uint256, uint256) {
        require(!_silent);
        return (_price, _updatedAt);
    }
}

/// @notice A source that may vouch or not.
contract AnySource is ISignalSource {
    bool private _willing;

    function vouches(Signal calldata, bytes calldata) external view returns (bool) {
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
/// does in every history. Nothing is assumed of that storage, not even what the contract itself would see to.
abstract contract Any {
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
        vm.warp(svm.createUint(40, "now"));
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

    function open(address caller, Signal memory signal, Fill memory fill) internal returns (uint256) {
        Fill[] memory fills = new Fill[](1);
        fills[0] = fill;
        vm.prank(caller);
        return settlement.open(signal, "", fills);
    }

    function close(address caller, Fill memory fill) internal returns (uint256) {
        Fill[] memory fills = new Fill[](1);
        fills[0] = fill;
        vm.prank(caller);
        return settlement.close(fill.mandate.market, fills);
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
        bool givesQuote = (fill.mandate.side == Side.Long) == opening;
        address gives = givesQuote ? fill.mandate.market.quote : fill.mandate.market.base;
        address takes = givesQuote ? fill.mandate.market.base : fill.mandate.market.quote;
        return Balances({
            ownerGives: settlement.balanceOf(fill.mandate.owner, gives),
            ownerTakes: settlement.balanceOf(fill.mandate.owner, takes),
            fillerGets: settlement.balanceOf(fill.filler, gives),
            fillerPays: settlement.balanceOf(fill.filler, takes)
        });
    }

    /// @dev By exactly the fill's amounts, so that what one loses the other gains; or not at all.
    function assertMoved(Balances memory before, Balances memory now_, Fill memory fill, bool settled) internal pure {
        (uint256 given, uint256 taken) = settled ? (uint256(fill.given), uint256(fill.taken)) : (0, 0);
        unchecked {
            assert(now_.ownerGives == before.ownerGives - given);
            assert(now_.ownerTakes == before.ownerTakes + taken);
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
