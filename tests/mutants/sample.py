"""A source with an opportunity for every mistake, and the mistakes that are to be made in it."""

from __future__ import annotations

HEAD = """\
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "./Math.sol";

/// @notice Where 1 < 2 && true, 3 + 4 is not 5.
contract Sample {
    enum Reason { None, Early, Late }
    event Moved(address indexed from, address to, uint256 amount);
    error Small(uint256 least);

    mapping(address => mapping(address => uint256)) private _held;
    uint256 private _total;
    uint256 private constant LIMIT = type(uint128).max;

    modifier guarded() { _; }
"""
MATH = """\
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

library Math {
    enum Rounding { Floor, Ceil }
    function mulDiv(uint256 a, uint256 b, uint256 c) internal pure returns (uint256) { return a * b / c; }
    function mulDiv(uint256 a, uint256 b, uint256 c, Rounding) internal pure returns (uint256) { return a * b / c; }
}
"""

# Of each function: its text, and by kind all that its mutants are to say instead. Other kinds are not looked at.
FUNCTIONS: dict[str, tuple[str, dict[str, set[str]]]] = {
    "ordered": (
        "(uint256 a, uint256 b) external pure returns (bool) { return a /* < */ < b; } // a <= 5",
        {
            "comparison": {"a /* < */ <= b", "a /* < */ >= b", "a /* < */ != b"},
            "removed statement": {"(nothing)"},
            "constant": set(),
        },
    ),
    "same": (
        "(uint256 a, uint256 b, address c) external pure returns (bool x) { x = a == b; x = a != 0; x = c == c; }",
        {"comparison": {"a != b", "a <= b", "a >= b", "a == 0", "c != c"}},
    ),
    "logical": (
        "(bool a, bool b) external pure returns (bool) { return a && !b; }",
        {"logic": {"(a || !b)", "a", "!b", "b"}},
    ),
    "asked": (
        "(bool a) external { if (a) _total = 1; else _total = 2; _total = a ? 3 : 4; }",
        {
            "condition": {"if (true)", "if (false)", "true ? 3 : 4", "false ? 3 : 4"},
            "swapped branches": {"a ? 4 : 3"},
            "removed check": set(),
        },
    ),
    "looped": (
        "() external { for (uint256 i; i < 2; ++i) { _total = 7; } }",
        # A loop without an end is no mistake that could be missed.
        {
            "condition": {"for (uint256 i; false; ++i)"},
            "arithmetic": {"--i"},
            "removed statement": {"(nothing)"},
        },
    ),
    "counted": (
        "(uint256 a, int256 b) external { _total += a * 2; _total--; b = -b; a = a - 1 & 7; }",
        {
            "arithmetic": {
                "_total -= a * 2",
                "_total = a * 2",
                "a / 2",
                "_total++",
                "b",
                "a + 1",
                "a - 1 | 7",
            },
        },
    ),
    "literal": (
        "(bytes32[2] calldata) external returns (bool) { _total = 2_000; _total = 1e4; _total = 0; return true; }",
        {
            "constant": {
                *(f"_total = {value}" for value in ("2001", "1999", "0", "(1e4 + 1)", "(1e4 - 1)", "1")),
                "return false",
            },
        },
    ),
    "judged": (
        "(bool a) external pure returns (Reason) { if (a) return Reason.Late; return Reason.None; }",
        {
            "enum member": {"return Reason.Early"},
            "removed check": {"(nothing)"},
            "condition": {"if (true)"},
            "early return": {"return Reason.None;"},
            "removed statement": {"(nothing)"},
        },
    ),
    "judgedTwice": (
        "() external pure returns (Reason one, Reason) { return (one, Reason.Late); }",
        {"early return": {"return (Reason.None, Reason.None);"}},
    ),
    "rounded": (
        "(uint256 a, uint256 b) external pure returns (uint256) {"
        " return Math.mulDiv(a, b, 3) + Math.mulDiv(b, a, 3, Math.Rounding.Ceil); }",
        {
            "rounding": {
                "Math.mulDiv(a, b, 3, Math.Rounding.Ceil)",
                "return Math.mulDiv(a, b, 3) + Math.mulDiv(b, a, 3, Math.Rounding.Floor)",
            },
            # The factors of a product may change places.
            "swapped arguments": set(),
            "enum member": set(),
        },
    ),
    "checked": (
        '(uint256 a) external pure { require(a > 9, Small(9)); require(a > 8, "8 < 9 - 1"); if (a == 5) { revert Small(a); } }',
        {"removed check": {"(nothing)"}, "removed statement": set(), "early return": set()},
    ),
    "moved": (
        "(address a, address payable b, bool c, bool d) external guarded {"
        " emit Moved(a, b, _held[a][b]); (address x, address y) = c ? (a, a) : (b, a); this.logical(c, d); }",
        {
            "swapped arguments": {
                "Moved(b, a, _held[a][b])",
                "_held[b][a]",
                "(address y, address x) = c ? (a, a) : (b, a)",
                "(a, b)",
                "this.logical(d, c)",
            },
            "removed statement": {"(nothing)"},
            "removed modifier": {""},
        },
    ),
    "tried": (
        "() external { try this.declared(1) {} catch {} }",
        {"removed statement": {"(nothing)"}},
    ),
    "declared": (
        "(uint256 a) external { uint256 b = a; _total = b; }",
        {"removed statement": {"uint256 b", "(nothing)"}},
    ),
}


def sample(functions: dict[str, str] | None = None) -> str:
    functions = functions or {name: text for name, (text, _) in FUNCTIONS.items()}
    return "\n".join([HEAD, *(f"    function {name}{text}" for name, text in functions.items()), "}\n"])
