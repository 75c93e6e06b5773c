"""What a swap does on chain: a model registered under a key of its own, owners' mandates created, a model revoked.

Each transaction is journalled before it is sent. Doing something again that was done before does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from agent.chain.accounts import Accounts, key_for
from agent.chain.contracts import ModelsContract, OracleContract, SettlementContract
from agent.chain.values import Mandate, Side
from agent.desk.floor import Floor, plan_of, seat, terms_of
from agent.desk.journal import Journal
from agent.desk.loop import Desk
from agent.desk.owners import Owner
from agent.desk.sending import send
from agent.desk.stage import mandate_of
from agent.desk.trades import Tally
from agent.desk.venue import ContractVenue
from agent.errors import SwapRefused
from agent.model.trained import TrainedModel
from agent.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The chain of a run, as far as swapping its model needs it.

    Attributes
    ----------
    venue, accounts, settings, journal, tally
        Of the run.
    interval
        Seconds of a bar.
    drift_bps
        What the price may move between an offer and its settlement.
    shift
        Seconds by which the chain's clock runs ahead of the data's.
    """

    venue: ContractVenue
    accounts: Accounts
    settings: Settings
    journal: Journal
    tally: Tally
    interval: int
    drift_bps: int
    shift: int = 0

    @classmethod
    def of(cls, floor: Floor, *, settings: Settings, interval: int, drift_bps: int) -> Self:
        """Return the ground of a run's floor; other parameters as the attributes."""
        return cls(
            venue=floor.venue,
            accounts=floor.accounts,
            settings=settings,
            journal=floor.journal,
            tally=floor.desks.tally,
            interval=interval,
            drift_bps=drift_bps,
            shift=floor.shift,
        )

    @property
    def _registry(self) -> ModelsContract:
        return ModelsContract(self.venue.chain, self.venue.deployment.models)

    def seat(self, model: TrainedModel) -> Desk:
        """Return a desk for a model that has none yet, with the key of its own and without mandates.

        Raises
        ------
        SwapRefused
            Where the model was revoked on this chain.
        """
        artifact = bytes.fromhex(model.id.removeprefix("0x"))
        key, operator = key_for(self.settings, artifact), self.accounts.operator
        model_id = self._registry.id_of(operator.address, key.address, artifact)
        if not self.registered(model_id):
            self.venue.before_send()
            send(
                self.journal,
                "register",
                lambda announce: self._registry.register(operator, artifact, key.address, announce=announce),
            )
        return seat(
            self.venue,
            model,
            model_id,
            key,
            accounts=self.accounts,
            journal=self.journal,
            terms=terms_of(model, self.interval),
            shift=self.shift,
            tally=self.tally,
        )

    def registered(self, model_id: bytes) -> bool:
        """Whether a model is registered.

        Raises
        ------
        SwapRefused
            Where it was, and has been revoked, which is for good.
        """
        key, _, revoked = self._registry.model_of(model_id)
        if revoked:
            raise SwapRefused(
                f"The model 0x{model_id.hex()} was revoked on this chain.", cure="Train or choose another."
            )
        return int(key, 16) != 0

    def create(self, owner: Owner, side: Side, desk: Desk) -> Mandate:
        """Create an owner's mandate for one side that names a desk's model, with that model's barriers; return it."""
        chain, deployment = self.venue.chain, self.venue.deployment
        if not (price := OracleContract(chain, deployment.oracle).price().value):
            raise SwapRefused("The oracle has no price to size a mandate by.", cure="Ask again when it has.")
        mandate = mandate_of(
            owner.address,
            owner.temper,
            side,
            deployment=deployment,
            model_id=desk.model_id,
            plan=plan_of(desk.model, interval=self.interval, price=price, drift_bps=self.drift_bps),
            salt=chain.block_number.to_bytes(32, "big"),
        )
        settlement = SettlementContract(chain, deployment.settlement)
        self.venue.before_send()
        send(
            self.journal,
            "create",
            lambda announce: settlement.create(owner.account, mandate, announce=announce),
            mandates=[mandate.id],
        )
        return mandate

    def revoke(self, desk: Desk) -> None:
        """Revoke a desk's model, for good; trades that it opened are closed all the same."""
        self.venue.before_send()
        send(
            self.journal,
            "revoke",
            lambda announce: self._registry.revoke(self.accounts.operator, desk.model_id, announce=announce),
        )
