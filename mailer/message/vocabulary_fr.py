"""French words of the commands; notation in `phrase`."""

from mailer.message.phrase import Verb, Words

_TO = "[[à|au|aux|sur|pour] {list}|aux (webinaires|annonces|messages)|au webinaire]"
_FROM = "[[de|d'|du|des|à] {list}|des (webinaires|annonces|messages)|du webinaire]"

WORDS = Words(
    code="fr",
    lists=(
        "[la|cette|votre|vos|les|ces|mes] (liste|liste de diffusion|newsletter|infolettre"
        "|lettre d'information|série|série de webinaires|webinaires|annonces|mails|messages"
        "|courriels|e-mails|emails|invitations|informations)"
        "|[la|le|les|votre|vos|cette|ces|liste|la liste|série|la série|newsletter|la newsletter"
        "|infolettre|l'infolettre|webinaires|les webinaires] {name}"
    ),
    bare={
        Verb.SUBSCRIBE: (
            f"[s'|m'] (abonner|inscrire) {_TO}",
            f"(abonnez|inscrivez|abonne|inscris)-moi {_TO}",
            f"je (m'abonne|m'inscris) {_TO}",
            f"être (abonné|abonnée|inscrit|inscrite) {_TO}",
            f"(abonnement|inscription|souscription) {_TO}",
            f"souscrire {_TO}",
            f"(ajoutez-moi|m'ajouter|ajouter mon adresse) {_TO}",
            "rejoindre [{list}]",
            "recevoir {list}",
        ),
        Verb.UNSUBSCRIBE: (
            f"[se|me] (désabonner|désinscrire) {_FROM}",
            f"(désabonnez|désinscrivez|désabonne|désinscris)-moi {_FROM}",
            f"je me (désabonne|désinscris) {_FROM}",
            f"être (désabonné|désabonnée|désinscrit|désinscrite) {_FROM}",
            f"(désabonnement|désinscription|désabonner mon adresse) {_FROM}",
            "(annuler|résilier|arrêter|annulation|résiliation) [de|d'] [mon|l'] abonnement",
            "résilier",
            f"(me|m') (retirer|supprimer|enlever|rayer|ôter) {_FROM}",
            f"(retirez|supprimez|enlevez|rayez|ôtez)-moi {_FROM}",
            f"(retirer|supprimer|retirez|supprimez|enlever|enlevez) mon adresse {_FROM}",
            "ne plus recevoir [de|d'|vos|ces|les] (mails|messages|courriels|e-mails|emails)",
            "ne plus recevoir {list}",
            "je ne (veux|souhaite|désire) plus recevoir ({list}|de mails|de messages)",
            "(stop|arrêt|arrêter|arrêtez|arrêtez tout|quitter) [{list}]",
        ),
        Verb.CONFIRM: (
            "[je] (confirmer|confirme|confirmé|confirmation)",
            "je confirme (mon abonnement|mon inscription)",
            "oui [je confirme]",
            "ok",
            "(d'accord|c'est bon|valider|validé|je valide)",
        ),
        Verb.HELP: (
            "(aide|à l'aide|aidez-moi)",
            "commandes",
            "(info|infos|informations|renseignements)",
            "comment ça marche",
        ),
        Verb.STATUS: (
            "[mon] (statut|état)",
            "mon (inscription|compte|abonnement)",
            "mes (données|inscriptions|réglages)",
            "(suis-je|je suis) (abonné|abonnée|inscrit|inscrite)",
        ),
        Verb.PROGRAMME: (
            "[le] (programme|calendrier|planning|agenda)",
            "[le|les] (prochain|prochains|suivant|suivants) [webinaire|webinaires]",
            "prochaines dates",
        ),
        Verb.REGISTER: ("(participer|je participe)", "s'enregistrer"),
        Verb.SKIP: ("(passer|sauter)", "je ne (viens|participe) pas"),
        Verb.PAUSE: ("pause", "suspendre [mon abonnement|{list}]"),
        Verb.RESUME: ("(reprendre|reprise|continuer|rétablir) [mon abonnement|{list}]",),
    },
    opening={
        Verb.CONFIRM: ("(confirmer|je confirme|confirme|confirmation)", "oui", "ok"),
        Verb.REGISTER: (
            "[s'|m'|je m'] (inscrire|inscris|inscription|enregistrer) [au|pour le]",
            "inscrivez-moi [au|pour le]",
            "(participer|je participe) [au]",
        ),
        Verb.SKIP: (
            "(passer|sauter|ignorer) [le]",
            "annuler [mon|l'] inscription [au]",
            "me désinscrire du",
            "je ne (viens|participe) pas au",
        ),
        Verb.LANGUAGE: ("[changer|changer de|changer la|ma] langue [en|pour|vers]",),
        Verb.TIMEZONE: ("[changer|changer de|mon|le] fuseau [horaire] [en|pour]",),
        Verb.PAUSE: (
            "(pause|suspendre|absent|absente) [mon abonnement|{list}] [jusqu'au|jusqu'en|jusqu'à]",
            "en pause jusqu'au",
        ),
    },
    before=(
        "(bonjour|bonsoir|salut|madame|monsieur|madame monsieur) [à tous|à toutes et à tous]",
        "(chers|chères|cher|chère) (organisateurs|collègues|amis|monsieur|madame)",
        "merci [de|d'|de bien vouloir]",
        "(je|nous) (veux|souhaite|voudrais|désire|souhaiterais|désirerais|demande à|voudrions"
        "|souhaitons)",
        "(j'aimerais|nous aimerions|je tiens à)",
        "(veuillez|prière de|pouvez-vous|pourriez-vous|vous pouvez)",
        "(svp|s'il vous plaît|s'il te plaît)",
        "(oui|ok)",
    ),
    after=(
        "(svp|stp|s'il vous plaît|s'il te plaît)",
        "merci [beaucoup|bien|d'avance|par avance|à vous]",
        "(cordialement|bien cordialement|bien à vous|salutations|meilleures salutations)",
        "(maintenant|immédiatement|tout de suite)",
    ),
    filler=("au|à|le|la|du|de|jusqu'au|jusqu'à|er|webinaire|numéro|no|n|en|est|séance",),
    replies=("re", "ré", "tr", "réf", "réponse automatique", "fw", "fwd"),
    months={
        "(janvier|janv)": 1,
        "(février|févr|fév)": 2,
        "mars": 3,
        "(avril|avr)": 4,
        "mai": 5,
        "juin": 6,
        "(juillet|juil)": 7,
        "août": 8,
        "(septembre|sept)": 9,
        "(octobre|oct)": 10,
        "(novembre|nov)": 11,
        "(décembre|déc)": 12,
    },
    languages={
        "anglais": "en",
        "français": "fr",
        "espagnol": "es",
        "russe": "ru",
        "arabe": "ar",
        "chinois": "zh",
    },
    wrote=("a écrit", "écrit"),
)
