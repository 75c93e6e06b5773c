"""Authority on where in its Solidity sources an execution failed: the file, the line, and the lines around it.

What failed is executed again, out of the chain's sight, with the same contracts compiled without the optimizer in place
of those deployed; the last expression they evaluated is the place. Where that ends differently (code that
looks at its own gas or hash can), or where gas ran out, the deployed code tells as well as it can.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from agent.chain.rpc.trace import Frame, Rerun
from agent.errors import ChainError
from agent.testing.builds import CONTRACT, INSIDE, WHOLE, Build, Builds, Code, Compilation, Place
from agent.testing.sources import Sources

_AROUND = 2
_PLACEHOLDER = b"_"  # where a modifier goes on with the function, which is no step of the reader's
_PLAIN_GAS = 10  # times the limit: unoptimized code needs more


@dataclass(frozen=True)
class Spot:
    """A line of a source.

    Attributes
    ----------
    path
        The file.
    line
        From 1.
    inside
        Contract and function: ``Token.transfer``.
    """

    path: Path
    line: int
    inside: str

    def is_in_one_with(self, other: Spot) -> bool:
        """Whether both are in one function."""
        return (self.path, self.inside) == (other.path, other.inside)

    def told(self, *, around: int = 0) -> str:
        """The spot as people read it, with some lines around it."""
        lines = self.path.read_text(encoding="utf-8-sig").split("\n")
        shown = range(max(1, self.line - around), min(len(lines), self.line + around) + 1)
        text = (f"{'>' if each == self.line else ' '} {each:4} | {lines[each - 1]}".rstrip() for each in shown)
        return "\n".join([f"{_relative(self.path)}:{self.line}: in {self.inside}", *text])


def _relative(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative


class Explainer:
    """Finds the places of failures.

    Parameters
    ----------
    sources
        The project's sources.
    rerun
        Executes something again: what, the gas limit, and code that takes the place of what lies at an address.
    source_of
        Name of the source of what lies at an address; None where not known.
    """

    def __init__(
        self, sources: Sources, rerun: Callable[..., Frame], source_of: Callable[[bytes], str | None]
    ) -> None:
        self._sources = sources
        self._rerun = rerun
        self._source_of = source_of
        self._builds: dict[str, Builds] = {}

    def __call__(self, what: Rerun) -> str:
        """Tell where an execution failed; "" where no source is known.

        Raises
        ------
        ChainError
            If there is no compiler, or a source does not compile any more.
        """
        happened = self._rerun(what)
        path = failing_path(happened)
        if not path:
            return ""
        return told(list(self._spots(what, path, self._recognised(happened))))

    # ---- which code is which contract's

    def _recognised(self, happened: Frame) -> dict[bytes, tuple[Builds, Build]]:
        """The contract that each code entered is, of those whose source is known."""
        codes = {frame.code: frame for frame in happened.walk()}
        found: dict[bytes, tuple[Builds, Build]] = {}
        sources = [
            self._builds.setdefault(entry, Builds(self._sources, entry)) for entry in self._entries(codes.values())
        ]
        # What is at hand comes first; the rest takes the compiler, once.
        for candidates in (Builds.at_hand, Builds.all_of_it):
            for builds in sources:
                missing = {code: frame for code, frame in codes.items() if code and code not in found}
                for build in candidates(builds) if missing else ():
                    found |= {code: (builds, build) for code, frame in missing.items() if _is(build, frame)}
        return found

    def _entries(self, frames: Iterable[Frame]) -> Iterator[str]:
        """Sources in which to look: those of contracts known by address first, then all that were compiled."""
        # One of the package's own contracts comes without its map, but perhaps these are its sources.
        names = [self._source_of(frame.address) for frame in frames]
        for entry in dict.fromkeys([*names, *self._sources.entries]):
            if entry is not None and self._sources.has(entry):
                yield entry

    # ---- where

    def _spots(
        self, what: Rerun, path: list[Frame], found: Mapping[bytes, tuple[Builds, Build]]
    ) -> Iterator[Spot]:
        plain = None if any(_gas_ran_out(frame) for frame in path) else self._plain(what, path, found)
        for depth, frame in enumerate(path):
            if frame.code not in found:
                continue
            builds, build = found[frame.code]
            if plain is not None and builds.plain is not None:
                counterpart = builds.plain.builds[build.source, build.name]
                yield from self._in_frame(builds.plain, _code(counterpart, frame), plain[depth], callers=True)
            else:
                yield from self._in_frame(builds.layout, _code(build, frame), frame, callers=False)

    def _plain(
        self, what: Rerun, path: list[Frame], found: Mapping[bytes, tuple[Builds, Build]]
    ) -> list[Frame] | None:
        """The failing path as unoptimized code takes it; None where that ends differently."""
        codes: dict[bytes, bytes] = {}
        request = what.request
        for frame in path[0].walk():
            if frame.code not in found:
                continue
            replaced = _unoptimized(frame, *found[frame.code])
            if replaced is None:
                return None
            if not frame.creates:
                codes[frame.address] = replaced
            elif frame is path[0]:
                request = replace(request, data=replaced)
        again = self._rerun(
            replace(what, request=request), gas=_PLAIN_GAS * (request.gas or what.header.gas_limit), codes=codes
        )
        other = failing_path(again)
        ends = [(frame.address, frame.failure) for frame in path]
        return other if ends == [(frame.address, frame.failure) for frame in other] else None

    def _in_frame(self, compiled: Compilation, code: Code, frame: Frame, *, callers: bool) -> Iterator[Spot]:
        """The last place in a frame, behind those of the functions it was called from."""
        entered: list[tuple[Place, bool]] = []
        last: dict[int, Place] = {}
        entering: Place | None = None
        for step in frame.steps:
            place = code.places.get(step)
            if place is None:
                continue
            depth = compiled.depth(place) if place.file in compiled.sources else None
            if entering is not None:
                # A function of the source begins with all of itself. The compiler's own helpers are entered and left
                # too, but the places they claim are those of whatever was compiled before them.
                entered.append((entering, depth == WHOLE))
                entering = None
            if depth == INSIDE and entered and not entered[-1][1] and callers:
                depth = None
            if depth is not None:
                last[depth] = place
            if place.jump == "i":
                entering = place
            elif place.jump == "o" and entered:
                entered.pop()
        # Outside of any statement there is only the function, or the contract, that was about to begin.
        final = last.get(INSIDE) or last.get(WHOLE) or compiled.called(frame.data) or last.get(CONTRACT)
        calls = [place for place, is_own in entered if is_own and place.file in compiled.sources and callers]
        inner = [place for place in calls if compiled.depth(place) == INSIDE]
        for place in [*inner, *([final] if final else [])]:
            if spot := self._spot(compiled, place):
                yield spot

    def _spot(self, compiled: Compilation, place: Place) -> Spot | None:
        try:
            path = self._sources.path(compiled.sources[place.file])
        except ChainError:
            return None
        around = compiled.enclosing(place)
        # As the compiler was given it: places count in bytes, and line ends are one.
        text = path.read_text(encoding="utf-8-sig").encode()
        if text[place.start : place.start + place.length] == _PLACEHOLDER:
            return None
        line = text[: place.start].count(b"\n") + 1
        return Spot(path, line, around.name if around else path.stem)


def told(spots: list[Spot]) -> str:
    """Spots as people read them, the last in full; so is the last that is not a package's."""
    # What enters a function more than once on the way (a modifier's rest, say) is one step to a reader.
    distinct = [
        spot for spot, after in pairwise([*spots, None]) if after is None or not spot.is_in_one_with(after)
    ]
    own = [spot for spot in distinct if "node_modules" not in spot.path.parts]
    full = {id(spot) for spot in (distinct[-1:] + own[-1:])}
    return "\n".join(spot.told(around=_AROUND if id(spot) in full else 0) for spot in distinct)


def failing_path(frame: Frame) -> list[Frame]:
    """From the outermost contract to the one that failed first, as long as each passed on what the next one said."""
    path: list[Frame] = []
    while frame.failure is not None:
        path.append(frame)
        inner = frame.calls[-1] if frame.calls else None
        passed_on = inner is not None and inner.failure is not None and inner.failure.data == frame.failure.data
        if inner is None or not passed_on or not frame.failure.is_revert:
            break
        frame = inner
    return path


def _gas_ran_out(frame: Frame) -> bool:
    return frame.failure is not None and frame.failure.out_of_gas


def _code(build: Build, frame: Frame) -> Code:
    return build.creation if frame.creates else build.runtime


def _is(build: Build, frame: Frame) -> bool:
    if frame.creates:
        return frame.code.startswith(build.creation.data)
    return build.runtime.values(frame.code) is not None


def _unoptimized(frame: Frame, builds: Builds, build: Build) -> bytes | None:
    """A frame's code, compiled without the optimizer."""
    if builds.plain is None:
        return None
    plain = builds.plain.builds[build.source, build.name]
    if frame.creates:
        return plain.creation.data + frame.code[len(build.creation.data) :]
    values = build.runtime.values(frame.code)
    return plain.runtime.filled(values or {})
