"""Spanish words of the commands; notation in `phrase`."""

from mailer.message.phrase import Verb, Words

_TO = "[[a|al|en|para] {list}|al (boletín|listado|webinar|seminario)]"
_FROM = "[[de|del|a|en] {list}|del (boletín|listado|webinar|seminario)]"

WORDS = Words(
    code="es",
    lists=(
        "[la|esta|su|sus|los|estos|las|estas|el|este|mis] (lista|lista de correo"
        "|lista de distribución|boletín|serie|seminarios|seminarios web|webinars|webinarios"
        "|anuncios|correos|mensajes|emails|invitaciones|avisos|notificaciones)"
        "|[la|el|los|las|su|sus|esta|este|lista|la lista|serie|la serie|boletín|el boletín"
        "|seminarios|los seminarios|webinars|los webinars] {name}"
    ),
    bare={
        Verb.SUBSCRIBE: (
            f"(suscribir|suscribirse|suscribirme|suscribirnos|subscribir|subscribirse) {_TO}",
            f"(suscríbame|suscríbanme|suscríbeme|suscribidme|me suscribo|me inscribo) {_TO}",
            f"(suscripción|suscrición|subscripción) {_TO}",
            f"(inscribir|inscribirse|inscribirme|inscríbame|inscríbanme|inscripción) {_TO}",
            f"[dar|darme|darse|denme|deme|solicito el|solicitar el] [de] alta {_TO}",
            f"(apuntarme|apúntame|apúnteme|apúntenme|apuntarse) {_TO}",
            f"(añadirme|añádame|añádanme|agregarme|agrégame|agréguenme|inclúyanme) {_TO}",
            f"(unirse|unirme) {_TO}",
            "recibir {list}",
        ),
        Verb.UNSUBSCRIBE: (
            f"(cancelar|anular|cancelen|cancele|cancelación de) [mi|la] suscripción {_FROM}",
            f"(dar|darme|darse|denme|deme|dame|me doy|causar) de baja {_FROM}",
            f"[de|la|solicito la|solicitar la|pido la|solicito] baja {_FROM}",
            f"(desuscribir|desuscribirse|desuscribirme|desuscríbame|desuscripción) {_FROM}",
            f"(desinscribir|desinscribirse|desinscribirme|desinscripción) {_FROM}",
            f"(borrarme|bórrenme|bórreme|bórrame|eliminarme|elimínenme|elimíneme) {_FROM}",
            f"(quitarme|quítenme|quíteme|sáquenme|sacarme|elimíname) {_FROM}",
            f"(eliminar|borrar|eliminen|borren) mi (correo|dirección|nombre) {_FROM}",
            "dejar de recibir [más] {list}",
            "no (recibir|quiero recibir|deseo recibir) más {list}",
            "ya no (quiero|deseo|me interesa) recibir [más] {list}",
            "no me (envíen|envíe|manden|mande|escriban) más [{list}]",
            "(parar|pare|paren|detener|salir) [{list}]",
            "cancelar",
        ),
        Verb.CONFIRM: (
            "[yo] (confirmar|confirmo|confirmado|confirmación)",
            "confirmo (mi suscripción|mi inscripción)",
            "sí [confirmo]",
            "(ok|vale|de acuerdo|acepto|aceptar)",
        ),
        Verb.HELP: (
            "(ayuda|ayúdame|ayúdenme|ayúdeme)",
            "(comandos|órdenes|instrucciones)",
            "(info|información)",
            "cómo funciona",
        ),
        Verb.STATUS: (
            "[mi] (estado|situación)",
            "mi (suscripción|inscripción)",
            "mis (datos|inscripciones|ajustes)",
            "estoy (suscrito|suscrita|inscrito|inscrita)",
        ),
        Verb.PROGRAMME: (
            "[el] (programa|calendario|agenda|programación|horario)",
            "[el|los] (próximo|próximos|siguiente|siguientes) [webinar|webinars|seminario"
            "|seminarios|seminarios web]",
            "próximas fechas",
        ),
        Verb.REGISTER: ("(registrar|registrarse|registrarme|registro)", "(participar|asistir)"),
        Verb.SKIP: ("(saltar|omitir|saltarme)",),
        Verb.PAUSE: ("(pausa|pausar|suspender) [mi suscripción|{list}]",),
        Verb.RESUME: (
            "(reanudar|continuar|retomar|reactivar|reanudación) [mi suscripción|{list}]",
        ),
    },
    opening={
        Verb.CONFIRM: ("(confirmar|confirmo|confirmación)", "sí", "ok"),
        Verb.REGISTER: (
            "(registrar|registrarse|registrarme|registro|inscribir|inscribirse|inscribirme"
            "|inscripción|inscríbame|apuntarme|participar|asistir) [a|al|en|en el|para el]",
        ),
        Verb.SKIP: (
            "(saltar|omitir|saltarme) [el]",
            "(cancelar|anular) [mi|el|la] (registro|inscripción) [a|al|en el|para el]",
        ),
        Verb.LANGUAGE: ("[cambiar|cambiar el|cambiar de|mi|el] (idioma|lengua) [a|al|en]",),
        Verb.TIMEZONE: (
            "[cambiar|cambiar la|mi|la] (zona horaria|huso horario|zona|huso) [a|al|en]",
        ),
        Verb.PAUSE: (
            "(pausa|pausar|suspender|ausente) [mi suscripción|{list}] [hasta|hasta el]",
            "en pausa hasta el",
        ),
    },
    before=(
        "(hola|buenos días|buenas tardes|buenas noches|buenas) [a todos]",
        "(estimados|estimadas|estimado|estimada|queridos) [señores|señor|señora|organizadores"
        "|colegas|amigos|todos]",
        "por favor",
        "(quiero|deseo|quisiera|queremos|necesito|desearía|me gustaría|solicito|querría|favor de)",
        "(podrían|podría|pueden|puede|pueden ustedes)",
        "gracias por",
        "(sí|ok)",
    ),
    after=(
        "por favor",
        "(gracias|muchas gracias|mil gracias|gracias de antemano)",
        "(saludos|un saludo|saludos cordiales|cordialmente|atentamente)",
        "(ahora|ya|inmediatamente)",
    ),
    filler=("a|al|el|la|de|del|hasta|en|webinar|seminario|número|núm|nº|no|n|es|sesión",),
    replies=("re", "rv", "fw", "fwd", "rta", "respuesta automática", "enc", "res"),
    months={
        "(enero|ene)": 1,
        "(febrero|feb)": 2,
        "(marzo|mar)": 3,
        "(abril|abr)": 4,
        "(mayo|may)": 5,
        "(junio|jun)": 6,
        "(julio|jul)": 7,
        "(agosto|ago)": 8,
        "(septiembre|setiembre|sept|sep)": 9,
        "(octubre|oct)": 10,
        "(noviembre|nov)": 11,
        "(diciembre|dic)": 12,
    },
    languages={
        "inglés": "en",
        "francés": "fr",
        "(español|castellano)": "es",
        "ruso": "ru",
        "árabe": "ar",
        "chino": "zh",
    },
    wrote=("escribió", "escribio"),
)
