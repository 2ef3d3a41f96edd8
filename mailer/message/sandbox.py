"""The room templates run in: an allow-list of what they may touch, a bound on what they may use.

A template reads the facts it is given, loops over them, calls its macros and prints text. It does
not reach Python behind a value, call a method, format or multiply text, or turn escaping off.
Loops, calls, printed characters and processor time are counted, so that none can eat the process
(S8). What it does wrong is an exception here; `render` says which template and line it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from itertools import islice
from time import thread_time
from typing import Any, NoReturn

from jinja2 import FunctionLoader, StrictUndefined, Template, nodes, pass_eval_context
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError, TemplateAssertionError
from jinja2.filters import FILTERS
from jinja2.nodes import EvalContext
from jinja2.runtime import BlockReference, Context, LoopContext, TemplateReference, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.tests import TESTS
from jinja2.utils import Namespace
from markupsafe import Markup, escape

from mailer.message.bidi import isolated_html, isolated_text
from mailer.message.compiled import KEEPER
from mailer.message.personal import Printed, printed

CHARACTERS = 1_000_000  # that one render may print
_STEPS = 10_000  # loop rounds and calls of one render
_ROUNDS = 1_000  # of one loop
_INTEGER = 10**9
_SECONDS = 0.8  # of processor time, for one file: ours take 3 ms, a collection of garbage more
_FILTERS = ("capitalize", "default", "first", "last", "length", "lower", "trim", "upper")
_TESTS = ("defined", "undefined", "none", "eq", "ne", "gt", "ge", "lt", "le", "in", "odd", "even")
_OPEN_TYPES = (LoopContext, Namespace, TemplateReference, BlockReference, TemplateModule)
_PLACE = re.compile(r"%(?:\((?P<name>\w+)\)s|(?P<percent>%)|)")

_WATCHED = (
    nodes.Concat,
    nodes.ScopedEvalContextModifier,
    nodes.Extends,
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.For,
)

Loaded = tuple[str, str, Callable[[], bool]]


class Sandbox(ImmutableSandboxedEnvironment):
    """Renders the templates of one language.

    ``load`` gives a template's source and the name to report it by; ``say`` and ``say_many`` look
    up a message and a message with its plural; ``direction`` is that of the language (``ltr`` or
    ``rtl``); ``open_types`` are those whose public fields a template may read.
    """

    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)

    def __init__(
        self,
        *,
        load: Callable[[str], Loaded | None],
        say: Callable[[str], str],
        say_many: Callable[[str, str, int], str],
        direction: str,
        filters: Mapping[str, Callable[..., object]],
        open_types: tuple[type, ...],
    ) -> None:
        super().__init__(
            loader=FunctionLoader(load),
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html"),
            extensions=["jinja2.ext.i18n"],
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,
            optimized=False,  # nothing is worked out while it is compiled, see `compiled`
            bytecode_cache=KEEPER,
        )
        self._open_types = open_types + _OPEN_TYPES
        self.policies["ext.i18n.trimmed"] = True
        self.extend(newstyle_gettext=True)
        self.filters = {name: FILTERS[name] for name in _FILTERS}
        isolated = _isolation(direction)
        self.filters |= {"join": _joined, "bounded": _bounded, "isolated": isolated, **filters}
        self.filters = {name: _counted(function) for name, function in self.filters.items()}
        self.tests = {name: TESTS[name] for name in _TESTS}
        self.globals = {"range": safe_range, "namespace": Namespace}
        self.globals |= _speech(say, say_many, isolated)

    def fill(self, name: str, facts: Mapping[str, object]) -> str:
        """The named template's text. Raises whatever the template did wrong."""
        token = _allowance.set(_Allowance(until=thread_time() + _SECONDS))
        try:
            parts: list[str] = []
            length = 0
            for part in self.get_template(name).generate(facts):
                length += len(part)
                if length > CHARACTERS:
                    _too_much("text")
                parts.append(part)
            return "".join(parts)
        finally:
            _allowance.reset(token)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Public fields of the types that were opened, and no method of text or numbers."""
        return isinstance(obj, self._open_types) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Text is never formatted by a template: ``{:999999999}`` would fill the memory."""
        return

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - jinja2 names it so
        _spend(steps=1)
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic with small whole numbers only."""
        if operator == "**" or type(left) is not int or type(right) is not int:
            raise SecurityError(f"{operator!r} works on whole numbers only")
        result = super().call_binop(context, operator, left, right)
        if abs(result) > _INTEGER:
            raise SecurityError("a number became too large")
        return result

    def _load_template(self, name: str, globals: Any) -> Template:
        """The named template; what it takes to compile one is not charged to who first needs it."""
        began = thread_time()
        try:
            return super()._load_template(name, globals)
        finally:
            left = _allowance.get()
            if left is not None:
                left.until += thread_time() - began

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,
    ) -> str:
        for node in source.find_all(_WATCHED):
            self._watch(node, name, filename)
        return super()._generate(source, name, filename, defer_init)

    def _watch(self, node: nodes.Node, name: str | None, filename: str | None) -> None:
        """Refuse what no template needs; bound every loop."""
        match node:
            case nodes.Concat():
                _forbid("'~' is not available: print one after the other", node, name, filename)
            case nodes.ScopedEvalContextModifier():
                _forbid("escaping cannot be turned off", node, name, filename)
            case nodes.Extends() | nodes.Include() | nodes.Import() | nodes.FromImport():
                if not _is_sibling(node.template, name):
                    _forbid(
                        "another template is named by a fixed name, text in text and HTML in HTML",
                        node,
                        name,
                        filename,
                    )
            case nodes.For(recursive=True):
                _forbid("loops cannot be recursive", node, name, filename)
            case nodes.For():
                size = nodes.Const(
                    sum(len(text.data) for text in node.find_all(nodes.TemplateData))
                )
                node.iter = nodes.Filter(
                    node.iter, "bounded", [size], [], None, None, lineno=node.lineno
                ).set_environment(self)
            case _:
                pass


def _is_sibling(named: nodes.Expr, name: str | None) -> bool:
    """Whether a template is named outright and escapes as the one that names it."""
    if not isinstance(named, nodes.Const) or not isinstance(named.value, str) or name is None:
        return False
    return named.value.endswith(".html") == name.endswith(".html")


@dataclass(slots=True)
class _Allowance:
    until: float
    steps: int = _STEPS
    characters: int = 4 * CHARACTERS  # what goes into a macro is printed once more behind it


_allowance: ContextVar[_Allowance | None] = ContextVar("template allowance", default=None)


def _spend(*, steps: int = 0, characters: int = 0) -> None:
    left = _allowance.get()
    if left is None:
        return
    left.steps -= steps
    left.characters -= characters
    if left.steps < 0:
        _too_much("loops or calls")
    if left.characters < 0:
        _too_much("text")
    if thread_time() > left.until:
        _too_much("work")


def _counted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that stops when the time is up."""

    @wraps(function)
    def counted(*args: object, **kwargs: object) -> object:
        _spend()
        return function(*args, **kwargs)

    return counted


