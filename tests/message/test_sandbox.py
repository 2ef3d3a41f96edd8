"""What a template may use up: processor time is bounded whatever it does (S8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.errors import TemplateFault
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sample import sample

LOOP = "{{% for a in range(1000) %}}{}{{% endfor %}}"
BODY = {"subject": "News", "body": "a **b** " * 2400}


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        LOOP.format("{% set x = detail.body|markdown|length %}" * 20),
        LOOP.format("{% set x = detail.body|upper %}" * 500),
        LOOP.format(LOOP.format("{% set x = 1+1+1+1 %}" * 100)),
        LOOP.format("{% if detail.body in detail.body %}{% endif %}" * 500),
        LOOP.format("{{ detail.subject|default('')|trim|lower }}" * 500),
        "{% macro m() %}" + "{% set x = detail.body|plain %}" * 500 + "{% endmacro %}"
        "{% for a in range(900) %}{{ m() }}{% endfor %}",
    ],
)
def test_a_template_that_works_without_end_is_stopped(tmp_path: Path, source: str) -> None:
    own = tmp_path / "mail/message/body.txt"
    own.parent.mkdir(parents=True)
    own.write_text(source)
    renderer = Renderer(builtin_templates(), tmp_path)
    for _ in range(2):  # the second time it is compiled already
        with pytest.raises(TemplateFault, match="too much") as caught:
            renderer.render("message", sample("message", details=BODY))
    assert caught.value.template == str(own)


@pytest.mark.slow
def test_the_time_to_compile_is_not_the_templates(tmp_path: Path) -> None:
    own = tmp_path / "mail/message/body.txt"
    own.parent.mkdir(parents=True)
    own.write_text("{% if detail.subject == 'x' %}{{ detail.subject }}{% endif %}" * 1000)
    renderer = Renderer(builtin_templates(), tmp_path)
    assert renderer.render("message", sample("message", details=BODY)).subject == "News"
