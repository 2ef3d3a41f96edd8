"""What servers say when the mailbox or domain is not there (any more), in many languages.

A table for `report_phrases`, which says how such phrases are written and in which order groups of
them are tried. No rule stands here.
"""

from __future__ import annotations

NO_USER = (
    (
        r"(?:user|recipient|addressee|mailbox|account|address|alias|login|username|local ?part"
        r"|destinatary|rcpt|mail ?user|e-?mail address|member|receiver)(?: \S{1,60})?(?: is| was"
        r"| name| e-?mail| address| account)? ?[:\-(\[]? ?(?:unknown|not[ -]found|nonexistent"
        r"|non-existent|does not exist|doesn't exist|does'nt exist|do not exist|not exists?|no"
        r" exist|isn't known|not known|not recogni[sz]ed|not registered|doesn't have an? )"
    ),
    (
        r"(?:unknown|no such|nonexistent|non-existent|no valid|not a valid|not a known|not a"
        r" local|unrecogni[sz]ed|nonexisting|undefined|there is no|there's no|no known) "
        r"(?:\S{1,20} ){0,2}(?:user|recipients?|mailbox|account|address|alias|person|local["
        r" -]?part|addressee|mail ?drop|name|destinatary|username|rcpt|virtual user|email|e-mail"
        r"|inbox)"
    ),
    r"userunknown",
    r"user_unknown",
    r"unknown_user",
    r"nosuchuser",
    r"recipnotfound",
    r"recipientnotfound",
    r"no_such_user",
    r"no_such_recipient",
    r"unknown_recipient",
    (
        r"(?:does not|doesn't|do not|did not) (?:have|own|host) (?:an?|any) (?:\S{1,40} )?"
        r"(?:account|mailbox|user)"
    ),
    (
        r"no (?:\S{1,20} )?(?:mail ?box|account|user|recipient|one|person) (?:\S{1,20} )?(?:here"
        r"|by|with|of) (?:by |with )?(?:that|this) (?:name|address)"
    ),
    r"no mailbox (?:here|found|for|by|currently)",
    r"no user (?:by|with) that",
    r"nobody (?:here )?(?:by|with|of)",
    r"not our customer",
    r"not (?:a )?(?:\S{1,15} )?(?:customer|subscriber|member) (?:here|of)",
    r"not a (?:mailbox|user|recipient|valid email|registered|current|subscribe)",
    r"user(?:\(s\))? (?:\S{1,40} )?(?:not listed|not exist|doesn't exist|invalid)",
    r"not listed in (?:the )?(?:domino|public|name|address|directory)",
    r"not (?:found )?in (?:the )?(?:domino )?(?:directory|address book|public name)",
    (
        r"invalid (?:user|mailbox|account|final delivery|local part|local address|final"
        r" recipient|e-?mail account|alias)"
    ),
    r"recipient (?:name )?is not recogni[sz]ed",
    r"account (?:\S{1,60} )?(?:that you tried to reach )?does not exist",
    (
        r"mailbox (?:\S{1,60} )?(?:not found|does not exist|doesn't exist|unknown|non ?existent"
        r"|invalid|not available or|no longer|cannot be found|couldn't be found)"
    ),
    r"the e-?mail account that you tried to reach does not exist",
    (
        r"(?:address|recipient|mailbox|user|account) (?:\S{1,60} )?(?:could not|couldn't|cannot"
        r"|can't|was not|wasn't|can not) (?:be )?(?:found|resolved|located)"
    ),
    r"(?:couldn't|could not|wasn't|was not) (?:be )?found (?:at|in|on|or is)",
    r"address not found",
    (
        r"(?:could not|couldn't|cannot|unable to) find (?:the |a |any )?(?:user|recipient"
        r"|mailbox|address)"
    ),
    (
        r"(?:mailbox|address|user|account|recipient) (?:\S{1,60} )?(?:is |has been |was )?no"
        r" longer (?:valid|exist\w*|available|in (?:use|service)|active|used|with|works?|here|on"
        r"|a|at)"
    ),
    (
        r"no longer (?:valid|exists?|in use|on (?:this|our) s|has an account|works? (?:here|at"
        r"|for))"
    ),
    (
        r"(?:user|account|mailbox|address|recipient) (?:\S{1,60} )?(?:has been |have been |was "
        r"|is )?(?:deleted|removed|terminated|closed|cancell?ed|discontinued$)"
    ),
    r"unrout(?:e)?able address",
    r"undeliverable address[: ]+(?:host|unknown|user|mail)",
    (
        r"recipient address rejected: (?:undeliverable|unknown|user|invalid|no"
        r" such|address|not)"
    ),
    r"unverified address: (?:host|unknown|address lookup|user|recipient)",
    r"requested action not taken: mailbox (?:unavailable|not)",
    r"mailbox unavailable",
    r"mailbox is unavailable",
    r"bad destination (?:mailbox|email|e-mail|address)",
    (
        r"unknown (?:or (?:illegal|invalid) )?(?:local|alias|address|recipient|mailbox|user"
        r"|account|login|destination (?:user|address|mailbox))"
    ),
    r"illegal alias",
    r"unknown or illegal",
    r"mail address not found",
    r"(?:address|mailbox|user|account|recipient)[^.]{0,40} (?:does|do) not exist",
    r"can'?t (?:verify|find) (?:the )?(?:user|recipient|mailbox)",
    r"is not a valid (?:mailbox|user|address|recipient|e-?mail)",
    r"is not a known",
    r"unknown at this",
    r"user not (?:local|known|found|exist)",
    r"never logged",
    r"resolver\.adr\.\w{0,10}recip(?:ient)?notfound",
    r"unknown to me",
    r"there is no account",
    r"account (?:not|never) (?:found|existed|exist)",
    r"ac?count not known",
    r"address (?:has )?(?:not|never) (?:found|existed)",
    r"dd this user",
    r"not in my validrcptto",
    r"user has moved on",
    r"no such (?:id|mail|local|entry)",
    r"unknown_address",
    r"address_?unknown",
    r"mailbox not (?:found|here|exist)",
    r"recipient (?:\S{1,60} )?(?:is )?invalid\b",
    r"unknown rcpt",
    r"delivery to nonexistent",
    r"unknown e-?mail",
    (
        r"(?:benutzer|empfänger|empfaenger|adressat|adresse|postfach|mailbox|konto"
        r"|e-mail-adresse)(?: \S{1,60})? (?:ist |wurde )?(?:nicht (?:bekannt|gefunden|vorhanden"
        r"|verfügbar)|unbekannt|existiert (?:hier )?nicht|gibt es nicht)"
    ),
    r"unbekannte[rn]? (?:benutzer|empfänger|adresse)",
    r"konnte nicht gefunden werden",
    r"existiert nicht",
    r"nicht gefunden",
    r"gibt es nicht",
    (
        r"(?:utilisateur|destinataire|adresse|bo[iî]te|compte)(?: \S{1,60})? (?:est )?"
        r"(?:inconnue?|inexistante?|introuvable|invalide|n'existe pas|n existe pas|n'a pas"
        r" [ée]t[ée] trouv)"
    ),
    r"adresse d.{1,3}au moins un destinataire",
    r"n'existe (?:pas|plus)",
    r"introuvable",
    r"inconnu (?:dans|sur|de|ici)",
    r"adresse(?: e-?mail)? (?:que vous avez entr|inconnue)",
    r"aucun utilisateur",
    r"inconnue? à cette",
    (
        r"(?:usuario|destinatario|cuenta|buz[oó]n|direcci[oó]n)[^.]{0,60}(?:desconocid|no exist"
        r"|inexistente|no (?:se )?(?:encontr|encuentr|pudo encontr)|inv[aá]lid)"
    ),
    r"no se (?:ha )?(?:encontró|pudo encontrar|encuentra|encontrado)",
    r"no existe",
    (
        r"(?:utente|destinatario|casella|indirizzo|account)[^.]{0,60}(?:sconosciut|inesistente"
        r"|non esiste|non trovat|non è stato trovato|non valid)"
    ),
    r"non esiste",
    r"impossibile trovare",
    r"non è stato (?:possibile )?trova",
    (
        r"\b(?:usu[áa]rio|destinat[áa]rio|conta|caixa postal|endereço)\b[^.]{0,60}(?:desconhecid"
        r"|inexistente|n[ãa]o exist|n[ãa]o (?:foi )?(?:p[ôo]de ser )?encontrad|inv[áa]lid)"
    ),
    r"n[ãa]o existe",
    r"n[ãa]o foi (?:possível )?encontr",
    r"onbekende (?:gebruiker|ontvanger)",
    r"bestaat niet",
    r"niet (?:worden )?gevonden",
    (
        r"(?:användare|mottagare|adress)\S{0,6}[^.]{0,40}(?:okänd|finns inte|hittades inte|gick"
        r" inte att hitta)"
    ),
    r"hittades inte",
    r"(?:bruger|modtager|adresse)\S{0,4}[^.]{0,40}(?:ukendt|findes ikke|blev ikke fundet)",
    r"findes ikke",
    r"ble ikke funnet",
    r"finnes ikke",
    r"ukjent (?:bruker|mottaker)",
    r"ei (?:löydy|löytynyt|ole olemassa)",
    r"tuntematon",
    r"nie istnieje",
    r"nieznany (?:u[żz]ytkownik|adres|odbiorca)",
    r"nie (?:znaleziono|odnaleziono|można (?:było )?znaleźć)",
    r"neexistuje",
    r"nezn[áa]m[ýáy] (?:u[žz]ivatel|p[řr][íi]jemce|adres)",
    r"nebyl[ao]? nalezen",
    r"nem (?:létezik|található)",
    r"ismeretlen (?:felhaszn|címzett)",
    r"nu există",
    r"nu a fost găsit",
    r"ne postoji",
    r"nije pronađen",
    r"δεν (?:υπάρχει|βρέθηκε)",
    r"bulunamadı",
    r"mevcut değil",
    r"böyle bir kullanıcı yok",
    r"не существует",
    r"не найден",
    r"non r[ée]pertori[ée]",
    r"nicht (?:aufgeführt|aufgelistet|im (?:\S{1,20} ){0,2}verzeichnis)",
    r"non (?:elencat|presente) ",
    r"no figura en",
    r"リストにあり?ません",
    r"リストにない",
    r"неизвестн\S{1,6} (?:пользовател|получател|адрес)",
    r"нет такого",
    r"не зарегистрирован",
    r"не існує",
    r"не знайдено",
    r"несуществующ",
    r"не съществува",
    r"見つかりません",
    r"見つからな",
    r"存在しま",
    r"存在しない",
    r"あて先不明",
    r"宛先不明",
    r"不明なユーザ",
    r"不存在",
    r"找不到",
    r"無此",
    r"无此",
    r"查無",
    r"查无",
    r"未找到",
    r"没有找到",
    r"无效的?(?:收件人|用户|邮箱)",
    r"존재하지 않",
    r"찾을 수 없",
    r"없는 (?:사용자|주소|계정|메일)",
    r"알 수 없는 (?:사용자|수신)",
    r"غير موجود",
    r"لم يتم العثور",
    r"غير معروف",
    r"לא נמצא",
    r"לא קיים",
    r"وجود ندارد",
    r"không tồn tại",
    r"không tìm thấy",
    r"tidak ditemukan",
    r"tidak ada pengguna",
    r"ไม่พบ",
)
NO_DOMAIN = (
    (
        r"(?:host|domain|server|dns domain|domain name|mail domain|destination|hostname|system)"
        r"(?: \S{1,80})?(?: name)? ?(?:is |was |has )?(?:unknown|not found|nonexistent"
        r"|non-existent|does not exist|doesn't exist|no such|not exist|could not be found"
        r"|couldn't be found|cannot be found|invalid|not known|is not valid)\b(?!,? try)"
    ),
    (
        r"(?:unknown|no such|nonexistent|non-existent|unresolvable|unrouteable|unroutable"
        r"|invalid|bad|illegal) (?:\S{1,12} )?(?:host|domain|mail domain|hostname|destination"
        r" system|destination host|system address|mail exchanger)"
    ),
    r"nxdomain",
    r"nonexistentdomain",
    r"host or domain name not found",
    r"name or service not known",
    r"no address associated with",
    r"couldn't find any host",
    r"could ?n[o']t find (?:a |the |any )?(?:host|domain|mx|mail exch|gateway|ip)",
    (
        r"no (?:valid |usable )?(?:mx|mail exchanger)(?: or a)? (?:record|host|server|hosts"
        r"|found|for)"
    ),
    r"no mx",
    r"null ?mx",
    r"nullmx",
    r"mx (?:record|host)s? (?:\S{1,12} ){0,4}(?:nonexistent|non-existent|empty|not found)",
    r"all relevant mx records point to non-?existent",
    r"can'?t (?:find|resolve|locate) (?:the )?(?:host|domain|server)",
    (
        r"(?:domain|host)[^.]{0,40} (?:does not|doesn'?t) (?:exist|resolve|accept (?:any )?"
        r"(?:mail|e-?mail)|have (?:an? )?(?:mx|mail))"
    ),
    (
        r"unable to (?:resolve|look ?up|find|locate) (?:the )?(?:host|domain|dns|mx|route"
        r"|destination (?:host|domain|server))"
    ),
    r"no (?:route|such) (?:to )?domain",
    r"host_unknown",
    r"dns server returned answer with no data",
    r"dns hard error",
    r"name server for domain[^.]{0,30}not found",
    r"the domain (?:name )?(?:\S{1,60} )?(?:does not|doesn't|is not|couldn't)",
    r"domain (?:is )?not (?:registered|resolvable)",
    r"cname lookup failed permanently",
    r"domaine (?:inconnu|inexistant)",
    r"domain(?:e|äne)? (?:unbekannt)",
    r"dominio (?:desconocido|inexistente|no)",
    r"домен\S{0,3} не",
    r"域名不存在",
)
MOVED = (
    (
        r"(?:user|recipient|address|mailbox|person|account|e-?mail)(?: \S{1,60})? (?:has |have"
        r" )?(?:been )?(?:moved|migrated|relocated|changed (?:to|his|her|their|its))"
    ),
    r"has moved",
    r"have moved",
    r"no longer (?:here|employed|works|with (?:us|the|this))",
    r"address has changed",
    r"has a new (?:e-?mail )?address",
    r"changed (?:his|her|their|my) (?:e-?mail )?address",
    r"user not local; please try",
    r"please (?:try|update)[^.]{0,30}new address",
    r"left the (?:company|organi[sz]ation)",
    r"adresse a changé",
    r"neue (?:e-mail-)?adresse",
)
PERHAPS_NO_USER = (
    (
        r"(?:invalid|bad|illegal|wrong|incorrect|malformed) (?:\S{1,15} ){0,2}(?:recipients?"
        r"|address|rcpt|e-?mail)"
    ),
    (
        r"(?:address|recipient|mailbox|user|account)(?: \S{1,60})? (?:is |was |are )?(?:not"
        r" valid|invalid|incorrect|wrong|unavailable|not available|not (?:currently )?"
        r"(?:available|allowed|accepted|ok))"
    ),
    (
        r"recipient (?:address )?(?:\S{1,60} )?(?:was |is )?(?:rejected|refused|not accepted"
        r"|denied)"
    ),
    r"(?:user|recipient|address|mailbox|account) (?:is )?not",
    r"undeliverable (?:address|recipient|mailbox|user|to)",
    r"(?:no|not) (?:deliver|valid)\w* (?:\S{1,12} )?(?:recipients?|address)",
    r"unknown",
    r"not exist",
    r"not found",
    r"couldn't be found",
    r"could not be found",
    r"not a valid",
    r"unrouteable",
    r"unroutable",
    r"mailbox_unavail",
    r"address(?:es)? (?:\S{1,12} )?(?:reject|fail)\w*",
    r"all recipients (?:\S{1,12} )?(?:reject|invalid)",
)
