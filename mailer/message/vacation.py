"""Subjects of automatic absence replies that carry no header to tell them by.

A table of phrases in some thirty languages. A subject matches only when it *begins* with the phrase
and what follows is nothing, or set off by a mark or an answered subject (``Out of office: …``, ``On
leave Re: …``): so a person's ``Re: Automatic reply …``, ``Vacation photos`` or ``Away from
Geneva?`` never does.
"""

from __future__ import annotations

import re
import unicodedata

_PHRASES = (
    # English
    "automatic reply|auto reply|autoreply|auto-reply|automated reply|automatic response"
    "|autoresponse"
    "|auto response|auto-response|automated response|out of office|out of the office"
    "|out-of-office"
    "|out of office autoreply|out of office reply|out of office message"
    "|out of office notification"
    "|vacation reply|vacation message|vacation response|vacation autoreply|away from the office"
    "|i am out of the office|i'm out of the office|i am out of office"
    "|i am currently out of the office"
    "|currently out of the office|away from my mail|away from my email|away from e-mail"
    "|on vacation"
    "|on holiday|on leave|on annual leave|annual leave|on maternity leave|on parental leave"
    "|i am away|i'm away|i am on leave|i am on vacation|i am on holiday|absence notice|ooo"
    "|i'm on vacation|i'm on holiday|i'm on leave|i'm out of office|vacation|auto",
    # German
    "automatische antwort|abwesenheitsnotiz|abwesenheit|abwesenheitsmeldung|abwesenheitsassistent"
    "|abwesenheitsagent|abwesenheitsbenachrichtigung|abwesenheitsnachricht"
    "|automatische rückantwort"
    "|autom. antwort|automatische abwesenheitsnotiz|automatische nachricht|ich bin nicht im büro"
    "|urlaub"
    "|ich bin im urlaub|ich bin außer haus|nicht im büro|außer haus|urlaubsnotiz|urlaubsmeldung",
    # French
    "réponse automatique|absence du bureau|absent du bureau|message d'absence|avis d'absence"
    "|notification d'absence|absence|absent|absente|en congé|en congés|en vacances|je suis absent"
    "|je suis absente|je suis en congé|je suis en congés|réponse d'absence|message automatique"
    "|absente du bureau|je suis absent du bureau|je suis absente du bureau|je suis en vacances"
    "|je suis actuellement absent|je suis actuellement absente|vacances",
    # Spanish, Catalan, Galician, Basque
    "respuesta automática|fuera de la oficina|fuera de oficina|ausente de la oficina"
    "|autorespuesta"
    "|mensaje automático|estoy fuera de la oficina|estoy de vacaciones|de vacaciones"
    "|estoy ausente|vacaciones"
    "|aviso de ausencia|ausencia|resposta automàtica|fora de l'oficina|erantzun automatikoa",
    # Portuguese
    "resposta automática|ausência temporária|fora do escritório|estou fora do escritório"
    "|ausente do escritório|de férias|estou de férias|mensagem automática|ausência|em férias",
    # Italian, Romanian
    "risposta automatica|fuori ufficio|fuori sede|assente dall'ufficio|assenza dall'ufficio"
    "|in ferie"
    "|sono in ferie|messaggio automatico|avviso di assenza|autorisposta|assenza"
    "|răspuns automat|în afara biroului|absent de la birou|în concediu",
    # Dutch, Afrikaans
    "automatisch antwoord|automatische beantwoording|afwezigheidsbericht|afwezig|afwezigheid"
    "|afwezigheidsassistent|niet aanwezig|niet op kantoor|ik ben afwezig|met vakantie"
    "|outomatiese antwoord",
    # Danish, Norwegian, Swedish, Icelandic
    "automatisk svar|automatisk besvarelse|autosvar|fraværsbesked|ikke på kontoret|ikke til stede"
    "|fraværsmelding|fravær|automatiskt svar|frånvaromeddelande|frånvarobesked|frånvaro"
    "|ej på kontoret|inte på kontoret|på semester|på ferie|sjálfvirkt svar",
    # Finnish, Estonian, Latvian, Lithuanian
    "automaattinen vastaus|poissaoloilmoitus|poissa toimistosta|poissaolo|en ole paikalla|lomalla"
    "|automaatvastus|automaatne vastus|kontorist väljas|automātiska atbilde|automātiskā atbilde"
    "|automatinis atsakymas|nesu biure",
    # Polish, Czech, Slovak, Slovene, Croatian, Serbian
    "automatyczna odpowiedź|odpowiedź automatyczna|autoodpowiedź|poza biurem|nieobecność"
    "|nieobecność w biurze|jestem na urlopie|na urlopie|automatická odpověď|mimo kancelář"
    "|automatické odpovědi|automatické odpovede|automatické odpoveď"
    "|nepřítomnost|dovolená|automatická odpoveď|mimo kancelárie|neprítomnosť|samodejni odgovor"
    "|odsotnost|automatski odgovor|automatski odziv|odsutnost|аутоматски одговор",
    # Hungarian, Greek, Turkish, Albanian, Maltese
    "automatikus válasz|automatikus üzenet|házon kívül|irodán kívül|szabadságon|távollét"
    "|αυτόματη απάντηση|εκτός γραφείου|απουσία|otomatik yanıt|otomatik cevap|ofis dışında"
    "|ofis dışındayım|izindeyim|përgjigje automatike|tweġiba awtomatika",
    # Russian, Ukrainian, Bulgarian, Macedonian, Belarusian, Kazakh
    "автоматический ответ|автоответ|автоматическое уведомление|нет на работе|вне офиса|в отпуске"
    "|отпуск|я нахожусь в отпуске"
    "|я в отпуске|отсутствую|отсутствие на работе|автоматична відповідь|автовідповідь|відпустка"
    "|автоматичен отговор|извън офиса|в отпуска|автоматски одговор|аўтаматычны адказ",
    # Arabic, Hebrew, Persian, Urdu
    "رد تلقائي|الرد التلقائي|خارج المكتب|في إجازة|תשובה אוטומטית|מענה אוטומטי|מחוץ למשרד|בחופשה"
    "|پاسخ خودکار|خارج از دفتر|خودکار جواب",
    # Chinese, Japanese, Korean
    "自动答复|自动回复|自動回覆|自動答覆|不在办公室|外出|休假|休假中|我在休假|我正在休假|我正在休假中|外出通知|自動応答|自動返信|自動応答メール"
    "|不在通知|不在のお知らせ|不在連絡|休暇中|休暇のお知らせ"
    "|자동 회신|자동회신|자동 응답|자동응답|부재중|부재 중",
    # Hindi, Bengali, Thai, Vietnamese, Indonesian, Malay, Filipino, Swahili
    "स्वचालित उत्तर|स्वत: उत्तर|স্বয়ংক্রিয় উত্তর|ตอบกลับอัตโนมัติ|การตอบกลับอัตโนมัติ"
    "|ไม่อยู่ที่สำนักงาน|thư trả lời tự động"
    "|trả lời tự động|vắng mặt|balasan otomatis|jawaban otomatis|di luar kantor|balasan automatik"
    "|awtomatikong tugon|jibu otomatiki",
)
_SHORT = 12  # characters; a shorter phrase counts as the whole subject or before a colon only
# Everyday words, which a person may well write about: before a colon only.
_EVERYDAY = (
    "absence|absent|absente|abwesenheit|ausencia|ausência|assenza|absent|afwezig|fravær|frånvaro"
    "|poissaolo|nieobecność|dovolená|odsotnost|odsutnost|távollét|απουσία|外出"
    "|on leave|on vacation|on holiday|annual leave|izindeyim|vắng mặt|부재중|부재 중"
    "|auto|vacation|vacances|vacaciones|urlaub"
)
_BRACKETED = re.compile(r"[\[(]\s*([^\])]{3,60})\s*[\])]")
_AFTER = re.compile(r"\s*(?:[:：;\-–—|,.!(\[/（【]|$)")
_AFTER_SHORT = re.compile(r"\s*(?:[:：(\[（【]|[.!]?\s*$)")
_COLON = re.compile(r"\s*[:：]")
_ANSWERED = re.compile(r"\s+(?:re|aw|sv|vs|antw|tr|wg|fw|fwd|odp|отв|ha)\s*[:：]")  # "Away Re: …"


