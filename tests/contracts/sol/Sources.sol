// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Answers every question with the same bytes.
contract Parrot {
    bytes private _answer;

    constructor(bytes memory answer) {
        _answer = answer;
    }

    fallback(bytes calldata) external returns (bytes memory) {
        return _answer;
    }
}

/// @notice Refuses to answer.
contract Mute {
    error Nothing(string said);

    fallback() external {
        revert Nothing("I would rather not say");
    }
}

/// @notice Agrees, after a write that a question must not make.
contract Scribbler {
    uint256 private _asked;

    fallback(bytes calldata) external returns (bytes memory) {
        _asked += 1;
        return abi.encode(true);
    }
}

/// @notice Agrees, in far more words than anybody asked for.
contract Chatterbox {
    uint256 private immutable WORDS;

    constructor(uint256 words) {
        WORDS = words;
    }

    fallback(bytes calldata) external returns (bytes memory answer) {
        answer = new bytes(WORDS * 32);
        answer[31] = 0x01;
    }
}

/// @notice Takes all the gas that it is given, and answers nothing.
contract Ponderer {
    fallback() external {
        assembly {
            invalid()
        }
    }
}

/// @notice Agrees until it is told to turn; from then on it takes all the gas that it is given.
contract Turncoat {
    bool private _turned;

    function turn() external {
        _turned = true;
    }

    fallback(bytes calldata) external returns (bytes memory) {
        if (_turned) {
            assembly {
                invalid()
            }
        }
        return abi.encode(true);
    }
}
