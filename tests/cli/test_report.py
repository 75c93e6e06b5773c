"""The report as a person reads it: whole words and numbers at any width, units named, a loss as plain as a gain."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.chain.values import Reason
from agent.cli.render import show_report
from agent.cli.trades import MOST_TRADES
from agent.desk.books import TokenBooks
from agent.desk.report import Report
from agent.desk.session import Run, run_replay
from agent.desk.trades import ReleasedTrade
from agent.model.patterns import PATTERNS
from agent.model.train import train
from agent.settings import Settings

REPLAYED = 60


@pytest.fixture(scope="module")
def report(series) -> Report:
    """The report of a real run."""
    start = len(series) - REPLAYED
    model = train(series[: start - 50], seed=1)
    made = run_replay(Run(bars=series, start=start, model=model, settings=Settings()))
    assert len(made.settled) > 3
    return replace(made, refused=Counter({Reason.WRONG_PATTERN: 2, Reason.COOLING_DOWN: 1}))


@pytest.fixture
def seen(capsys, monkeypatch):
    """Return a function that shows a report in a terminal of so many columns, and returns its lines."""

    def show(report: Report, *, columns: int = 80) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        capsys.readouterr()
        show_report(report)
        return capsys.readouterr().out.splitlines()

    return show


def section(lines: list[str], label: str) -> str:
    """The text of a section, on one line."""
    begin = next(index for index, line in enumerate(lines) if line.startswith(label))
    end = next((index for index in range(begin + 1, len(lines)) if not lines[index].startswith(" ")), len(lines))
    return " ".join(" ".join(line.removeprefix(label).split()) for line in lines[begin:end])


def table(lines: list[str]) -> list[str]:
    """The lines of the table of trades, from its title to the line before the next section."""
    begin = next(index for index, line in enumerate(lines) if " settled trade" in line)
    return lines[begin : next(index for index in range(begin, len(lines)) if not lines[index])]


def with_results(report: Report, *quote: int) -> Report:
    """The report of a run whose long trades came to these results."""
    longs = [trade for trade in report.settled if trade.opening.side.name == "LONG"]
    settled = [replace(longs[0], returned=longs[0].opening.fill.given + result) for result in quote]
    return replace(report, settled=settled, result=replace(report.result, quote=sum(quote)))


class TestTheTableOfTrades:
    @pytest.mark.parametrize("columns", [80, 100, 140])
    def test_breaks_no_word_and_no_number(self, columns, report, seen):
        lines = seen(report, columns=columns)
        assert max(map(len, lines)) <= columns
        text = " ".join(lines)
        for trade in report.settled:
            opening = trade.opening
            opened = datetime.fromtimestamp(opening.opened_at, UTC)
            row = next(line for line in lines if line.startswith(f"{opened:%m-%d %H:%M} "))
            assert f" {opening.side.name.lower()} " in row
            assert f" {opening.decision.confidence_bps / 100:.1f}% " in row
        patterns = {pattern.name for pattern in PATTERNS}
        shown = {word for line in table(lines)[2:] for word in line.split() if "_" in word}
        assert shown <= patterns
        assert "…" not in text

    def test_stands_in_columns(self, report, seen):
        lines = table(seen(report))
        head = next(line for line in lines if line.startswith("opened"))
        rows = [line for line in lines if line[2:3] == "-"]
        assert len(rows) == len(report.settled)
        for name in ("given", "returned", "result", "conf."):  # these end where their heading does
            end = head.index(name) + len(name)
            assert all(row[end - 1] != " " and row[end : end + 1] in (" ", "") for row in rows), name
        for name in ("owner", "patterns", "barrier"):  # and these begin there
            begin = head.index(name)
            assert all(row[begin] != " " and row[begin - 1] == " " for row in rows), name

    def test_names_its_units_and_its_market(self, report, seen):
        title = " ".join(table(seen(report))[:2])
        assert "times UTC; a long gives quote, a short gives base; results in quote" in title
        named = seen(replace(report, data=replace(report.data, market="ETH/USD")))
        assert "a long gives USD, a short gives ETH; results in USD" in " ".join(table(named)[:2])

    def test_says_each_year_once(self, report, seen):
        year = 31_536_000
        first, second = report.settled[:2]
        later = replace(second, opening=replace(second.opening, opened_at=second.opening.opened_at + year))
        lines = table(seen(replace(report, settled=[first, first, later, later])))
        assert [line for line in lines if line.isdigit()] == ["2024", "2025"]

    def test_shows_the_last_of_very_many_and_says_how_many_it_leaves_out(self, report, seen):
        many = [report.settled[0]] * (MOST_TRADES + 7)
        lines = table(seen(replace(report, settled=many)))
        assert "207 settled trades" in lines[0]
        assert any("the first 7 are left out here; --json shows all" in line for line in lines)
        assert sum(line[2:3] == "-" for line in lines) == MOST_TRADES

    def test_keeps_five_digits_of_tiny_and_of_huge_amounts(self, report, seen):
        short = next(trade for trade in report.settled if trade.opening.side.name == "SHORT")
        for given, digits in ((123_456 * 10**10, "0.0012346"), (123_456_789 * 10**18, "123,456,789")):
            opening = replace(short.opening, fill=replace(short.opening.fill, given=given))
            lines = seen(replace(report, settled=[replace(short, opening=opening, returned=given)]))
            assert any(f" {digits} {digits} " in " ".join(line.split()) for line in lines), digits

    @pytest.mark.parametrize(("seconds", "shown"), [(3_600, "1h"), (3_584, "1h"), (7_200, "2h"), (3_000, "50m")])
    def test_a_trade_that_opened_seconds_into_its_bar_lasted_whole_hours(self, report, seen, seconds, shown):
        first = report.settled[0]
        lines = table(seen(replace(report, settled=[replace(first, closed_at=first.opening.opened_at + seconds)])))
        [row] = [line for line in lines if line[2:3] == "-"]
        assert row.split()[2] == shown

    def test_is_missing_where_nothing_was_settled(self, report, seen):
        assert "No trade was settled." in seen(replace(report, settled=[]))

    def test_leaves_open_trades_out_and_says_so(self, report, seen):
        opening = report.settled[0].opening
        assert "1 trade is still open, and in no sum here." in seen(replace(report, still_open=[opening]))
        assert "2 trades are still open, and in no sum here." in seen(replace(report, still_open=[opening] * 2))

    def test_leaves_released_trades_out_and_says_so(self, report, seen):
        released = ReleasedTrade(report.settled[0].opening, report.settled[0].closed_at, "0x" + "ab" * 32)
        one, two = (seen(replace(report, released=[released] * n)) for n in (1, 2))
        assert "1 trade was released by its owner, without a result, and in no sum here." in one
        assert "2 trades were released by their owners, without a result, and in no sum here." in two
        settled = len(report.settled)
        assert table(one)[0].startswith(f"{settled} settled trades")


class TestTheResult:
    def test_shows_a_loss_as_plainly_as_a_gain(self, report, seen):
        lost = seen(with_results(report, -10_490_000, 9_500_000, -1_234_567_890))
        assert [row.split()[-2] for row in table(lost) if row[2:3] == "-"] == ["-10.49", "+9.50", "-1,234.57"]
        assert section(lost, "result").startswith("-1,235.56 quote from the settled trades, after the spread")
        won = seen(with_results(report, 1_234_567_890))
        assert section(won, "result").startswith("+1,234.57 quote from the settled trades, after the spread")

    def test_gives_nothing_no_sign(self, report, seen):
        assert section(seen(with_results(report, 0)), "result").startswith("0.00 quote")
        assert section(seen(with_results(report, -1)), "result").startswith("0.00 quote")

    def test_stands_beside_what_would_have_come_of_doing_otherwise(self, report, seen):
        result = replace(report.result, buy_and_hold=-5_000_000, random_entry=7_000_000)
        shown = section(seen(replace(report, result=result)), "result")
        assert "-5.00 quote from buying at the first bar and holding" in shown
        assert "+7.00 quote from the same trades at random times" in shown
        assert shown.endswith("The bars are synthetic.")

    def test_is_compared_with_no_random_entries_where_none_can_be_drawn(self, report, seen):
        assert "random times" not in " ".join(
            seen(replace(report, result=replace(report.result, random_entry=None)))
        )


class TestTheRest:
    def test_what_is_synthetic_says_so_and_what_is_not_does_not(self, report, seen):
        assert "SYNTHETIC: generated, not traded on any market" in section(seen(report), "data")
        real = replace(report, data=replace(report.data, synthetic=False, source="prices.csv"))
        assert "synthetic" not in " ".join(seen(real)).lower()

    def test_names_with_brackets_are_shown_as_they_are(self, report, seen):
        named = replace(report, data=replace(report.data, source="[bold]prices[/].csv"))
        assert section(seen(named), "data").startswith("[bold]prices[/].csv")

    def test_decisions_and_refusals_are_counted_by_reason(self, report, seen):
        lines = seen(report)
        assert section(lines, "decisions").startswith(f"{report.signals} signal")
        assert all(f"{n} hold: {hold}" in section(lines, "decisions") for hold, n in report.holds.items())
        assert section(lines, "refused").endswith("2 wrong pattern 1 cooling down")

    def test_a_refusal_is_named_as_the_contract_names_it(self, report, seen):
        refused = Counter({Reason.DRAWDOWN_LIMIT: 2, Reason.WRONG_FILLER: 1})
        lines = seen(replace(report, refused=refused))
        assert section(lines, "refused").endswith("2 drawdown limit 1 wrong filler")

    def test_an_early_end_is_said(self, report, seen):
        assert section(seen(report), "replay").startswith(f"{REPLAYED} bars in ")
        early = replace(report, interrupted=True, bars_replayed=1)
        assert section(seen(early), "replay").startswith("interrupted after 1 bar in ")

    def test_the_proof_of_the_books_shows_both_sides_in_tokens(self, report, seen):
        shown = section(seen(report), "books")
        open_trades = {0: "", 1: " and 1 open trade"}[report.books.trades]
        assert shown.startswith(f"balanced: 6 balances{open_trades} rebuilt from ")
        assert "quote: 112,000.000000 held = 112,000.000000 owed" in shown

    def test_the_proof_of_the_books_says_what_is_owed_to_open_trades(self, report, seen):
        token = report.chain.base
        tokens = {
            **report.books.tokens,
            token: TokenBooks(held=3 * 10**18, owed=3 * 10**18, held_by_trades=10**18),
        }
        shown = section(seen(replace(report, books=replace(report.books, trades=2, tokens=tokens))), "books")
        assert shown.startswith("balanced: 6 balances and 2 open trades rebuilt from ")
        held = "base: 3.000000000000000000 held = 3.000000000000000000 owed"
        assert f"{held}, 1.000000000000000000 of it to open trades" in shown

    def test_books_that_do_not_balance_cannot_be_overlooked(self, report, seen):
        token = report.chain.quote
        tokens = {**report.books.tokens, token: TokenBooks(held=999_999, owed=1_000_000)}
        shown = section(seen(replace(report, books=replace(report.books, tokens=tokens))), "books")
        assert shown.startswith("NOT BALANCED: ")
        assert "quote: 0.999999 held" in shown
        shown = section(seen(replace(report, books=replace(report.books, rebuilt=False))), "books")
        assert "DIFFER FROM the contract's" in shown

    def test_gas_is_given_for_each_call_and_for_none(self, report, seen):
        assert "open" in section(seen(report), "gas used")
        assert "close 0 - - -" in section(seen(replace(report, close_gas=[])), "gas used")

    def test_a_journal_in_memory_is_said_to_be_gone(self, report, seen):
        assert "gone when this ends" in section(seen(report), "journal")
        kept = replace(report, journal=replace(report.journal, place="journal.sqlite"))
        assert "gone" not in section(seen(kept), "journal")
