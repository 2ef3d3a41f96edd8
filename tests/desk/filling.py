"""What a browser would send of a form as it stands on a page."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.peers.browser import Answer

_TICKED = {"checkbox", "radio"}
_NOT_SENT = {"file", "submit"}


class _Form(HTMLParser):
    def __init__(self, action: str) -> None:
        super().__init__(convert_charrefs=True)
        self.fields: dict[str, str] = {}
        self._action = action
        self._inside = self._done = False
        self._text = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self._done:
            self._inside = given.get("action", "").startswith(self._action)
        if not self._inside:
            return
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "input" and kind not in _NOT_SENT and (kind not in _TICKED or "checked" in given):
            self.fields.setdefault(name, given.get("value", ""))
        elif tag == "textarea":
            self._text = name
            self.fields[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given):
            self.fields[self._select] = given.get("value", "")
        elif tag == "option" and self._select:
            self.fields.setdefault(self._select, given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._inside:
            self._inside, self._done = False, True
        elif tag == "textarea" and self._text:
            self.fields[self._text] = self.fields[self._text].removeprefix("\n")
            self._text = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._text:
            self.fields[self._text] += data


def filled(page: Answer, action: str) -> dict[str, str]:
    """The fields of the first form whose address begins like this, its token among them."""
    form = _Form(action)
    form.feed(page.text)
    assert "seal" in form.fields, f"no form leads to {action} in {page.text}"
    return form.fields