class _Rounds(tuple[object, ...]):
    """What a loop goes through; it stops when the time is up."""

    __slots__ = ()

    def __iter__(self) -> Iterator[object]:
        for value in super().__iter__():
            _spend()
            yield value


def _too_much(what: str) -> NoReturn:
    raise SecurityError(f"the template makes too much {what}")


def _forbid(why: str, node: nodes.Node, name: str | None, filename: str | None) -> NoReturn:
    raise TemplateAssertionError(why, node.lineno, name, filename)


def _finalized(value: object) -> str:
    """What may be printed: text, whole numbers, personal marks."""
    match value:
        case Printed():
            text = printed(value)
        case Undefined():
            text = str(value)  # raises, naming what is missing
        case str():
            text = value
        case int() if not isinstance(value, bool):
            text = str(value)
        case _:
            raise SecurityError(f"a {type(value).__name__} cannot be printed")
    _spend(characters=len(text))
    return text


@pass_eval_context  # so that Jinja never asks beforehand, as it would for what is constant
def _shown(_: EvalContext, value: object) -> str:
    return _finalized(value)


def _bounded(values: Iterable[object], size: int = 0) -> tuple[object, ...]:
    taken = _Rounds(islice(values, _ROUNDS + 1))
    if len(taken) > _ROUNDS:
        _too_much("rounds of one loop")
    _spend(steps=len(taken), characters=len(taken) * size)
    return taken


@pass_eval_context
def _joined(context: EvalContext, values: Iterable[object], between: str = ", ") -> str:
    parts = [_finalized(value) for value in _bounded(values)]
    _spend(characters=len(parts) * len(between))
    if context.autoescape:
        return escape(between).join(parts)
    return between.join(parts)


_Isolate = Callable[[EvalContext, object], str]


def _isolation(direction: str) -> _Isolate:
    """What keeps a value of the other reading direction whole, in text or in HTML."""

    @pass_eval_context
    def isolated(context: EvalContext, text: object) -> str:
        if not isinstance(text, str):
            raise SecurityError(f"a {type(text).__name__} cannot be isolated")
        if context.autoescape:
            return isolated_html(text, direction)
        return isolated_text(text, direction)

    return isolated


def _speech(
    say: Callable[[str], str], say_many: Callable[[str, str, int], str], isolate: _Isolate
) -> dict[str, Callable[..., object]]:
    @pass_eval_context
    def gettext(context: EvalContext, message: str, /, **values: object) -> object:
        return _filled(context, say(message), values, isolate)

    @pass_eval_context
    def ngettext(
        context: EvalContext, one: str, many: str, num: int, /, **values: object
    ) -> object:
        return _filled(context, say_many(one, many, num), {"num": num, **values}, isolate)

    return {"gettext": gettext, "ngettext": ngettext, "_": gettext}


def _filled(
    context: EvalContext, message: str, values: Mapping[str, object], isolate: _Isolate
) -> object:
    """The message with its places filled; personal if one of the values is."""

    def place(found: re.Match[str]) -> str:
        if found["percent"]:
            return "%"
        if not found["name"]:
            raise SecurityError(f"a message has a place that is not %(name)s: {message!r}")
        if found["name"] not in values:
            raise SecurityError(f"a message wants {found['name']!r}: {message!r}")
        return isolate(context, _finalized(values[found["name"]]))

    text = _PLACE.sub(place, message)
    text = Markup(text) if context.autoescape else text  # noqa: S704 - as jinja2 does it
    if any(isinstance(value, Printed) for value in values.values()):
        return Printed(text)
    return text