def _plain(value: str) -> str:
    """Case and accents of Latin letters aside; other scripts keep their marks."""
    folded = unicodedata.normalize("NFKD", value.replace("’", "'").casefold())
    bare = "".join(c for c in folded if not "\u0300" <= c <= "\u036f")
    return " ".join(unicodedata.normalize("NFC", bare).split())


_KNOWN = frozenset(_plain(phrase) for line in _PHRASES for phrase in line.split("|"))
_ONLY_WITH_COLON = frozenset(map(_plain, _EVERYDAY.split("|")))
_LONGEST = max(map(len, _KNOWN))
# Long phrases that are unmistakable may be followed by words: "Automatic reply to your mail".
_FOLLOWED = (
    re.compile(
        r"(?:automatic reply|auto-?reply|out of (?:the )?office(?: auto-?reply)?"
        r"|automatische antwort"
        r"|abwesenheitsnotiz|reponse automatique|respuesta automatica|risposta automatica)"
        r" (?:from|to|for|on|until|till|von|auf|zu|bis|de|a|du|da|di|per|re)\b"
    ),
    re.compile(
        r"(?:i am|i'm) (?:currently )?(?:out of (?:the )?office|away|on (?:annual )?leave) \w"
    ),
    re.compile(
        r"(?:(?:(?:i am|i'm) )?(?:currently )?(?:on (?:vacation|holidays?|(?:annual )?leave)"
        r"|away from (?:the|my) (?:office|desk)))"
        r" (?:until|till|from \d|through)\b"
    ),
    re.compile(
        r"je suis (?:actuellement )?(?:absente?|en (?:conges?|vacances))"
        r" (?:du (?:bureau|\d)|jusqu')"
    ),
    re.compile(r"(?:я )?(?:нахожусь )?в отпуске (?:до|с|по)\b"),
    re.compile(r"(?:自动回复|自動回覆|自動返信|自動応答|不在通知|자동 ?회신|자동 ?응답)"),
)


def is_vacation_subject(subject: str) -> bool:
    """Whether a subject is that of an automatic absence reply."""
    plain = _plain(subject[:300])
    bracketed = _BRACKETED.match(plain)
    if bracketed and bracketed.group(1).strip() in _KNOWN:
        return True
    if any(pattern.match(plain) for pattern in _FOLLOWED):
        return True
    for length in range(min(_LONGEST, len(plain)), 1, -1):
        if plain[:length] in _KNOWN:
            if _ANSWERED.match(plain, length):
                return True
            if plain[:length] in _ONLY_WITH_COLON:
                return _COLON.match(plain, length) is not None
            after = _AFTER if length > _SHORT else _AFTER_SHORT
            return after.match(plain, length) is not None
    return False
