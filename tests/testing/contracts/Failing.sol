// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

library Percent {
    error TooMuch(uint256 percent);

    function share(uint256 percent, uint256 amount) internal pure returns (uint256) {
        if (percent > 100) revert TooMuch(percent); // in a library
        return (amount * percent) / 100;
    }
}

contract Inner {
    error Closed(address who);

    function enter(bool open) external view {
        if (!open) revert Closed(msg.sender); // in another contract
    }

    function waste() external view {
        while (gasleft() > 0) {} // in a loop
    }
}

/// @notice Fails in every way, each at a line that says so.
contract Failing {
    error Small(uint256 given, uint256 least);
    error Same();

    uint256 public immutable least;
    uint256 public last;
    uint256[] private list;
    Inner private immutable inner = new Inner();

    constructor(uint256 least_) {
        require(least_ > 0, "least is zero"); // in the constructor
        least = least_;
    }

    function customError(uint256 given) external {
        last = given;
        if (given < least) {
            revert Small({given: given, least: least}); // custom error
        }
    }

    function requireString(uint256 given) external {
        last = given;
        require( // require string
            given > 10,
            "ten or less"
        );
    }

    function requireSame(uint256 given) external {
        last = given;
        require(given != 1, Same()); // first of two
        require(given != 2, Same()); // second of two
    }

    function overflow(uint256 given) external {
        last = given;
        uint256 more = last + type(uint256).max; // panic
        last = more;
    }

    function outOfGas() external {
        for (uint256 i = 0;; ++i) {
            list.push(i); // out of gas
        }
    }

    function throughLibrary(uint256 percent) external {
        last = Percent.share(percent, last); // calls a library
    }

    function throughCall(bool open) external view {
        inner.enter(open); // calls a contract
    }

    function throughWaste() external view {
        inner.waste{gas: 30_000}(); // wastes a little
    }

    function caught() external view {
        try inner.enter(false) {}
        catch {
            revert("caught"); // after a catch
        }
    }

    function get(uint256 index) external view returns (uint256) {
        return list[index]; // in a view
    }

    function small(uint8 given) external {
        last = given;
    }

    function noEther() external {
        last = 1;
    }
}
