"""Signs by which a mail shows that it is a report, of which kind, or that a person wrote it.

Looks at sender, subject and wording only; whom a report speaks of is in `report_status` and
`report_text`. Subjects count from their beginning, so that ``Re: Undeliverable`` stays a person's.
"""

from __future__ import annotations

import re
from email.message import Message

from mailer.message.automatic import author_addresses, is_daemon, is_unsubscribe_button
from mailer.message.parse import field_names, header, headers
from mailer.message.report_parts import ReportParts
from mailer.message.vacation import is_vacation_subject

PROSE_CHARS = 6_000

_REPLY = re.compile(
    r"\s*(?:re|aw|sv|vs|antw|odp|ynt|res|rif|fwd?|wg|tr|enc|rv|vl|fs|doorst|i|r|回复|回覆|答复|转发|轉寄"
    r"|답장|전달|отв|ответ"
    r"|πρθ|απ|تحويل|رد|השב|הועבר)(?:\s?\[\d+\])?\s?[:：]",
    re.IGNORECASE,
)
_DAEMON_NAME = re.compile(
    r"mail(?:er)?[ _-]?(?:delivery|daemon|deliver|administrator|system|server|service)"
    r"|post[ _-]?master|system[ _-]?administrator|delivery (?:subsystem|system|service"
    r"|notification|agent)"
    r"|microsoft outlook|microsoft exchange|e-?mail (?:administrator|delivery)|mailer-daemon"
    r"|systemadministrator|administrador del sistema|administrateur système|quarantine|interscan"
    r"|bounce",
    re.IGNORECASE,
)
_FAILURE_SUBJECT = re.compile(
    r"\W{0,4}(?:\*+\s?\w{1,12}\s?\*+\s?|\[[^\]]{1,30}\]\s*)?(?:"
    r"undeliver(?:ed|able)|returned (?:mail|e-?mail|message|to sender)"
    r"|return(?:ing)? (?:of )?(?:mail|message)"
    r"|failure (?:notice|delivery)|delivery (?:has )?(?:status notification|fail|error|problem"
    r"|report|notification|status|unsuccessful)"
    r"|(?:mail|e-?mail|message|mail message) (?:delivery|could not be|not be|system error"
    r"|undeliver|not deliver|cannot be|can ?not|error|failure|was not|has not|status|returned"
    r"|transfer|bounced|rejected|failed)"
    r"|(?:message|mail|e-?mail)? ?status - undeliver|non[- ]?deliver|ndn\b|nondeliver"
    r"|bounced? (?:mail|message|e-?mail)"
    r"|(?:permanent|fatal) (?:delivery )?(?:failure|error)|unable to deliver"
    r"|could not (?:deliver|send)|cannot (?:deliver|send)|not delivered"
    r"|failed (?:mail|message|delivery|to deliver)|(?:user|recipient|addressee) (?:unknown"
    r"|not (?:found|listed))|unknown (?:user|recipient|address)|error sending|problem delivering"
    r"|rejected (?:mail|message|posting)?\b|blocked (?:mail|message)|mail system error"
    r"|warning: could not send|delivery(?:-| )?(?:failed|failure)|smtp (?:delivery )?error"
    r"|mail error|report (?:nondelivery|delivery)|loop alert"
    r"|unzustellbar|nicht zustellbar|zustellung(?:s|en)?(?:fehler| fehlgeschlagen"
    r"|sbenachrichtigung)|fehler beim (?:senden|zustellen)|unzustellbare|mail konnte nicht"
    r"|die (?:mail|nachricht) konnte|rückläufer|benachrichtigung (?:zum|über den) (?:ü"
    r"|ue)bermittlungs"
    r"|non remis|échec de (?:la )?remise|message non|avis de non|notification (?:d'|de )?(?:état"
    r"|échec|non)|non (?:délivr|distribu)|échec de|retour de mail|courrier non|impossible (?:d"
    r"|à)"
    r"|no (?:se puede|se ha podido|se pudo|entregad|entregable)|error (?:de|en la) entrega"
    r"|devuelto|mensaje (?:no|devuelto)|notificaci[oó]n d|imposible"
    r"|non (?:recapitabile|recapitato|consegn)|mancat[ao] (?:recapito|consegna)|impossibile"
    r"|notifica (?:sullo|di)|errore (?:di|nella) (?:consegna|recapito)|mancato recapito"
    r"|n[ãa]o (?:é poss[íi]vel|entreg|foi)|falha (?:na|ao|de)|devolvid|mensagem (?:n[ãa]o"
    r"|devolvida)|notificação d|impossível"
    r"|onbestelbaar|niet (?:afgeleverd|bezorg|bestel)|kan (?:niet|ikke|inte)|olevererbar"
    r"|kunne ikke|ej levererbar|gick inte|inte levere|ikke levert|ei voi|toimittamat|perille"
    r"|niedostarcz|nie można|nie dostarczono|zwrot|nedoru[čc]|kézbesíthetetlen|nem kézbesít"
    r"|nelivr|ne(?:dostavlj|isporuč)|μη παραδ|αποτυχία|iletilemedi|teslim edilem|gönderilemedi"
    r"|не ?доставлен|недоставлен|невозможно|сообщение не|письмо не|ошибка доставки|возврат"
    r"|не вдалося|недоставлено|неуспешн"
    r"|配信(?:不能|でき|に失敗|エラー|不可)|送信(?:エラー|でき|失敗|不能)"
    r"|メール(?:配信|送信|が|の|サーバ)|未配信|不達"
    r"|配送(?:不能|エラー)|エラー"
    r"|リターンメール|退信|系统退信|系統退信|未送达|未送達|无法(?:投递|送达|传递|发送)"
    r"|無法(?:投遞|傳遞|遞送|送達)"
    r"|邮件(?:退回|未|无法|投递)|投递失败"
    r"|傳送失敗|退回"
    r"|배달 ?(?:실패|되지|할 수)|반송|전송 ?실패|발송 ?실패|لم يتم|تعذر|فشل"
    r"|לא ניתן|מסירה|không (?:thể|gửi"
    r"|phát)|gagal|tidak (?:dapat|terkirim)"
    r")",
    re.IGNORECASE,
)
_FAILURE_PROSE = re.compile(
    r"(?:could not|couldn't|wasn't able to|was not able to|can ?not|can't|was not|wasn't"
    r"|were not|has not been|not be|unable to(?: be)?|un-?able to|did not|failed to|failure to"
    r"|not able to) (?:be )?(?:\S{1,20} ){0,3}(?:deliver|reach|sent|send|complet|transmit"
    r"|process|forward)"
    r"|(?:had|following|these|permanent|fatal|delivery|returned"
    r"|with)(?: \S{1,20}){0,5} (?:errors?|problems?|failures?)|undeliver|delivery (?:to|of|has"
    r"|status|attempt)[^.]{0,80}(?:fail|unsuccess|reject|refus|error|abort)|(?:was|been|is being"
    r"|were) (?:returned|rejected|bounced|refused|blocked|quarantined)"
    r"|duplicated message-id"
    r"|returned (?:to (?:you|sender)|mail|message)|permanent(?:ly)? (?:error|fail|fatal)"
    r"|failed permanently|failed recipient|delivery fail|message (?:you sent )?(?:was"
    r"|has been)? ?(?:not deliver|undeliver|rejected|returned)|transcript of (?:the )?session"
    r"|user (?:is )?unknown|unknown user|no such user|mailbox (?:is )?full|over ?quota"
    r"|quota exceed|not listed in|unknown recipient"
    r"|recipient(?:s)? (?:\S{1,20} ){0,3}(?:rejected|refused|unknown)|5\d\d[ -]5\.\d\.\d"
    r"|mail(?:box)? (?:unavailable|not found)|said: 5\d\d|<<< 5\d\d|not (?:a )?(?:valid|found"
    r"|exist)|does not exist|account (?:is )?(?:disabled|closed|inactive)|invalid (?:recipient"
    r"|address|final|user)|bounced"
    r"|nicht (?:zugestellt|zustell|ausgeliefert|übermittelt|gesendet|erreich)|unzustellbar"
    r"|fehlgeschlagen|n'a (?:pas )?(?:pu|été)|pas pu être|non remis|échec|no (?:se|ha|pudo)"
    r"|entrega|impossibile|non è stato|consegn|recapit|n[ãa]o (?:foi|p[ôo]de)|niet (?:worden"
    r"|afgelever|bezorg)|kunde inte|kunne ikke|nie (?:może|można|zosta)|nelze|nebyl"
    r"|nem (?:sikerült|kézbesít)|не (?:удалось|может|был|доставл)|ошибк|невозможно|できません"
    r"|エラー|失敗"
    r"|届|配信|无法|失败|退回|未能|無法|失敗|실패|반송|수 없",
    re.IGNORECASE,
)
_DELAY_SUBJECT = re.compile(
    r"\W{0,4}(?:warning:? (?:message .{1,60} delayed|could not send (?:message"
    r"|mail) for (?:the )?past|message)"
    r"|(?:mail |message |e-?mail )?delivery (?:is |has been "
    r"|status notification \()?(?:\()?delay|delayed (?:mail|delivery|message)"
    r"|delivery status notification \(?(?:delay|incomplete)"
    r"|message (?:delivery )?(?:is |has been )?delayed|your (?:message|mail).{1,60}delayed"
    r"|delay(?:ed)?\b|undelivered mail.{0,20}still|zustellung.{0,30}verzögert|verzögert"
    r"|übermittlungsverzögerung"
    r"|remise (?:\S{1,12} )?(?:retard|différ)|retard[eé]|entrega (?:\S{1,12} )?(?:retrasad"
    r"|atrasad|demorad)|retras|demora|ritard|vertraag|försena|forsinke|viivä|opóźni|zpožd|задерж"
    r"|отложен|遅延|遅れ|延迟|延遲|지연)",
    re.IGNORECASE,
)
_DELAY_PROSE = re.compile(
    r"this is a warning message only|(?:you|there is no need to"
    r"|do not need to) (?:do not need to |don't need to )?(?:resend|re-send)"
    r"|not yet been delivered|has not (?:yet )?been delivered (?:yet|to|after)"
    r"|delivery (?:attempts )?will continue|will (?:continue|keep) (?:to )?(?:try|retry|attempt)"
    r"|(?:will|shall) (?:be )?(?:retr(?:y|ied)|try again)"
    r"|delivery (?:to the following recipients? )?has been delayed|message (?:will be"
    r"|is being) retried|no action is required on your part|still trying"
    r"|attempts to deliver the message will|has been delayed|is delayed|wird weiter versucht"
    r"|nouvelles tentatives|tentera",
    re.IGNORECASE,
)
_GAVE_UP = re.compile(
    r"permanent error|given up|giving up|gave up|failed permanently|permanent failure"
    r"|has been returned|message expired|too long"
    r"|fatal errors|returned to you|retry timeout exceeded|time limit exceeded|maximum retries",
    re.IGNORECASE,
)
_SUCCESS_SUBJECT = re.compile(
    r"\W{0,4}(?:delivery status notification \((?:success|relay|expanded?)|delivered:|relayed:"
    r"|successful mail delivery|(?:mail|message) (?:was )?(?:successfully )?delivered"
    r"|success(?:ful)? (?:delivery|notice)|return receipt|read:|gelesen:|zugestellt:|lu\s?:"
    r"|leído:|letto:|lida:|gelezen:|läst:|прочитано:|delivery (?:receipt|confirmation)"
    r"|confirmation of delivery|übermittelt:|weitergeleitet:|remis\s?:|entregado:"
    r"|开封|開封|已读|已讀)",
    re.IGNORECASE,
)
_SUCCESS_PROSE = re.compile(
    r"(?<!not )(?<!not yet )(?:was|were|been) (?:successfully )?(?:delivered"
    r"|relayed) (?:successfully|to the following)|successfully (?:delivered|relayed|sent)"
    r"|your message (?:was|has been) (?:successfully )?(?:delivered|relayed|displayed|read"
    r"|opened)|this is (?:only )?a (?:return|delivery|read) receipt|relayed to the following"
    r"|ist (?:erfolgreich )?(?:zugestellt|gelesen) worden",
    re.IGNORECASE,
)
_REJECTED = re.compile(
    r"(?:automatically|was|been) (?:rejected|refused)|rejected mail|quota exceeded", re.IGNORECASE
)
# A program that first wants to know that a person wrote (RFC 3834 §4 advises against them).
_CHALLENGE = re.compile(
    r"(?:account|mailbox|address) is protected by"
    r"|add(?:ed)? (?:yourself )?to (?:my|the recipient's|their) (?:\S{1,12} )?"
    r"(?:allowed|approved|guest|safe|white) ?-?(?:senders?)? ?list",
    re.IGNORECASE,
)
_ABSENCE_FIELDS = [
    "x-autoreply",
    "x-auto-reply",
    "x-autorespond",
    "x-auto-respond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-autoreply-domain",
    "x-auto-reply-from",
    "x-mail-autoreply",
    "x-vacation",
    "x-out-of-office",
    "x-ps-autoreply",
]


