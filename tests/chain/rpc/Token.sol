// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice A plain ERC-20, and a function for each way in which a call can end.
contract Token {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error InsufficientBalance(address owner, uint256 balance, uint256 needed);

    string public constant name = "Test Token";
    string public constant symbol = "TEST";
    uint8 public constant decimals = 18;

    uint256 public immutable totalSupply;
    mapping(address owner => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    uint256[] private filled;

    constructor(uint256 supply) {
        totalSupply = supply;
        balanceOf[msg.sender] = supply;
        emit Transfer(address(0), msg.sender, supply);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        allowance[from][msg.sender] -= value;
        move(from, to, value);
        return true;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function move(address from, address to, uint256 value) private {
        uint256 balance = balanceOf[from];
        require(balance >= value, InsufficientBalance(from, balance, value));
        unchecked {
            balanceOf[from] = balance - value;
            balanceOf[to] += value;
        }
        emit Transfer(from, to, value);
    }

    function giveReason() external pure {
        revert("the reason");
    }

    function giveNothing() external pure {
        // solhint-disable-next-line reason-string
        revert();
    }

    function divide(uint256 a, uint256 b) external pure returns (uint256) {
        return a / b;
    }

    function burn() external {
        while (true) filled.push(block.timestamp);
    }

    function fill(uint256 count) external {
        for (uint256 i = 0; i < count; i++) {
            filled.push(i + 1);
        }
    }

    function clear() external {
        delete filled;
    }

    function height() external view returns (uint256 time, uint256 number) {
        return (block.timestamp, block.number);
    }

    function onlyAt(uint256 time) external {
        require(block.timestamp == time, "not now");
        filled.push(time);
    }

    /// @notice Calls itself as deeply as the gas allows, and returns how deep that was.
    function dive(uint256 depth) external view returns (uint256) {
        (bool went, bytes memory answer) = address(this).staticcall(abi.encodeCall(this.dive, (depth + 1)));
        return went ? abi.decode(answer, (uint256)) : depth;
    }

    /// @notice Needs more gas than it uses: the inner call gets all but a 64th part, and must succeed.
    function nest(uint256 levels) external {
        if (levels == 0) filled.push(1);
        else this.nest(levels - 1);
    }

    function caller() external view returns (address sender, uint256 price) {
        return (msg.sender, tx.gasprice);
    }

    receive() external payable {}
}
