"""The report as a person reads it. What is synthetic says so, and a loss is shown as plainly as a gain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from agent.chain.values import Side
from agent.cli.output import show, synthetic_note
from agent.cli.stories import told
from agent.cli.trades import Units, trade_table, widest
from agent.desk.report import Report
from agent.desk.result import DRAWS

LABEL = 9  # the longest is "decisions"


def show_report(report: Report) -> None:
    """Print a report on standard output."""
    units = Units.of(report)
    show(Text(), _facts(report), Text(), _decisions(report), Text())
    if report.swaps:
        show(*_swaps(report, units), Text())
    show(trade_table(report, units), width=widest(report, units))
    show(
        *_without_result(report),
        Text(),
        _result(report, units),
        Text(),
        _gas(report),
        Text(),
        _proof(report, units),
    )


def _sections(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", width=LABEL, no_wrap=True)
    table.add_column(overflow="fold")
    for label, content in rows:
        table.add_row(label, content)
    return table


def _lines(*lines: str) -> RenderableType:
    return Group(*(Text.from_markup(line, overflow="fold") for line in lines if line))


def _counts(counts: Iterable[tuple[str, int]]) -> Table:
    """Return numbers and what they count."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for name, count in counts:
        table.add_row(f"{count:,}", name)
    return table


def _facts(report: Report) -> Table:
    data, model, chain, seconds = report.data, report.model, report.chain, report.seconds
    market = f"{escape(data.market)}, " if data.market else ""
    ahead = f"its clock runs {chain.shift:,} s ahead of the bars'" if chain.shift else ""
    ended = "[bold yellow]interrupted[/] after " if report.interrupted else ""
    return _sections(
        (
            (
                "data",
                _lines(
                    escape(data.source),
                    synthetic_note(data.synthetic),
                    f"{market}{data.bars:,} bars, {_minute(data.first)} .. {_minute(data.last)} UTC",
                ),
            ),
            (
                "model",
                _lines(
                    f"{escape(model.name)}, trained until {_minute(model.trained_until)} UTC",
                    f"signals from a confidence of {model.threshold_bps / 100:.2f} % on",
                    f"id 0x{model.id.hex()}",
                ),
            ),
            (
                "chain",
                _lines(
                    f"{escape(chain.client)}, chain id {chain.chain_id}",
                    f"settlement {chain.settlement}",
                    f"{chain.blocks:,} blocks, {chain.gas_used:,} gas",
                    ahead,
                ),
            ),
            (
                "replay",
                _lines(
                    f"{ended}{_some(report.bars_replayed, 'bar')} in {seconds.replay:.1f} s "
                    f"(training took {seconds.train:.1f} s, setting up {seconds.setup:.1f} s)"
                ),
            ),
        )
    )


def _decisions(report: Report) -> Table:
    holds = [(f"hold: {hold}", n) for hold, n in Counter(report.holds).most_common()]
    rows: list[tuple[str, RenderableType]] = [("decisions", _counts([("signal", report.signals), *holds]))]
    if report.refused:
        reasons = _counts((reason.label, n) for reason, n in report.refused.most_common())
        rows.append(("refused", Group("offers to trade that did not qualify, by the contract's reason", reasons)))
    return _sections(rows)


def _swaps(report: Report, units: Units) -> Iterator[RenderableType]:
    yield _sections((("swap", Group(*(told(story) for story in report.swaps))),))
    yield Text()
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(4):
        table.add_column()
    for share in report.models:
        bars = ", ".join(f"{standing} {n:,}" for standing, n in share.bars.items()) or "none"
        result = Text.assemble(units.gain(share.quote), f" {units.quote}")
        table.add_row(Text(share.name), f"bars: {bars}", _some(share.settled, "trade"), result)
    yield _sections((("models", table),))


def _without_result(report: Report) -> list[RenderableType]:
    """What is in no sum: trades that are open still, and those that their owners released."""
    lines = []
    if released := len(report.released):
        was = "was released by its owner" if released == 1 else "were released by their owners"
        lines.append(f"{_some(released, 'trade')} {was}, without a result, and in no sum here.")
    if still_open := len(report.still_open):
        lines.append(
            f"{_some(still_open, 'trade')} {'is' if still_open == 1 else 'are'} still open, and in no sum here."
        )
    return [Text(line, style="dim") for line in lines]


def _result(report: Report, units: Units) -> Table:
    result = report.result
    compared = Table.grid(padding=(0, 1, 0, 0))
    compared.add_column(justify="right", no_wrap=True)
    compared.add_column(no_wrap=True)
    compared.add_column()
    for value, what in (
        (result.quote, "from the settled trades, after the spread"),
        (result.buy_and_hold, "from buying at the first bar and holding, one trade's size for each owner"),
        (result.random_entry, f"from the same trades at random times, the mean of {DRAWS:,} draws"),
    ):
        if value is not None:
            compared.add_row(units.gain(value), escape(units.quote), what)
    return _sections((("result", Group(compared, Text(report.verdict, style="bold"))),))


def _gas(report: Report) -> Table:
    table = Table("call", "sent", "least", "median", "most", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, document in report.to_json()["gas"].items():
        values = [document[key] for key in ("n", "min", "median", "max")]
        table.add_row(name, *("-" if value is None else f"{value:,}" for value in values))
    return _sections((("gas used", table),))


def _proof(report: Report, units: Units) -> Table:
    books, journal = report.books, report.journal
    verdict = "[green]balanced[/]" if books.balanced else "[bold red]NOT BALANCED[/]"
    agree = "equal" if books.rebuilt else "[bold red]DIFFER FROM[/]"
    trades = f" and {_some(books.trades, 'open trade')}" if books.trades else ""
    rebuilt = f"{books.balances:,} balances{trades} rebuilt from {books.events:,} events {agree} the contract's"
    known = {
        report.chain.base: (units.base, report.decimals[Side.SHORT]),
        report.chain.quote: (units.quote, report.decimals[Side.LONG]),
    }
    tokens = []
    for address, each in books.tokens.items():
        name, decimals = known.get(address, (address, 0))
        held, owed, in_trades, extra = (
            f"{Decimal(amount).scaleb(-decimals):,f}"
            for amount in (each.held, each.owed, each.held_by_trades, each.surplus)
        )
        same = "[bold red]is not[/]" if each.surplus < 0 else "=" if each.surplus == 0 else "covers"
        part = f", {in_trades} of it to open trades" if each.held_by_trades else ""
        tokens.append(f"{escape(name)}: {held} held {same} {owed} owed{part}")
        if each.surplus > 0:
            tokens.append(f"{escape(name)}: {extra} sent without a deposit, owed to nobody")
    kept = ", gone when this ends (--journal FILE keeps it)" if journal.place == ":memory:" else ""
    return _sections(
        (
            ("books", _lines(f"{verdict}: {rebuilt}", *tokens)),
            (
                "journal",
                _lines(f"{escape(journal.place)}, {_some(journal.rows, 'row')}{kept}", f"head {journal.head}"),
            ),
        )
    )


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def _some(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"