def is_personal(parts: ReportParts) -> bool:
    """Whether this is a person's reply or forward, whatever it quotes."""
    message = parts.message
    if parts.kind == "multipart/report" or _has_daemon(message) or _is_null(message):
        return False
    if _submitted(message) or "x-failed-recipients" in field_names(message):
        return False
    if is_absence(parts):
        return False
    return _REPLY.match(header(message, "subject")) is not None


def is_failure(parts: ReportParts) -> bool:
    """Whether the mail says that something could not be delivered, and a mail server says so."""
    message = parts.message
    if "x-failed-recipients" in field_names(message):
        return True
    if is_absence(parts) and not _has_daemon(message):
        return False
    subject = _FAILURE_SUBJECT.match(header(message, "subject")) is not None
    prose = _FAILURE_PROSE.search(parts.prose[:PROSE_CHARS]) is not None
    if parts.kind == "multipart/report" and parts.report_type in ("delivery-status", ""):
        return subject or prose or _has_daemon(message)
    if _is_server(parts):
        return subject or prose
    of_people = field_names(message).intersection(("in-reply-to", "list-unsubscribe"))
    return subject and prose and not of_people


def is_delay(parts: ReportParts) -> bool:
    """Whether the mail only says that it takes longer."""
    message = parts.message
    if not (_is_server(parts) or is_failure(parts)):
        return False
    prose = parts.prose[:PROSE_CHARS]
    subject = _DELAY_SUBJECT.match(header(message, "subject")) is not None
    waits = _DELAY_PROSE.search(prose) is not None
    return (subject or waits) and not (_GAVE_UP.search(prose) and not (subject and waits))


