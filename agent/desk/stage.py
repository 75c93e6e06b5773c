"""Setting the stage on a local market: the model registered, deposits made, mandates created, the operator authorised."""

from __future__ import annotations

from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from agent.chain.accounts import Accounts
from agent.chain.client import Chain
from agent.chain.contracts import ModelsContract, SettlementContract, TokenContract
from agent.chain.deploy import Deployment
from agent.chain.values import ANYONE, BPS, LEAST_AMOUNT, PRICE_SCALE, Mandate, Side
from agent.desk.loop import Terms
from agent.errors import DeskError
from agent.model.labels import Barriers, least_barrier_bps
from agent.model.patterns import mask_of

EXPIRY = 4_102_444_800  # 2100-01-01: a replay's clock may run ahead of the data's by decades
# Deposits, in multiples of a trade's size. An owner cannot lose more than that: it is two trades of the largest amount at
# once, as while a model is being swapped, and what their mandates may lose before they stop.
OWNER_TRADES = 6
FILLER_TRADES = 100
MOST_SIZES = 2  # of a trade; at least it is half of one
LARGEST_AMOUNT = 2**128 - 1


@dataclass(frozen=True)
class Stage:
    """Who trades with whom, under which model.

    Attributes
    ----------
    model_id
        The id under which the model is registered on chain.
    mandates
        The owners' standing instructions.
    """

    model_id: bytes
    mandates: tuple[Mandate, ...]


@dataclass(frozen=True)
class Temper:
    """What sets one owner of the demo apart from another.

    Attributes
    ----------
    patterns
        Names of the accepted patterns; none accepts any.
    more_confidence_bps
        What the owner asks for on top of the model's own threshold.
    drawdown_limit_bps
        Drawdown limit, as a share of one trade's size, in basis points.
    cooldown_bars
        Bars to wait after a trade.
    ramp
        Seconds after the bar's close over which the accepted slippage grows, where bars are long enough.
    agrees
        Whether the owner agrees beforehand to be moved to any model that is swapped in.
    """

    patterns: tuple[str, ...]
    more_confidence_bps: int
    drawdown_limit_bps: int
    cooldown_bars: int
    ramp: int = 0
    agrees: bool = False


