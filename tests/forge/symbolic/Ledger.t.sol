// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISettlement, Mandate, MandateId, MandateState} from "../../../contracts/interfaces/ISettlement.sol";
import {vm} from "../kit/Cheats.sol";
import {Any, svm} from "./Any.sol";

/// @notice An ERC-20 token that keeps to the standard, of any balances and allowances. It takes any permit, or none.
contract AnyToken {
    mapping(address account => uint256) public balanceOf;
    mapping(address account => mapping(address spender => uint256)) public allowance;
    mapping(address owner => uint256) public nonces;
    bool private _permits;

    function permit(address owner, address spender, uint256 amount, uint256, uint8, bytes32, bytes32) external {
        require(_permits);
        nonces[owner] += 1;
        allowance[owner][spender] = amount;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        return true;
    }
}

/// @notice What everything but settlements does to balances, mandates and leaves, from any state.
contract LedgerProof is Any {
    AnyToken private _token;

    function setUp() public override {
        super.setUp();
        _token = new AnyToken();
        svm.enableSymbolicStorage(address(_token));
    }

    function check_withdrawing_ones_own_balance_always_succeeds(address caller, uint256 amount, address receiver)
        external
    {
        uint256 balance = settlement.balanceOf(caller, address(_token));
        uint256 held = _token.balanceOf(address(settlement));
        uint256 before = _token.balanceOf(receiver);
        vm.assume(amount <= balance);
        // The token holds what the ledger owes, and no balance of it exceeds 256 bits.
        vm.assume(amount <= held && before <= type(uint256).max - amount && receiver != address(settlement));
        vm.prank(caller);
        (bool success,) =
            address(settlement).call(abi.encodeCall(ISettlement.withdraw, (address(_token), amount, receiver)));
        assert(success);
        assert(settlement.balanceOf(caller, address(_token)) == balance - amount);
        assert(_token.balanceOf(receiver) == before + amount);
        assert(_token.balanceOf(address(settlement)) == held - amount);
    }

    function check_withdrawing_more_than_ones_own_balance_never_succeeds(
        address caller,
        address token,
        uint256 amount,
        address receiver
    ) external {
        vm.assume(amount > settlement.balanceOf(caller, token));
        vm.prank(caller);
        (bool success,) = address(settlement).call(abi.encodeCall(ISettlement.withdraw, (token, amount, receiver)));
        assert(!success);
    }

    function check_withdraw_lowers_nobody_elses_balance(
        address caller,
        uint256 amount,
        address receiver,
        address account,
        address token
    ) external {
        uint256 before = settlement.balanceOf(account, token);
        vm.prank(caller);
        settlement.withdraw(address(_token), amount, receiver);
        bool own = account == caller && token == address(_token);
        assert(settlement.balanceOf(account, token) == (own ? before - amount : before));
    }

    function check_deposit_credits_what_arrived_and_lowers_nobodys_balance(
        address caller,
        uint256 amount,
        address onBehalf,
        address account,
        address token
    ) external {
        uint256 before = settlement.balanceOf(account, token);
        uint256 held = _token.balanceOf(address(settlement));
        vm.prank(caller);
        uint256 credited = settlement.deposit(address(_token), amount, onBehalf);
        assert(credited == _token.balanceOf(address(settlement)) - held);
        assert(credited <= amount);
        bool own = account == onBehalf && token == address(_token);
        assert(settlement.balanceOf(account, token) == (own ? before + credited : before));
    }

    function check_a_permit_deposits_its_owners_tokens_for_its_owner_and_is_used_up_unless_the_owner_calls(
        address caller,
        uint256 amount,
        address owner,
        address account,
        address token
    ) external {
        uint256 before = settlement.balanceOf(account, token);
        uint256 nonce = _token.nonces(owner);
        uint256 had = _token.balanceOf(owner);
        vm.assume(owner != address(settlement));
        vm.prank(caller);
        uint256 credited = settlement.depositWithPermit(address(_token), amount, owner, 0, 0, 0, 0);
        assert(caller == owner || _token.nonces(owner) == nonce + 1);
        assert(credited == amount && _token.balanceOf(owner) == had - amount);
        bool own = account == owner && token == address(_token);
        assert(settlement.balanceOf(account, token) == (own ? before + credited : before));
    }

    function check_authorize_changes_one_leave_of_the_callers_own(
        address caller,
        address operator,
        bool allowed,
        address account,
        address other
    ) external {
        bool before = settlement.isAuthorized(account, other);
        vm.prank(caller);
        settlement.authorize(operator, allowed);
        bool own = account == caller && other == operator;
        assert(settlement.isAuthorized(account, other) == (own ? allowed : before));
    }

    function check_authorize_create_and_cancel_change_no_balance(
        address caller,
        uint8 what,
        Mandate memory mandate,
        address account,
        address token
    ) external {
        mandate.side = anySide("side");
        uint256 before = settlement.balanceOf(account, token);
        vm.prank(caller);
        if (what == 0) settlement.authorize(account, true);
        else if (what == 1) settlement.create(mandate);
        else settlement.cancel(mandate);
        assert(settlement.balanceOf(account, token) == before);
    }

    function check_only_its_owner_creates_a_mandate_and_only_once(address caller, Mandate memory mandate, MandateId id)
        external
    {
        mandate.side = anySide("side");
        MandateId own = settlement.idOf(mandate);
        MandateState memory state = settlement.stateOf(own);
        bytes32 before = remembered(id);
        vm.prank(caller);
        settlement.create(mandate);
        assert(caller == mandate.owner && state.usedUntil == 0 && !state.cancelled);
        assert(settlement.stateOf(own).usedUntil == uint40(block.timestamp - 1));
        assert(same(id, own) || remembered(id) == before);
    }

    function check_only_its_owner_cancels_a_mandate_and_for_good(address caller, Mandate memory mandate, MandateId id)
        external
    {
        mandate.side = anySide("side");
        MandateId own = settlement.idOf(mandate);
        bytes32 before = remembered(id);
        vm.prank(caller);
        settlement.cancel(mandate);
        assert(caller == mandate.owner);
        assert(settlement.stateOf(own).cancelled);
        assert(same(id, own) || remembered(id) == before);
    }

    /// @dev Have counterexamples: what the proofs above say, they say of something.
    function reach_a_withdrawal(address caller, uint256 amount) external {
        vm.prank(caller);
        settlement.withdraw(address(_token), amount, caller);
        assert(amount == 0);
    }

    function reach_a_deposit(address caller, uint256 amount) external {
        vm.prank(caller);
        assert(settlement.deposit(address(_token), amount, caller) == 0);
    }

    function reach_a_deposit_with_a_permit(address caller, uint256 amount, address owner) external {
        vm.assume(caller != owner);
        vm.prank(caller);
        assert(settlement.depositWithPermit(address(_token), amount, owner, 0, 0, 0, 0) == 0);
    }

    function reach_a_creation(address caller, Mandate memory mandate) external {
        mandate.side = anySide("side");
        vm.prank(caller);
        settlement.create(mandate);
        assert(false);
    }
}