def is_success(parts: ReportParts) -> bool:
    """Whether a server says that the mail arrived or was passed on."""
    message = parts.message
    if not _is_server(parts):
        return False
    subject = _SUCCESS_SUBJECT.match(header(message, "subject")) is not None
    prose = parts.prose[:PROSE_CHARS]
    return (subject or _SUCCESS_PROSE.search(prose) is not None) and not (
        _FAILURE_SUBJECT.match(header(message, "subject")) and _FAILURE_PROSE.search(prose)
    )


def is_receipt(parts: ReportParts) -> bool:
    """Whether this is a read receipt (RFC 8098)."""
    kinds = {part.kind for part in parts.parts}
    return parts.report_type == "disposition-notification" or bool(
        kinds & {"message/disposition-notification", "message/global-disposition-notification"}
    )


def is_rejection(parts: ReportParts) -> bool:
    """Whether a receipt says that the mail was turned away (RFC 5429 §2.2)."""
    submitted = header(parts.message, "auto-submitted").lower()
    told = f"{header(parts.message, 'subject')}\n{parts.prose[:PROSE_CHARS]}"
    return "(rejected" in submitted or _REJECTED.search(told) is not None


def is_absence(parts: ReportParts) -> bool:
    """Whether a person's program answers in their absence (RFC 3834, RFC 5230)."""
    message = parts.message
    if is_unsubscribe_button(message):
        return False
    told = " ".join(parts.prose[:PROSE_CHARS].split())
    if is_vacation_subject(header(message, "subject")) or _CHALLENGE.search(told):
        return True
    if "vacation" in header(message, "x-apple-action").lower():
        return True
    submitted = header(message, "auto-submitted").lower()
    if field_names(message).intersection(_ABSENCE_FIELDS):
        return not (submitted.startswith("auto-generated") and _has_daemon(message))
    if header(message, "precedence").lower() in ("auto_reply", "auto-reply", "autoreply"):
        return True
    return submitted.startswith(("auto-replied", "auto-responded")) and not _has_daemon(message)