# Two owners on purpose: one takes what comes, the other shows what criteria are for.
BOLD = Temper(patterns=(), more_confidence_bps=0, drawdown_limit_bps=10_000, cooldown_bars=0, agrees=True)
CAREFUL = Temper(
    patterns=("breakout_up", "breakout_down", "double_bottom", "double_top"),
    more_confidence_bps=300,
    drawdown_limit_bps=500,
    cooldown_bars=3,
    ramp=30,
)
TEMPERS = (BOLD, CAREFUL)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the demo's mandates are made from.

    Attributes
    ----------
    artifact_hash
        Hash of the model's artifact, 32 bytes.
    threshold_bps
        The model's own confidence threshold.
    barriers
        The barriers that the model was trained on.
    interval
        Seconds of a bar.
    settling
        Seconds by which the horizon is shortened, so that a trade that opened a little into its bar can still close
        at the open of the bar in which its horizon ends.
    terms
        Size and spread.
    drift_bps
        What the price may move between an offer and its settlement, beside the spread.
    price
        A price of the market, scaled by 1e36, to size the base side by.

    Raises
    ------
    DeskError
        Where the contract would lodge no mandate that accepts the spread, because that reaches a barrier.
    """

    artifact_hash: bytes
    threshold_bps: int
    barriers: Barriers
    interval: int
    settling: int
    terms: Terms
    drift_bps: int
    price: int

    def __post_init__(self) -> None:
        spread, barriers = self.terms.spread_bps, self.barriers
        if spread > barriers.most_slippage_bps:
            raise DeskError(
                f"A spread of {spread} bps reaches a take-profit of {barriers.take_profit_bps} bps or a stop-loss of "
                f"{barriers.stop_loss_bps} bps, so that no mandate can accept it.",
                cure=f"Let the desk keep at most {barriers.most_slippage_bps} bps, or choose a model whose barriers are at "
                f"least {least_barrier_bps(spread)} bps away.",
            )

    @property
    def slippage_bps(self) -> int:
        """How much less than the oracle price the owners accept, in basis points: spread and drift, as far as that is sound."""
        return min(self.terms.spread_bps + self.drift_bps, self.barriers.most_slippage_bps)

    def size(self, side: Side) -> int:
        """Worth of one trade in the smallest unit of the token that this side gives."""
        return self.terms.size if side is Side.LONG else self.terms.size * PRICE_SCALE // self.price


def set_stage(chain: Chain, deployment: Deployment, accounts: Accounts, plan: Plan) -> Stage:
    """Register the model, deposit for owners and filler, authorise the operator and create the mandates.

    Owners hold demo tokens already. Running it again on the same chain makes new mandates.

    Raises
    ------
    ChainError
        Where the contracts are not there, or the oracle prices other tokens than the market's; then nothing was sent.
    """
    deployment.check(chain)
    model_id = _register(chain, deployment, accounts, plan.artifact_hash)
    settlement = SettlementContract(chain, deployment.settlement)
    salt = chain.block_number.to_bytes(32, "big")
    _deposit(chain, deployment, accounts.filler, plan, trades=FILLER_TRADES)
    settlement.authorize(accounts.filler, accounts.operator.address)
    mandates = []
    for owner, temper in zip(accounts.owners, TEMPERS, strict=True):
        _deposit(chain, deployment, owner, plan, trades=OWNER_TRADES)
        for side in Side:
            mandate = mandate_of(
                owner.address, temper, side, deployment=deployment, model_id=model_id, plan=plan, salt=salt
            )
            settlement.create(owner, mandate)
            mandates.append(mandate)
    return Stage(model_id, tuple(mandates))


def mandate_of(
    owner: str, temper: Temper, side: Side, *, deployment: Deployment, model_id: bytes, plan: Plan, salt: bytes
) -> Mandate:
    """Return an owner's mandate for one side, with the barriers that the model was trained on."""
    size = plan.size(side)
    return Mandate(
        owner=owner,
        filler=ANYONE,
        market=deployment.market,
        source=deployment.models,
        model=model_id,
        side=side,
        patterns=mask_of(temper.patterns),
        min_confidence_bps=min(BPS, plan.threshold_bps + temper.more_confidence_bps),
        max_slippage_bps=plan.slippage_bps,
        ramp=min(temper.ramp, plan.settling // 2),
        take_profit_bps=plan.barriers.take_profit_bps,
        stop_loss_bps=plan.barriers.stop_loss_bps,
        horizon=plan.barriers.horizon * plan.interval - plan.settling,
        cooldown=temper.cooldown_bars * plan.interval,
        max_signal_age=plan.interval,
        max_price_age=plan.interval,
        min_amount=max(1, size // 2),
        max_amount=min(max(MOST_SIZES * size, LEAST_AMOUNT), LARGEST_AMOUNT),
        min_price=0,
        max_price=0,
        drawdown_limit=max(1, size * temper.drawdown_limit_bps // BPS),
        expiry=EXPIRY,
        salt=salt,
    )


def _register(chain: Chain, deployment: Deployment, accounts: Accounts, artifact_hash: bytes) -> bytes:
    registry = ModelsContract(chain, deployment.models)
    publisher, key = accounts.operator.address, accounts.model_key.address
    model_id = registry.id_of(publisher, key, artifact_hash)
    registered, _, revoked = registry.model_of(model_id)
    if revoked:
        raise DeskError(
            f"The model 0x{model_id.hex()} was revoked on this chain.", cure="Train or choose another."
        )
    if int(registered, 16) == 0:
        registry.register(accounts.operator, artifact_hash, key)
    return model_id


def _deposit(chain: Chain, deployment: Deployment, account: LocalAccount, plan: Plan, *, trades: int) -> None:
    settlement = SettlementContract(chain, deployment.settlement)
    for token, side in ((deployment.quote, Side.LONG), (deployment.base, Side.SHORT)):
        amount = plan.size(side) * trades
        TokenContract(chain, token).approve(account, deployment.settlement, amount)
        settlement.deposit(account, token, amount)
