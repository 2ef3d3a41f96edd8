"""One command, applied: which verb answers to which value."""

from __future__ import annotations

from typing import assert_never

from mailer.intake import (
    announcing_mail,
    asking,
    complaining,
    forwarding,
    preferring,
    registering,
    returned,
    subscribing,
)
from mailer.intake.context import Asker, Context, Outcome
from mailer.message.command import (
    Announce,
    AnswerInvitation,
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
    Resume,
    ReturnPath,
    SetLanguage,
    SetTimezone,
    ShowProgramme,
    ShowStatus,
    Skip,
    Subscribe,
    ToOwner,
    Unsubscribe,
)
from mailer.message.incoming import Incoming


async def apply(  # noqa: PLR0911, PLR0912 - one line for each command
    context: Context, asker: Asker, command: Command, mail: Incoming | None
) -> Outcome:
    """Do what was asked inside the caller's transaction; ``mail`` is None off the mail channel."""
    match command:
        case Subscribe():
            return await subscribing.subscribe(context, asker, command)
        case Confirm():
            outcome = await subscribing.confirm(context, asker, command)
            if outcome is None:  # a "yes" to something else is somebody's own words
                return await apply(context, asker, FreeText(words=1, attachments=False), mail)
            return outcome
        case Unsubscribe():
            return await subscribing.unsubscribe(context, asker, command)
        case Help():
            return await asking.help_(context, asker)
        case ShowStatus():
            return await asking.status(context, asker)
        case ShowProgramme():
            return await asking.programme(context, asker)
        case Register():
            return await registering.register(context, asker, command)
        case Skip():
            return await registering.skip(context, asker, command)
        case AnswerInvitation():
            return await registering.answer_invitation(context, asker, command)
        case SetLanguage():
            return await preferring.language(context, asker, command)
        case SetTimezone():
            return await preferring.timezone(context, asker, command)
        case Pause():
            return await preferring.pause(context, asker, command)
        case Resume():
            return await preferring.resume(context, asker)
        case Nothing():
            return Outcome(word=f"ignored: {command.reason}")
        case Approve():
            return await announcing_mail.approve(context, asker, command)
        case Drop():
            return await announcing_mail.drop(context, asker, command)
        case FreeText() | ToOwner() | Announce() | Redraft() | ReturnPath() | Complaint():
            return await _with_mail(context, asker, command, mail)
    assert_never(command)


async def _with_mail(
    context: Context,
    asker: Asker,
    command: FreeText | ToOwner | Announce | Redraft | ReturnPath | Complaint,
    mail: Incoming | None,
) -> Outcome:
    if mail is None:
        raise ValueError(f"{type(command).__name__} only comes by mail")
    match command:
        case FreeText():
            return await forwarding.free_text(context, asker, command, mail)
        case ToOwner():
            return await forwarding.to_owner(context, asker, command, mail)
        case Announce():
            return await announcing_mail.announce(context, asker, command, mail)
        case Redraft():
            return await announcing_mail.redraft(context, asker, command, mail)
        case ReturnPath():
            return await returned.take(context, asker, command, mail)
        case Complaint():
            return await complaining.take(context, asker, command, mail)
    assert_never(command)
