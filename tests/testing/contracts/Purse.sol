// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @notice Something of everything a test may meet: structs, overloads, ether, indexed text, unnamed values.
contract Purse {
    struct Note {
        address to;
        uint128 amount;
        string memo;
        uint8[] tags;
    }

    enum Mood {
        Calm,
        Cross
    }

    string public name;
    address public immutable owner;
    uint256 public paid;
    address[] private callers;
    Note[] private notes;
    mapping(address => uint256) public balanceOf;

    event Paid(address indexed from, uint256 amount);
    event Noted(string indexed memo, bytes32 indexed tag, Note note);
    event Called(address[] callers);

    error Poor(address who, uint256 has, uint256 needs);
    error Odd(uint256, address);

    constructor(string memory name_) payable {
        require(bytes(name_).length > 0, "a purse needs a name");
        name = name_;
        owner = msg.sender;
    }

    receive() external payable {
        _credit(msg.sender, msg.value);
    }

    function pay() external payable {
        _credit(msg.sender, msg.value);
    }

    function take(uint256 amount) external {
        if (amount > balanceOf[msg.sender]) {
            revert Poor(msg.sender, balanceOf[msg.sender], amount);
        }
        balanceOf[msg.sender] -= amount;
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok, "not taken");
    }

    function write(Note calldata note) external {
        notes.push(note);
        emit Noted(note.memo, bytes32("tag"), note);
    }

    function read(uint256 index) external view returns (Note memory) {
        return notes[index];
    }

    function all() external view returns (Note[] memory) {
        return notes;
    }

    function call(address other) external {
        callers.push(msg.sender);
        callers.push(other);
        emit Called(callers);
    }

    function set(uint256 amount) external {
        paid = amount;
    }

    function set(address who) external {
        paid = uint160(who);
    }

    function set(uint256 amount, Mood mood) external {
        paid = amount + uint8(mood);
    }

    function add(uint256 amount) external {
        paid += amount;
    }

    function add(int256 amount) external {
        paid += uint256(amount);
    }

    function state() external view returns (uint256 total, address last, address[] memory) {
        return (paid, callers.length == 0 ? address(0) : callers[callers.length - 1], callers);
    }

    function who() external view returns (address) {
        return msg.sender;
    }

    function odd() external view {
        revert Odd(7, msg.sender);
    }

    function hash(bytes32 word, bytes calldata data) external pure returns (bytes32) {
        return keccak256(abi.encode(word, data));
    }

    function _credit(address from, uint256 amount) private {
        paid += amount;
        balanceOf[from] += amount;
        emit Paid(from, amount);
    }
}

abstract contract Unfinished {
    function finish() external virtual;
}
