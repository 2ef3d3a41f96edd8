"""What one mail at one address asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.address import Address, Purpose, Recipient
from mailer.message.command import (
    Announce,
    Approve,
    Command,
    Complaint,
    Confirm,
    Drop,
    FreeText,
    Help,
    Nothing,
    Pause,
    Redraft,
    Register,
    ReturnPath,
    SetLanguage,
    ShowProgramme,
    ShowStatus,
    Skip,
    Subscribe,
    ToOwner,
    Unsubscribe,
)
from mailer.message.incoming import Authentication, Incoming, read
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sample import DETAILS, SERIES, sample
from mailer.message.wish import HOPS, Decision, decide
from tests.examples import examples

RENDERER = Renderer(builtin_templates())

TOKEN = "mheavunafqxk5bgdvqlpto47kq"
LIST = Recipient(series="copyright", purpose=Purpose.SERIES)
ANN = Address(key="ann@example.org", mailbox="Ann@example.org")


def mail(subject: str = "", *lines: str, language: str | None = None) -> Incoming:
    return Incoming(
        content=b"",
        digest=b"",
        author=ANN,
        author_name="Ann",
        subject=subject,
        message_id="",
        replies_to=(),
        lines=lines,
        words=7,
        attachments=False,
        language=language,
        stated_language=None,
        authentication=Authentication.NONE,
        spam=False,
        machine=None,
        received_count=3,
    )


def at(purpose: Purpose, token: str | None = None) -> Recipient:
    series = None if purpose is Purpose.POSTMASTER else "copyright"
    return Recipient(series=series, purpose=purpose, token=token)


ADDRESSES = [
    (at(Purpose.SUBSCRIBE), Subscribe(language="fr")),
    (at(Purpose.UNSUBSCRIBE), Unsubscribe()),
    (at(Purpose.UNSUBSCRIBE, TOKEN), Unsubscribe(token=TOKEN)),
    (at(Purpose.CONFIRM, TOKEN), Confirm(token=TOKEN)),
    (at(Purpose.HELP), Help()),
    (at(Purpose.PROGRAMME), ShowProgramme()),
    (at(Purpose.STATUS), ShowStatus()),
    (at(Purpose.REGISTER, TOKEN), Register(token=TOKEN)),
    (at(Purpose.SKIP, TOKEN), Skip(token=TOKEN)),
    (at(Purpose.OWNER), ToOwner()),
    (at(Purpose.POSTMASTER), ToOwner(postmaster=True)),
    (at(Purpose.ANNOUNCE), Announce()),
    (at(Purpose.BOUNCE, TOKEN), ReturnPath(token=TOKEN)),
]


@pytest.mark.parametrize(("recipient", "command"), ADDRESSES)
def test_address_command_ignores_subject_and_body(recipient: Recipient, command: Command) -> None:
    decision = decide(mail("unsubscribe", "退订", language="fr"), recipient)
    assert decision == Decision(command=command, language="fr")


@pytest.mark.parametrize(
    ("subject", "lines", "command"),
    [
        ("", (), Approve(token=TOKEN)),
        ("approve", ("whatever",), Approve(token=TOKEN)),
        ("Re: Please approve: News", ("ok",), Approve(token=TOKEN)),
        ("Re: Please approve: News", ("Drop it", "please"), Drop(token=TOKEN)),
        ("drop", (), Drop(token=TOKEN)),
        ("Re: Please approve: News", ("Dear all,", "ok"), Redraft(token=TOKEN, answers=True)),
        ("News of today", ("Dear all,", "ok"), Redraft(token=TOKEN, answers=False)),
    ],
)
def test_a_word_about_a_preview_or_another_text(
    subject: str, lines: tuple[str, ...], command: Command
) -> None:
    assert decide(mail(subject, *lines), at(Purpose.APPROVE, TOKEN)).command == command


def test_what_a_mail_at_a_preview_answers_is_known() -> None:
    reply = replace(mail("News", "A better text"), replies_to=("<1@lists.example.org>",))
    found = decide(reply, at(Purpose.APPROVE, TOKEN)).command
    assert found == Redraft(token=TOKEN, answers=True)
    attached = replace(mail(""), attachments=True)
    found = decide(attached, at(Purpose.APPROVE, TOKEN)).command
    assert found == Redraft(token=TOKEN, answers=False)


@pytest.mark.parametrize("recipient", [recipient for recipient, _ in ADDRESSES] + [LIST])
def test_machine_mail_is_taken_by_return_path_and_unsubscribe_button_only(
    recipient: Recipient,
) -> None:
    sent = replace(mail("subscribe"), machine="auto-submitted")
    takes = {
        at(Purpose.BOUNCE, TOKEN): ReturnPath(token=TOKEN),
        at(Purpose.UNSUBSCRIBE, TOKEN): Unsubscribe(token=TOKEN),
    }
    assert decide(sent, recipient).command == takes.get(recipient, Nothing(reason="auto-submitted"))


BY_TOKEN = [recipient for recipient, _ in ADDRESSES if recipient.token]
BY_SENDER = [
    at(Purpose.SUBSCRIBE),
    at(Purpose.HELP),
    at(Purpose.PROGRAMME),
    at(Purpose.STATUS),
    at(Purpose.ANNOUNCE),
]


@pytest.mark.parametrize("recipient", BY_SENDER)
def test_forged_or_spam_mail_gets_no_answer(recipient: Recipient) -> None:
    forged = replace(mail("hello"), authentication=Authentication.FAIL)
    assert decide(forged, recipient) == Decision(command=Nothing(reason="authentication"))
    spam = replace(mail("hello"), spam=True)
    assert decide(spam, recipient) == Decision(command=Nothing(reason="spam"))


def test_own_words_in_doubt_are_left_to_the_intake_which_knows_subscribers() -> None:
    for doubtful in (
        replace(mail("hello"), spam=True),
        replace(mail("hello"), authentication=Authentication.FAIL),
        replace(mail("hello"), authentication=Authentication.FAIL, spam=True),
    ):
        assert decide(doubtful, LIST) == decide(mail("hello"), LIST)
        assert decide(replace(doubtful, author=None), LIST).command == Nothing(reason="no author")
        assert isinstance(decide(replace(doubtful, subject="help"), LIST).command, Nothing)


@pytest.mark.parametrize("recipient", BY_TOKEN)
def test_token_decides_whatever_the_sender_is(recipient: Recipient) -> None:
    doubtful = replace(mail(), authentication=Authentication.FAIL, spam=True, author=None)
    assert decide(doubtful, recipient) == decide(mail(), recipient)


@pytest.mark.parametrize("sent", [mail("unsubscribe"), mail("hi", "unsubscribe"), mail()])
def test_unsubscribing_by_sender_is_refused_only_where_the_sender_is_forged(
    sent: Incoming,
) -> None:
    recipient = LIST if sent.subject else at(Purpose.UNSUBSCRIBE)
    forged = replace(sent, authentication=Authentication.FAIL)
    assert decide(forged, recipient).command == Nothing(reason="authentication")
    assert decide(replace(sent, spam=True), recipient).command == Unsubscribe()


@pytest.mark.parametrize("purpose", [Purpose.OWNER, Purpose.POSTMASTER])
def test_organisers_and_operator_are_reached_unless_it_is_spam(purpose: Purpose) -> None:
    odd = replace(mail(), authentication=Authentication.FAIL, author=None)
    assert decide(odd, at(purpose)).command == ToOwner(postmaster=purpose is Purpose.POSTMASTER)
    assert decide(replace(odd, spam=True), at(purpose)).command == Nothing(reason="spam")


@pytest.mark.parametrize("recipient", BY_SENDER)
def test_nobody_can_ask_for_nothing(recipient: Recipient) -> None:
    assert decide(replace(mail(), author=None), recipient).command == Nothing(reason="no author")


@pytest.mark.parametrize("recipient", [recipient for recipient, _ in ADDRESSES] + [LIST])
def test_mail_that_goes_in_circles_is_held(recipient: Recipient) -> None:
    assert decide(replace(mail(), received_count=HOPS), recipient).command != Nothing(reason="loop")
    looping = replace(mail(), received_count=HOPS + 1)
    assert decide(looping, recipient) == Decision(command=Nothing(reason="loop"))


@pytest.mark.parametrize(
    "recipient",
    [
        at(purpose)
        for purpose in (
            Purpose.CONFIRM,
            Purpose.REGISTER,
            Purpose.SKIP,
            Purpose.APPROVE,
            Purpose.BOUNCE,
        )
    ]
    + [at(Purpose.JOIN), at(Purpose.JOIN, TOKEN)],
)
def test_purpose_without_its_token_is_nothing(recipient: Recipient) -> None:
    assert decide(mail(), recipient).command == Nothing(reason="no such address")


def test_subject_comes_before_the_lines_and_early_lines_before_later_ones() -> None:
    assert decide(mail("subscribe", "unsubscribe"), LIST).command == Subscribe(language="en")
    assert decide(mail("hello", "Hi all", "退订", "subscribe"), LIST).command == Unsubscribe()


@pytest.mark.parametrize("place", range(7))
def test_only_the_first_five_lines_are_looked_at(place: int) -> None:
    lines = [f"line {n}" for n in range(place)] + ["help"]
    free = FreeText(words=7, attachments=False)
    assert decide(mail("hello", *lines), LIST).command == (Help() if place < 5 else free)


@pytest.mark.parametrize(
    ("subject", "language", "decided"),
    [
        ("désabonner", None, "fr"),
        ("désabonner", "de", "fr"),
        ("退订", "en", "zh"),
        ("programme", None, None),
        ("programme", "fr", "fr"),
        ("ok", "ru", "ru"),
        ("hello there", "es", "es"),
    ],
)
def test_answer_is_in_the_language_of_the_command_else_of_the_mail(
    subject: str, language: str | None, decided: str | None
) -> None:
    assert decide(mail(subject, language=language), LIST).language == decided


@pytest.mark.parametrize(
    ("subject", "shown", "decided"),
    [("ayuda", None, "es"), ("ayuda", "fr", "fr"), ("help me out", None, None)],
)
def test_answer_to_a_command_address_is_in_the_language_of_the_subject(
    subject: str, shown: str | None, decided: str | None
) -> None:
    """The links in our mails put the command there as well."""
    for purpose in (Purpose.HELP, Purpose.STATUS):
        assert decide(mail(subject, language=shown), at(purpose)).language == decided


@pytest.mark.parametrize("purpose", [Purpose.CONFIRM, Purpose.REGISTER, Purpose.SKIP])
def test_words_beside_a_token_are_ours_and_tell_no_language(purpose: Purpose) -> None:
    assert decide(mail(purpose.value), at(purpose, TOKEN)).language is None


def test_what_the_header_states_is_the_language_of_a_new_person_only() -> None:
    stating = replace(mail("+"), stated_language="es")
    assert decide(stating, at(Purpose.SUBSCRIBE)) == Decision(command=Subscribe(language="es"))
    assert decide(stating, at(Purpose.HELP)).language is None
    ambiguous = replace(mail("info"), stated_language="es")
    assert decide(ambiguous, LIST) == Decision(command=Help())


def test_wish_to_subscribe_keeps_its_language() -> None:
    assert decide(mail("подписаться"), LIST) == Decision(
        command=Subscribe(language="ru"), language="ru"
    )


def test_empty_mail_is_free_text_of_no_words() -> None:
    empty = replace(mail(), words=0)
    assert decide(empty, LIST).command == FreeText(words=0, attachments=False)


def test_free_text_tells_its_length_and_attachments() -> None:
    long = replace(mail("Question", "how do I unsubscribe from X?"), words=90, attachments=True)
    assert decide(long, LIST).command == FreeText(words=90, attachments=True)


def test_series_and_own_address_may_stand_in_the_command() -> None:
    assert decide(mail("subscribe copyright"), LIST).command == Subscribe(language="en")
    assert decide(mail("unsubscribe ann@example.org"), LIST).command == Unsubscribe()
    free = FreeText(words=7, attachments=False)
    assert decide(mail("unsubscribe bob@example.org"), LIST).command == free


NAMES = frozenset({"copyright", "webinars", "webinars@lists.example.org", "Séries, du Léman"})


@pytest.mark.parametrize(
    ("subject", "command"),
    [
        ("unsubscribe webinars", Unsubscribe()),
        ("Unsubscribe webinars@lists.example.org", Unsubscribe()),
        ("unsubscribe from <webinars@lists.example.org>", Unsubscribe()),
        ("unsubscribe ann@example.org from the series du Leman", Unsubscribe()),
        ("unsubscribe series du leman", Unsubscribe()),
        ('Please remove me from "Séries, du Léman". Thanks!', Unsubscribe()),
        ("subscribe webinars", Subscribe(language="en")),
        ("subscribe to the Séries du Léman list", Subscribe(language="en")),
        ("programme Séries du Léman", ShowProgramme()),
        ("help webinars@lists.example.org", Help()),
        ("séries du léman", None),
        ("unsubscribe from another series", None),
    ],
)
def test_whatever_the_series_is_called_may_stand_in_the_command(
    subject: str, command: Command | None
) -> None:
    free = FreeText(words=7, attachments=False)
    assert decide(mail(subject), LIST, NAMES).command == (command or free)


def our_subjects() -> list[str]:
    return [
        RENDERER.render(kind, sample(kind, language=language, details=details)).subject
        for kind in RENDERER.kinds
        for language in RENDERER.languages
        for details in DETAILS.get(kind, ({},))
        if kind not in ("reply-authorise", "forward", "message")  # another's words, or a command
    ]


@pytest.mark.slow
def test_the_subject_of_an_answer_to_our_mail_is_no_command() -> None:
    for subject in our_subjects():
        answered(subject)


def answered(subject: str) -> None:
    answer = mail(f"Re: {subject}", "unsubscribe")
    assert decide(answer, LIST, NAMES | {SERIES.title}).command == Unsubscribe()
    words = mail(f"Re: {subject}", "Is there a recording?")
    free = FreeText(words=7, attachments=False)
    assert decide(words, LIST, NAMES | {SERIES.title}).command == free


def test_series_that_is_called_like_a_command_does_not_hide_it() -> None:
    recipient = Recipient(series="help", purpose=Purpose.SERIES)
    assert decide(mail("help"), recipient).command == Help()


@pytest.mark.parametrize("token", [None, TOKEN])
def test_preferences_address_reads_which_preference_from_the_text(token: str | None) -> None:
    recipient = at(Purpose.PREFERENCES, token)
    assert decide(mail("langue français"), recipient) == Decision(
        command=SetLanguage(language="fr"), language=None if token else "fr"
    )
    assert decide(mail("hi", "pause 2026-10-28"), recipient).command == Pause(
        until=date(2026, 10, 28)
    )
    assert decide(mail("unsubscribe"), recipient).command == Unsubscribe()
    for other in ("", "hello"):
        assert decide(mail(other), recipient).command == ShowStatus()


def test_preference_by_token_is_set_whatever_the_sender_is() -> None:
    doubtful = replace(mail("language fr"), authentication=Authentication.FAIL, spam=True)
    recipient = at(Purpose.PREFERENCES, TOKEN)
    assert decide(doubtful, recipient).command == SetLanguage(language="fr")
    assert decide(doubtful, at(Purpose.PREFERENCES)).command == Nothing(reason="spam")


FOOTER = "You get this because you subscribed.\nunsubscribe\nhttps://webinars.example.org/u/x\n"


@pytest.mark.parametrize(
    "quoted",
    [
        "On Wed, 28 Oct 2026, Webinars <webinars@lists.example.org> wrote:\n" + FOOTER,
        "".join(f"> {line}\n" for line in FOOTER.splitlines()),
        "-----Original Message-----\n" + FOOTER,
        "-- \n" + FOOTER,
    ],
)
def test_footer_of_our_own_mail_never_unsubscribes_who_answers(quoted: str) -> None:
    content = f"From: ann@example.org\nSubject: Re: Reminder\n\nThank you!\n\n{quoted}"
    taken = read(content.encode(), sender="ann@example.org", authserv_id="", own=frozenset())
    assert decide(taken, LIST).command == FreeText(words=2, attachments=False)


def test_quoted_html_footer_never_unsubscribes_who_answers() -> None:
    content = (
        "From: ann@example.org\nSubject: Re: Reminder\nContent-Type: text/html\n\n<p>Thank you!</p>"
        '<div class="gmail_quote"><div>On a day we wrote</div><p>unsubscribe</p></div>'
    )
    taken = read(content.encode(), sender="ann@example.org", authserv_id="", own=frozenset())
    assert decide(taken, LIST).command == FreeText(words=2, attachments=False)


@settings(max_examples=examples(100), deadline=None)
@given(st.binary(max_size=200), st.sampled_from(Purpose), st.sampled_from([None, TOKEN]))
def test_no_bytes_raise_at_any_address(content: bytes, purpose: Purpose, token: str | None) -> None:
    taken = read(content, sender=None, authserv_id="", own=frozenset())
    decide(taken, at(purpose, token))


@pytest.mark.parametrize("recipient", [at(Purpose.SERIES), at(Purpose.OWNER), at(Purpose.HELP)])
def test_a_complaint_is_one_wherever_it_comes(recipient: Recipient) -> None:
    content = (Path(__file__).parent / "samples" / "arf-fraud.eml").read_bytes()
    token = "abcdefghijklmnopqrstuvwxyz"
    told = Complaint(feedback="fraud", unsubscribe=(token,), return_path=(token,))
    assert decide(read_mail(content), recipient) == Decision(command=told)


def test_the_token_of_the_address_comes_first() -> None:
    content = (Path(__file__).parent / "samples" / "arf-fraud.eml").read_bytes()
    recipient = Recipient(series="talks", purpose=Purpose.BOUNCE, token="z" * 26)
    command = decide(read_mail(content), recipient).command
    assert isinstance(command, Complaint)
    assert command.return_path == ("z" * 26, "abcdefghijklmnopqrstuvwxyz")


def read_mail(content: bytes) -> Incoming:
    return read(content, sender="fbl@example.com", authserv_id="", own=frozenset())
