// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A token that anyone may mint.
contract FreeToken is ERC20 {
    constructor() ERC20("Hostile", "HOST") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice Keeps one part in a hundred of every transfer.
contract FeeToken is FreeToken {
    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : value / 100;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(0), fee);
    }
}

/// @notice Adds a gift to every transfer.
contract GenerousToken is FreeToken {
    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        _mint(to, 7);
        return super.transferFrom(from, to, value);
    }
}

/// @notice Moves nothing and says so by returning false, instead of reverting.
contract FalseToken is FreeToken {
    function transfer(address, uint256) public pure override returns (bool) {
        return false;
    }

    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @notice Works until it is told not to; from then on it answers false.
contract ParalysedToken is FreeToken {
    bool private _paralysed;

    function paralyse() external {
        _paralysed = true;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        return _paralysed ? false : super.transfer(to, value);
    }
}

/// @notice Claims to have moved what it did not.
contract LyingToken is FreeToken {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return true;
    }
}

/// @notice Reports whatever balance it likes, and more of it with each transfer that it only claims.
contract BoastfulToken is FreeToken {
    uint256 private _shown;

    function show(uint256 amount) external {
        _shown = amount;
    }

    function balanceOf(address) public view override returns (uint256) {
        return _shown;
    }

    function transferFrom(address, address, uint256 value) public override returns (bool) {
        _shown += value;
        return true;
    }

    function nonces(address) external pure returns (uint256) {
        return 0;
    }

    function permit(address, address, uint256, uint256, uint8, bytes32, bytes32) external {}
}

/// @notice Calls back whoever it is told to, in the middle of each transfer.
contract ReentrantToken is FreeToken {
    address private _target;
    bytes private _data;

    /// @notice Whether the last call back succeeded.
    bool public succeeded;

    /// @notice What the last call back answered.
    bytes public answer;

    function arm(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (_target != address(0)) (succeeded, answer) = _target.call(_data);
    }
}

/// @notice Returns nothing from its transfers, as some old and large tokens do.
contract SilentToken {
    mapping(address account => uint256) public balanceOf;
    mapping(address account => mapping(address spender => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice A token that answers every call it does not know, as wrapped ether does: a permit seems to have been accepted.
contract PhantomPermitToken is FreeToken {
    fallback() external {
        uint256 zero = 0;
        assembly {
            mstore(0, zero)
            return(0, 32)
        }
    }
}
