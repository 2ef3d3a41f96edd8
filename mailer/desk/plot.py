"""Small plots as numbers that a template draws as SVG: no picture, no script, no style in them.

Pure arithmetic in a box of a fixed size, the origin at its upper left. Every plot stands beside a
table of the same numbers; the classes of its shapes get their colours from the style sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.message.shown import Shown

WIDTH = 640
HEIGHT = 200
LEFT = 72  # for the numbers at the side
RIGHT = 40  # for half of the last word
TOP = 10
FOOT = 28  # for the words below
_STEPS = (1, 2, 5)  # times a power of ten: what people read off easily
_LINES = 4  # at most, beside the one at zero
_WORDS = 6  # below a plot, at most
_FEWEST = 2  # of what makes a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of several amounts that make a whole; ``name`` is the class of its shape."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What stands above one place of the axis, from the ground up, with the word below it."""

    word: str
    parts: Sequence[Part]


def share(parts: Sequence[Part], *, width: int = WIDTH) -> tuple[Shown, ...]:
    """A bar of one whole: `name x width` of each part. What is there at all can be seen."""
    whole = sum(one.amount for one in parts)
    there = [one for one in parts if one.amount > 0]
    found, at, passed = [], 0, 0
    for place, one in enumerate(there):
        passed += one.amount
        after = len(there) - place - 1
        end = width if not after else round(passed * width / whole)
        end = min(max(end, at + 2), width - 2 * after)
        found.append(Shown(name=one.name, x=at, width=end - at))
        at = end
    return tuple(found)


def line(points: Sequence[tuple[str, int]]) -> Shown:
    """A line through amounts with the words below them: `points area rules words`, and the last
    point as `x y`. Amounts begin at zero."""
    ruler = _Ruler(max((amount for _, amount in points), default=0))
    last = max(1, len(points) - 1)
    places = [
        (LEFT + (WIDTH - LEFT - RIGHT) * number // last, ruler.height_of(amount))
        for number, (_, amount) in enumerate(points)
    ]
    ends = places[0][0] if places else LEFT, places[-1][0] if places else LEFT
    ground = HEIGHT - FOOT
    joined = " ".join(f"{x},{y}" for x, y in places)
    return Shown(
        points=joined if len(points) >= _FEWEST else "",
        area=f"{ends[0]},{ground} {joined} {ends[1]},{ground}" if len(points) >= _FEWEST else "",
        x=places[-1][0] if places else LEFT,
        y=places[-1][1] if places else ground,
        rules=ruler.rules(),
        words=_words([word for word, _ in points], [x for x, _ in places]),
        **_box(),
    )


def columns(found: Sequence[Column]) -> Shown:
    """Columns side by side, each of its parts: `shapes` of `name x y width height`, `rules`,
    `words`."""
    ruler = _Ruler(max((sum(part.amount for part in one.parts) for one in found), default=0))
    room = (WIDTH - LEFT - RIGHT) / max(1, len(found))
    shapes, middles = [], []
    for number, one in enumerate(found):
        x = LEFT + round(number * room)
        width = max(2, round(room * 0.7))
        middles.append(x + width // 2)
        passed = 0
        for part in one.parts:
            below, passed = ruler.height_of(passed), passed + part.amount
            y = min(ruler.height_of(passed), below - 1) if part.amount else below
            if y < below:
                shapes.append(Shown(name=part.name, x=x, y=y, width=width, height=below - y))
    words = _words([one.word for one in found], middles)
    return Shown(shapes=tuple(shapes), rules=ruler.rules(), words=words, **_box())


def _box() -> dict[str, int]:
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "ground": HEIGHT - FOOT,
    }


class _Ruler:
    """Amounts as heights, with lines at round numbers."""

    def __init__(self, most: int) -> None:
        self.step = _step(most)
        self.top = self.step * max(1, -(-most // self.step))

    def height_of(self, amount: int) -> int:
        ground = HEIGHT - FOOT
        return ground - (ground - TOP) * amount // self.top

    def rules(self) -> tuple[Shown, ...]:
        amounts = range(0, self.top + 1, self.step)
        return tuple(Shown(amount=one, y=self.height_of(one)) for one in amounts)


def _step(most: int) -> int:
    """The smallest round number of which few make up the most."""
    power = 1
    while True:
        for one in _STEPS:
            if one * power * _LINES >= most:
                return one * power
        power *= 10


def _words(words: Sequence[str], places: Sequence[int]) -> tuple[Shown, ...]:
    """Some of the words, evenly chosen, the last one among them."""
    every = max(1, -(-len(words) // _WORDS))
    chosen = range(len(words) - 1, -1, -every)
    return tuple(Shown(word=words[one], x=places[one]) for one in reversed(chosen))
