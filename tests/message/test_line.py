"""Lines as people write them: which are commands, and which only contain a command's word."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.command import (
    Command,
    Confirm,
    Help,
    Pause,
    Register,
    Resume,
    SetLanguage,
    SetTimezone,
    ShowProgramme,
    ShowStatus,
    Skip,
    Subscribe,
    Unsubscribe,
)
from mailer.message.line import read_line
from mailer.message.phrase import key
from tests.examples import examples

TOKEN = "mheavunafqxk5bgdvqlpto47kq"
KNOWN = frozenset({key("copyright"), key("ann@example.org")})
UNTIL = Pause(until=date(2026, 10, 28))

SAYINGS: dict[Command, dict[str, list[str]]] = {
    Subscribe(): {
        "en": [
            "subscribe",
            "SUBSCRIBE",
            "join",
            "signup",
            "Sign-up",
            "subscribe me",
            "Re: Subscribe!",
            "Please subscribe me to your mailing list.",
            "Hi, please add me to the list. Thanks!",
            "I would like to join",
            "I'd like to subscribe to the webinars, please",
            "Fwd: [webinars] subscribe",
            "subscribe copyright",
            "ｓｕｂｓｃｒｉｂｅ",
            '"subscribe"',
            "*subscribe*",
            "subscribe Ann@Example.org",
            "AW: WG: Re[2]: subscribe",
        ],
        "fr": [
            "s'abonner",
            "S’abonner",
            "abonner",
            "inscription",
            "je voudrais m'abonner svp",
            "Bonjour, merci de bien vouloir m'inscrire à la liste de diffusion",
            "abonnement",
        ],
        "es": [
            "suscribir",
            "suscribirse",
            "Suscripción",
            "quiero suscribirme",
            "alta",
            "Por favor, inclúyanme en la lista de correo",
        ],
        "ru": [
            "подписаться",
            "хочу подписаться на рассылку",
            "Пожалуйста, подпишите меня",
            "подписка",
        ],
        "ar": ["اشتراك", "الاشتراك", "رد: اشتراك", "أريد الاشتراك في القائمة البريدية"],
        "zh": ["订阅", "訂閱", "我要订阅", "请把我加入邮件列表", "回复：订阅", "[webinars] 訂閱"],
    },
    Unsubscribe(): {
        "en": [
            "unsubscribe",
            "leave",
            "remove",
            "signoff",
            "Unsubscribe please",
            "un-subscribe",
            "please remove me from your mailing list",
            "STOP EMAILING ME",
            "take me off this list",
            "Can you please unsubscribe me?",
            "[unsubscribe]",
            "unsuscribe",
            "opt out",
            "unsubscribe ann@example.org",
            "I want to unsubscribe.",
            "cancel my subscription",
            "I no longer wish to receive these emails",
            "please, stop sending me emails. Thank you!",
            "unsub",
            "Unsub me, please",
            "cancel",
            "Please cancel the subscription",
            "opt-out",
            "optout",
            "unsubscribe newsletter",
        ],
        "fr": [
            "se désabonner",
            "désabonner",
            "Désabonnement",
            "merci de me désabonner",
            "me désinscrire",
            "Je souhaite me désabonner de la liste, merci",
            "DESINSCRIPTION",
            "Je ne souhaite plus recevoir vos mails",
            "TR: me désabonner",
            "annuler abonnement",
            "annuler mon abonnement",
            "désinscription",
        ],
        "es": [
            "cancelar suscripción",
            "cancelar suscripcion",
            "baja",
            "Por favor, darme de baja",
            "Solicito la baja de la lista",
            "ya no quiero recibir sus correos",
            "RV: baja",
            "cancelar",
        ],
        "ru": [
            "отписаться",
            "Отв: отписаться",
            "Пожалуйста, отпишите меня от рассылки",
            "стоп",
            "больше не присылайте мне письма",
            "отменить подписку",
            "отмена подписки",
        ],
        "ar": [
            "إلغاء",
            "إلغاء الاشتراك",
            "الغاء الاشتراك",
            "أريد إلغاء الاشتراك من فضلك",
            "إلغاءُ الاشتراكِ",
        ],
        "zh": [
            "退订",
            "退訂",
            "请取消订阅，谢谢",
            "我想退订邮件列表",
            "请把我从邮件列表中删除",
            "回覆: 退訂",
            "取消",
            "取消订阅",
            "取消訂閱",
        ],
    },
    Confirm(): {
        "en": ["confirm", "yes", "Yes please", "I confirm"],
        "fr": ["oui", "je confirme", "d'accord"],
        "es": ["sí", "si", "confirmo"],
        "ru": ["да", "подтверждаю"],
        "ar": ["نعم", "أؤكد"],
        "zh": ["是", "好的", "确认", "確認"],
    },
    Confirm(token=TOKEN): {
        "en": [f"confirm {TOKEN}", f"Re: Confirm: {TOKEN.upper()}.", f"yes {TOKEN}"],
        "fr": [f"confirmer {TOKEN}"],
        "es": [f"confirmar {TOKEN}"],
        "ru": [f"подтвердить {TOKEN}"],
        "ar": [f"تأكيد {TOKEN}"],
        "zh": [f"确认{TOKEN}", f"確認 {TOKEN}"],
    },
    Help(): {
        "en": ["help", "help me"],
        "fr": ["aide", "À l'aide !"],
        "es": ["ayuda"],
        "ru": ["помощь"],
        "ar": ["مساعدة"],
        "zh": ["帮助", "幫助"],
    },
    ShowStatus(): {
        "en": ["status"],
        "fr": ["statut", "état", "mon abonnement"],
        "es": ["estado"],
        "ru": ["статус"],
        "ar": ["الحالة"],
        "zh": ["状态", "狀態"],
    },
    ShowProgramme(): {
        "en": ["next", "program"],
        "fr": ["prochain webinaire"],
        "es": ["programa"],
        "ru": ["программа"],
        "ar": ["البرنامج"],
        "zh": ["日程", "節目"],
    },
    Register(): {
        "en": ["register"],
        "es": ["registrarse"],
        "ru": ["регистрация"],
        "ar": ["تسجيل"],
        "zh": ["报名", "報名"],
    },
    Register(number=12): {
        "en": ["register 12", "register for webinar #12", "Register me for 12 please"],
        "fr": ["inscription 12", "s'inscrire au webinaire 12", "m'inscrire 12"],
        "es": ["inscribirme en el seminario 12", "registro 12"],
        "ru": ["записаться на вебинар № 12", "регистрация 12"],
        "ar": ["تسجيل ١٢", "سجلني في الندوة رقم 12"],
        "zh": ["报名12", "報名 第12場", "报名第１２场"],
    },
    Skip(number=3): {
        "en": ["skip 3"],
        "fr": ["passer le 3"],
        "es": ["saltar 3"],
        "ru": ["пропустить 3"],
        "ar": ["تخطي ٣"],
        "zh": ["跳过3", "取消报名3"],
    },
    SetLanguage(language="fr"): {
        "en": ["language fr", "language: French", "language=fr"],
        "fr": ["langue français"],
        "es": ["idioma francés"],
        "ru": ["язык французский"],
        "ar": ["اللغة الفرنسية"],
        "zh": ["语言 法语", "語言改為法語"],
    },
    SetTimezone(zone="Europe/Zurich"): {
        "en": ["timezone Europe/Zurich", "time zone: Europe/Zurich"],
        "fr": ["fuseau horaire Europe/Zurich"],
        "es": ["zona horaria Europe/Zurich"],
        "ru": ["часовой пояс Europe/Zurich"],
        "ar": ["المنطقة الزمنية Europe/Zurich"],
        "zh": ["时区 Europe/Zurich", "時區Europe/Zurich"],
    },
    UNTIL: {
        "en": ["pause until 28.10.2026", "pause until 28 October 2026, please"],
        "fr": ["pause jusqu'au 28 octobre 2026", "suspendre 28/10/2026"],
        "es": ["pausa hasta el 28 de octubre de 2026"],
        "ru": ["пауза до 28 октября 2026 г."],
        "ar": ["إيقاف مؤقت حتى ٢٨ أكتوبر ٢٠٢٦", "إيقاف مؤقت حتى 28 تشرين الأول 2026"],
        "zh": ["暂停到2026年10月28日", "暫停至２０２６年１０月２８日"],
    },
    Pause(until=None): {
        "en": ["pause until further notice", "pause until next week"],
        "ru": ["пауза"],
        "zh": ["暂停"],
    },
    Resume(): {
        "en": ["resume"],
        "fr": ["reprendre"],
        "es": ["reanudar"],
        "ru": ["возобновить"],
        "ar": ["استئناف"],
        "zh": ["恢复", "恢復"],
    },
}
LINES = [
    (line, command, language)
    for command, languages in SAYINGS.items()
    for language, lines in languages.items()
    for line in lines
]


@pytest.mark.parametrize(("line", "command", "language"), LINES)
def test_line_is_understood_in_its_language(line: str, command: Command, language: str) -> None:
    found = read_line(line, KNOWN)
    assert found
    assert (found.command, found.languages) == (command, frozenset({language}))


@pytest.mark.parametrize(
    ("line", "command", "languages"),
    [
        ("ok", Confirm(), {"en", "fr", "es", "ru", "ar", "zh"}),
        ("stop", Unsubscribe(), {"en", "fr"}),
        ("programme", ShowProgramme(), {"en", "fr"}),
        ("pause 2026-10-28", UNTIL, {"en", "fr"}),
    ],
)
def test_word_of_several_languages_names_them_all(
    line: str, command: Command, languages: set[str]
) -> None:
    found = read_line(line)
    assert found
    assert (found.command, found.languages) == (command, frozenset(languages))


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "!!!",
        "Re:",
        "[webinars]",
        "please",
        "thanks",
        "Hello",
        "copyright",
        "how do I unsubscribe from X?",
        "How can I subscribe a colleague?",
        "do not unsubscribe me",
        "unsubscribe bob@example.org",
        "subscribe bob@example.org",
        "unsubscribe subscribe",
        "To unsubscribe, press the button below",
        "Thank you for the great webinar",
        "What is the programme of next week?",
        "pause for thought",
        "language of the webinar",
        "timezone for the webinar",
        "register my colleague",
        "confirm whatever you like",
        "I stopped by the stand",
        "Comment me désabonner de l'autre liste ?",
        "推荐",
        "我不想退订",
        "не хочу отписаться",
        "No quiero darme de baja",
        "لا أريد إلغاء الاشتراك",
        "confirm mheavunafqxk5bgdvqlpto47",
        "register twelve",
        "unsubscribe " * 30,
        "cancel the webinar",
        "unsubscribe from talks of the sea and more",
    ],
)
def test_line_that_only_contains_a_word_is_no_command(line: str) -> None:
    assert read_line(line, KNOWN) is None


CALLED = frozenset(map(key, ("talks", "talks@example.org", "Talks, of the Sea", "海洋讲座")))
NAMED: dict[Command, dict[str, list[str]]] = {
    Subscribe(): {
        "en": ["subscribe Talks of the Sea", "subscribe to talks@example.org", "join the talks"],
        "fr": ["s'abonner à Talks of the Sea", "m'inscrire aux talks", "abonnement talks"],
        "es": ["suscribirme a Talks of the Sea", "alta en talks", "suscripción al boletín talks"],
        "ru": [
            "подписаться на Talks of the Sea",
            "подписка talks",
            "подписаться на рассылку talks",
        ],
        "ar": ["اشتراك في Talks of the Sea", "اشتراك talks", "الاشتراك في قائمة talks"],
        "zh": ["订阅 Talks of the Sea", "订阅海洋讲座", "訂閱talks"],
    },
    Unsubscribe(): {
        "en": ["unsubscribe talks", "unsubscribe me from Talks, of the Sea", "leave talks list"],
        "fr": ["désabonner de Talks of the Sea", "désinscription du talks", "désabonnement talks"],
        "es": ["darme de baja de Talks of the Sea", "baja del talks", "baja talks@example.org"],
        "ru": ["отписаться от Talks of the Sea", "отписка talks", "отписаться от рассылки talks"],
        "ar": ["إلغاء الاشتراك في Talks of the Sea", "إلغاء الاشتراك talks"],
        "zh": ["退订 Talks of the Sea", "取消订阅海洋讲座", "从海洋讲座中退订"],
    },
}


@pytest.mark.parametrize(
    ("line", "command", "language"),
    [
        (line, command, language)
        for command, languages in NAMED.items()
        for language, lines in languages.items()
        for line in lines
    ],
)
def test_names_of_the_series_stand_for_the_list_in_each_language(
    line: str, command: Command, language: str
) -> None:
    found = read_line(line, KNOWN, CALLED)
    assert found
    assert (found.command, found.languages) == (command, frozenset({language}))


@pytest.mark.parametrize(
    "line", ["talks", "Talks of the Sea", "the talks", "how do I leave talks?", "unsubscribe sea"]
)
def test_a_name_alone_or_a_sentence_with_it_is_no_command(line: str) -> None:
    assert read_line(line, KNOWN, CALLED) is None


@pytest.mark.parametrize(
    "word", ["please ", "ok ", "我", "the list ", "pause 1 ", "ﷺ", "订阅 ", "[a]"]
)
def test_hostile_line_takes_no_time(word: str) -> None:
    read_line("subscribe")  # the tables are made once
    started = time.process_time()
    read_line(word * 50_000, KNOWN, CALLED)
    assert time.process_time() - started < 0.5


@settings(max_examples=examples(150), deadline=None)
@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                "please",
                "pause",
                "register",
                "3",
                "until",
                "28",
                "October",
                "2026",
                "订阅",
                "language",
                "fr",
                "第",
                ":",
                "the",
                "list",
            ]
        ),
        max_size=12,
    ).map(" ".join)
)
def test_no_line_raises(line: str) -> None:
    read_line(line, KNOWN, CALLED)
