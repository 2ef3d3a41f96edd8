"""What a template may say of the one person it is for: marks, which it can print and not look at.

`Me` offers an address and, for each thing a person can do, where to do it: by mail, and on a page
if the series has pages. Each is a `Printed`: putting it into the text is all that works. To branch
on it, compare it, count it or filter it raises `MarkMisused`: all of a group get one skeleton.
Links by mail are mailto URIs (RFC 6068).
"""

from __future__ import annotations

from typing import NoReturn
from urllib.parse import quote

from mailer.message.facts import SeriesFacts
from mailer.message.mark import Personal, mark


class MarkMisused(TypeError):
    """A template did more with a personal value than print it."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise MarkMisused("a personal value (me.…) can only be printed, not tested or filtered")


class Printed:
    """A text that holds a mark. Only `printed` gets at it; every operation on it is refused."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    __bool__ = __str__ = __repr__ = __format__ = __html__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _refuse
    __len__ = __iter__ = __contains__ = __getitem__ = __call__ = _refuse
    __add__ = __radd__ = __mod__ = __rmod__ = __mul__ = __rmul__ = _refuse


def printed(value: Printed) -> str:
    """The text of a personal value, mark and all; for the renderer, never for a template."""
    return value._text


class Me:
    """The person a mail is for. Unknown names are undefined; pages are undefined without web."""

    __slots__ = ("_places",)

    def __init__(self, series: SeriesFacts) -> None:
        self._places = _places(series)

    def __getitem__(self, name: str) -> Printed:
        return self._places[name]

    __bool__ = __str__ = __repr__ = __format__ = __html__ = _refuse
    __eq__ = __ne__ = __hash__ = __len__ = __iter__ = __contains__ = _refuse


def mailto(address: str, subject: str = "") -> str:
    """A link that opens a mail to this address (RFC 6068 §2)."""
    target = f"mailto:{quote(address, safe='@+!*=/')}"
    return f"{target}?subject={quote(subject, safe='')}" if subject else target


# By mail: the command address with a token behind it. The subject is ignored there; it is given
# because mail programs ask their users whether a mail without one was meant.
_BY_MAIL = (
    Personal.UNSUBSCRIBE,
    Personal.CONFIRM,
    Personal.REGISTER,
    Personal.SKIP,
    Personal.PREFERENCES,
    Personal.APPROVE,
)
_SUBJECTS = {Personal.PREFERENCES: ""}  # there the subject is read
_PAGES = {
    Personal.UNSUBSCRIBE: "u",
    Personal.PREFERENCES: "p",
    Personal.CONFIRM: "c",
    Personal.REGISTER: "r",
    Personal.JOIN: "j",
    Personal.SIGN_IN: "admin/sign-in",
}


def _places(series: SeriesFacts) -> dict[str, Printed]:
    places = {"address": Printed(mark(Personal.ADDRESS))}
    for personal in _BY_MAIL:
        word = personal.value
        address = f"{series.local}+{word}-{mark(personal)}@{series.domain}"
        places[f"{word}_address"] = Printed(address)
        places[f"{word}_mailto"] = Printed(mailto(address, _SUBJECTS.get(personal, word)))
        places[f"{word}_token"] = Printed(mark(personal))
    if series.base_url:
        for personal, page in _PAGES.items():
            url = f"{series.base_url.rstrip('/')}/{page}/{mark(personal)}"
            places[f"{personal.value}_url"] = Printed(url)
    return places