def is_answer(parts: ReportParts) -> bool:
    """Whether it has no sender to answer to and yet comes from no server: RFC 3834 §3.3."""
    nowhere = any(path.strip() in ("", "<>") for path in headers(parts.message, "return-path")[:1])
    return nowhere and not _has_daemon(parts.message) and bool(author_addresses(parts.message))


def _is_server(parts: ReportParts) -> bool:
    """Whether a mail server wrote it."""
    return parts.kind == "multipart/report" or _has_daemon(parts.message) or _is_null(parts.message)


def _submitted(message: Message) -> bool:
    value = header(message, "auto-submitted").lower()
    return bool(value) and not value.startswith("no")


def _is_null(message: Message) -> bool:
    paths = headers(message, "return-path")[:1]
    return any(path.strip() in ("", "<>") or is_daemon(path) for path in paths)


def _has_daemon(message: Message) -> bool:
    """Whether the mail comes from a mail server, by address or name."""
    if any(is_daemon(address) for address in author_addresses(message)):
        return True
    if "x-ms-exchange-message-is-ndr" in field_names(message):
        return True
    author = header(message, "from")
    if author == "<>":
        return True
    name = author.partition("<")[0].strip(" \"'") or author
    return _DAEMON_NAME.search(name[:200]) is not None
