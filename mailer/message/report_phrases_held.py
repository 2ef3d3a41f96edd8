"""What servers say when the mailbox is there but the mail was not taken, in many languages.

A table for `report_phrases`, which says how such phrases are written and in which order groups of
them are tried. No rule stands here.
"""

from __future__ import annotations

SENDER = (
    (
        r"sender (?:address|domain|mail|e-?mail|id|ip)?[ :]{0,3}(?:address )?(?:was |is |has"
        r" been )?(?:rejected|refused|denied|blocked)"
    ),
    r"sender (?:verify|verification|callout|callback)[^.]{0,20}fail",
    r"(?:could not|cannot|can't|unable to) verify (?:the )?sender",
    r"sender address (?:does not exist|unknown|invalid|not)",
    r"invalid sender",
    r"unknown sender",
    (
        r"sender (?:domain|host|address)[^.]{0,30}(?:not found|not exist|must|resolve|invalid"
        r"|unknown)"
    ),
    r"domain of (?:the )?sender",
    r"sender's? domain",
    r"return address",
    r"envelope sender",
    r"(?:reverse dns|ptr record|rdns|reverse lookup|hostname lookup|helo)",
    r"cannot find your (?:reverse )?hostname",
    r"client host rejected",
    r"fix reverse",
    r"\bfrom: ?(?:address|domain)",
    r"valid from\b",
    r"mail from (?:\S{1,20} ){0,2}not owned",
    r"e-?mail address is not verified",
    r"unrout\w{1,6} sender",
    r"\bbatv\b",
    r"invalid dns (?:mx|a\b)",
)
UNSURE = (r"may not exist, or you may not", r"存在しないか")
FULL = (
    (
        r"(?:mail ?box|mail ?folder|inbox|mailspool|mail drop|maildrop|user|account|storage|home"
        r" ?directory|quota|recipient)(?: \S{1,60})?(?:'s)? (?:mailbox |storage |quota )?(?:is "
        r"|are |was |has |'s )?(?:currently |already |too |been |reached )?(?:full|exhausted)\b"
    ),
    (
        r"(?:over|exceed\w*|exceeds?|above|beyond|reached|past) (?:\S{1,20} ){0,4}(?:quota"
        r"|storage|mailbox (?:size|limit)|disk (?:space|usage))"
    ),
    r"quota (?:\S{1,15} ){0,3}(?:exceed|reach|full|violation)",
    r"quotaexceeded",
    r"(?:account|mailbox|user|inbox) storage limit",
    r"overquota",
    r"over quota",
    r"out of quota",
    (
        r"mailbox (?:\S{1,20} ){0,3}(?:over|exceed)\w* (?:\S{1,20} ){0,3}(?:quota|limit|size"
        r"|space|storage|allow)"
    ),
    (
        r"(?:storage|mailbox|inbox|disk) (?:size |space |storage )?limit (?:\S{1,15} ){0,3}"
        r"(?:exceed|reach)"
    ),
    (
        r"(?:exceeded|exceeds) (?:its |his |the |their )?(?:mailbox|mail ?box|inbox|storage"
        r"|maximum (?:allowed )?(?:mailbox|storage))"
    ),
    (
        r"(?:out of|insufficient|not enough|low on|no more) (?!system)(?:\S{1,12} ){0,2}"
        r"(?:storage|space|disk|quota|room)"
    ),
    r"\bno (?:\S{1,12} )?(?:storage|disk|quota|mailbox) ?space",
    r"(?:not|n't) have (?:enough|any) (?:\S{1,12} )?(?:storage|space|room)",
    r"space (?:\S{1,12} ){0,3}used up",
    r"overdrawn (?:\S{1,12} ){0,3}(?:quota|space)",
    (
        r"(?:mailbox|account|user|recipient) (?:\S{1,20} ){0,3}(?:not enough|insufficient|no"
        r" more|out of) (?:\S{1,12} ){0,2}(?:space|storage|room)"
    ),
    r"full mailbox",
    r"mailbox_?is_?full",
    r"mailboxfull",
    r"mailbox size",
    r"user is over",
    r"dd_over_quota",
    r"too much mail data",
    r"too many messages in (?:the )?mailbox",
    r"maildir (?:delivery failed|over)[^.]{0,40}quota",
    r"recipient reached disk quota",
    r"allocated to mailbox",
    r"no space left (?:on|in|for)",
    r"exceeded (?:the )?(?:space|storage) (?:limit|quota|allocated)",
    r"user has too many messages",
    r"has exceeded (?:the )?limit (?:of|for) (?:mail|storage|mess)",
    (
        r"(?:postfach|mailbox|speicher)\S{0,12} (?:\S{1,15} ){0,4}(?:voll|überfüllt"
        r"|überschritten|erschöpft)"
    ),
    r"speicherplatz",
    r"bo[iî]te (?:aux lettres|de r[ée]ception|mail)?[^.]{0,30}(?:pleine|satur)",
    r"quota (?:d[ée]pass|atteint)",
    r"espace (?:insuffisant|disque)",
    r"buz[oó]n[^.]{0,40}llen",
    r"cuota[^.]{0,30}(?:excedid|superad)",
    r"caixa (?:postal|de correio|de entrada)[^.]{0,40}(?:cheia|lotada)",
    r"casella[^.]{0,40}piena",
    r"postvak[^.]{0,30}vol\b",
    r"postlåda[^.]{0,30}full",
    r"postkassen?[^.]{0,20}full",
    r"postilaatikko[^.]{0,20}täynnä",
    r"skrzynka[^.]{0,40}(?:pełna|pelna|przepe[łl]nion)",
    r"schránka[^.]{0,40}plná",
    r"postafiók[^.]{0,40}(?:megtelt|tele)",
    r"ящик[^.]{0,40}(?:переполнен|заполнен)",
    r"переполнен",
    r"квот",
    r"メールボックス[^。]{0,20}(?:一杯|いっぱい|満杯|あふれ|容量)",
    r"容量[^。]{0,12}(?:超|オーバー|一杯)",
    r"(?:邮箱|信箱|郵箱)[^。]{0,12}(?:已满|已滿|空间不足|空間不足|满|滿)",
    r"超过[^。]{0,10}(?:容量|配额)",
    r"편지함[^.]{0,20}(?:가득|초과|꽉)",
    r"용량[^.]{0,12}초과",
    r"posta kutusu[^.]{0,30}dolu",
    r"صندوق[^.]{0,30}ممتلئ",
)
BLOCKED = (
    r"only accept\w* (?:\S{1,12} ){0,3}from",
    r"(?:account|mailbox|recipient|user|address) is protected",
    r"\buser reject",
    r"not subscribed to",
    r"list of (?:\S{1,12} )?senders",
    r"sender ?filter",
    r"recipient preferences",
    r"unwanted (?:messages|mail|e-?mail)",
    r"messages from \S{1,60} weren't sent",
    r"spamhaus",
    r"spamcop",
    r"barracudacentral",
    r"sorbs",
    r"\brbls?\b",
    r"dnsbl",
    r"\bdnsrbl\b",
    r"black ?-?list",
    r"block ?-?list",
    r"blocked (?:using|by|because|due|for|from|list|-)",
    (
        r"(?:is|was|been|currently|are|temporarily|permanently) (?:\S{1,15} )?(?:blocked|banned"
        r"|blacklisted)"
    ),
    r"\bspam\b(?! ?(?:folder|filter settings))",
    r"spam(?:my|ming|assassin| score| content|like)",
    r"unsolicited",
    r"\bube\b",
    r"\buce\b",
    r"junk ?mail",
    r"\bvirus",
    r"malware",
    r"phish",
    r"reputation",
    r"senderbase",
    r"poor (?:sender )?rep",
    r"dmarc",
    r"\bspf\b",
    r"\bdkim\b",
    r"senderid",
    r"sender policy framework",
    r"unauthenticated (?:e-?mail|mail|sender)",
    r"policy (?:rejection|violation|reason|restriction|refus|block)",
    r"(?:for|due to|by|against|of) (?:\S{1,15} ){0,2}polic(?:y|ies)",
    r"policy",
    (
        r"(?:ip|host|client|server|network)(?: address)?(?: \S{1,50})? (?:is |was |has been )?"
        r"(?:listed|blocked|blacklisted|banned|rejected|refused|denied)"
    ),
    r"bad (?:sender )?reputation",
    r"banned",
    r"content (?:rejected|filter|restriction|not|denied|contains|blocked)",
    (
        r"message (?:content|looks|contains|was (?:identified|considered|classified|detected"
        r"|blocked|filtered))"
    ),
    r"prohibit",
    r"forbidden",
    (
        r"relay(?:ing)? (?:\S{1,12} )?(?:denied|prohibited|not|is|access|blocked|refused"
        r"|disallow|forbid)"
    ),
    (
        r"(?:unable|not (?:allowed|permitted|authori[sz]ed|able)|cannot|can't|won't|refus\w*"
        r"|trying|attempt\w*|denied|no) (?:to )?relay"
    ),
    r"relaying",
    r"relay access",
    r"open relay",
    r"authentication (?:is )?required",
    r"not authenticated",
    r"must (?:be )?(?:authenticate|log ?in|issue a starttls)",
    r"not authori[sz]ed",
    r"unauthori[sz]ed",
    r"\bauthorization\b",
    r"suspicious",
    r"suspected",
    r"attachment",
    r"\bexecutable",
    r"infected",
    r"filtered",
    r"abuse",
    r"whitelist",
    r"white list",
    r"(?:mailing )?list (?:is )?(?:restricted|closed|moderated)",
    r"restricted",
    r"not accept(?:ing|ed)? (?:\S{1,12} ){0,3}from (?:you|this|that|your|unknown)",
    r"(?:not|isn't|n't) (?:permitted|allowed)",
    r"(?:refused|rejected) (?:by|due|because|for)",
    r"geo(?:graph| ?ip|-?block)",
    r"dynamic ip",
    r"dial-?up",
    r"(?:wir akzeptieren|abgelehnt|gesperrt)",
    r"refus[ée]",
    r"rechazad",
    r"rifiutat",
    r"спам",
    r"спама",
    r"заблокир",
    r"отклонен",
    r"スパム",
    r"迷惑メール",
    r"拒否",
    r"垃圾",
    r"拒收",
    r"拒绝",
    r"스팸",
    r"차단",
)
LIMIT = (
    (
        r"(?:message|mail|e-?mail|data|attachment|content|file|body|header)(?: \S{1,12})?(?: is|"
        r" was| size| length|'s)? (?:\S{1,12} ){0,2}(?:too (?:large|big|long)|exceed|larger than"
        r"|over(?: the)? (?:size|max|limit)|bigger)"
    ),
    (
        r"(?:maximum|max|fixed|allowed|limit\w*|permitted)(?: \S{1,12})? (?:message|mail|size"
        r"|file|length)"
    ),
    r"size limit",
    r"too (?:large|big)\b",
    r"message (?:length|size)",
    r"exceeds (?:\S{1,12} ){0,3}(?:size|limit|maximum)",
    r"mail(?:er)? loop",
    r"\bloop(?:s|ing|ed)?\b",
    (
        r"too many (?:hops|received|connections|recipients|messages|concurrent|errors|sessions"
        r"|invalid|unknown|mails|emails|bad)"
    ),
    r"hop ?count",
    r"maximum hop",
    r"hops? exceeded",
    r"rate (?:limit|exceed)",
    r"throttl",
    r"receiving mail at a rate",
    r"receiving (?:e-?mail|mail) too (?:quickly|fast)",
    r"greylist",
    r"gr[ea]y-?list",
    r"too (?:quickly|fast|frequent)",
    r"frequency limit",
    r"zu groß",
    r"trop (?:gros|volumin|grand|de)",
    r"demasiado grande",
    r"troppo grande",
    r"muito grande",
    r"слишком больш",
    r"サイズ",
    r"过大",
    r"太大",
)
DISABLED = (
    r"inactivity",
    r"suspend the service",
    r"deactivated (?:mailbox|account|user|address)",
    (
        r"(?:account|mailbox|user|address|recipient|e-?mail|domain|service|inbox|login)"
        r"(?:\(s\))?(?: \S{1,60})?(?: account| mailbox| user)? ?(?:that you tried to reach )?"
        r"(?:has been |have been |was |is |are |\(s\) )?(?:temporarily |currently |permanently "
        r"|administratively |been )?(?:disabled|inactive|suspended|locked|deactivated|frozen"
        r"|expired|not active|inactivated|blocked|not activated|on hold|dormant|out of service"
        r"|not enabled|not accepting|paused)"
    ),
    (
        r"(?:inactive|disabled|suspended|locked|expired|deactivated|dormant) (?:account|mailbox"
        r"|user|recipient|address)"
    ),
    r"disabled or discontinued",
    r"not accepting (?:e-?mail|mail|messages|any)",
    (
        r"(?:user|recipient|account|mailbox) (?:is )?(?:not )?(?:currently )?(?:not )?(?:accept"
        r"|receiv)\w* (?:e-?mail|mail|messages)"
    ),
    r"account (?:is )?(?:not )?(?:in)?active",
    r"deaktiviert",
    r"désactiv",
    r"desactivad",
    r"disattivat",
    r"desativad",
    r"отключен",
    r"приостановлен",
    r"停用",
    r"冻结",
    r"휴면",
)
LATER = (
    r"did not accept our requests to connect",
    r"socket error",
    r"try (?:again|later)",
    r"again later",
    r"temporar",
    r"defer",
    r"timed? ?-?out",
    r"timeout",
    (
        r"(?:connection|operation) (?:was )?(?:refused|reset|dropped|lost|closed|failed|aborted"
        r"|interrupted|terminated)"
    ),
    r"(?:could not|couldn't|cannot|can't|unable to) (?:be )?connect",
    r"no route to host",
    r"network (?:is )?unreachable",
    r"host (?:is )?(?:unreachable|down|not responding)",
    r"not respond",
    r"no response",
    r"retry (?:time|timeout|limit)",
    r"expired",
    r"(?:has been|was|is) (?:in|on) (?:the )?(?:mail )?queue (?:too|for)",
    r"in (?:the )?queue too long",
    r"delivery time",
    r"too (?:old|long)",
    r"giving up",
    r"lost connection",
    r"conversation",
    r"bad connection",
    r"service (?:is )?(?:currently )?(?:not |un)available",
    r"server (?:is )?(?:busy|down|error|overload|unavailable|too)",
    r"system (?:is )?(?:busy|error|full|resources?|load|not|problem|storage|failure)",
    (
        r"(?:local|internal|configuration|config|resource|disk|i/o|database|server|processing"
        r"|lookup|dns|mailer|software) (?:\S{1,12} )?(?:error|failure|problem|fault)"
    ),
    r"insufficient (?:system|disk)",
    r"out of memory",
    r"resources",
    r"address lookup failed",
    r"lookup fail",
    r"no (?:immediate delivery|connection|smtp connection)",
    r"could not (?:be )?(?:complete|deliver|open|execute)",
    r"starttls",
    r"\btls\b",
    r"certificate",
    r"unsupported",
    r"protocol (?:error|violation)",
    r"command (?:not|rejected|unrecogni|out)",
    r"syntax",
    r"bad sequence",
    r"broken pipe",
    r"command (?:died|failed|line)",
    r"pipe",
    r"can't create",
    r"permission",
    r"no such file",
    r"input/output",
    r"killed",
    r"signal",
    r"later",
    r"später",
    r"plus tard",
    r"más tarde",
    r"più tardi",
    r"mais tarde",
    r"позже",
    r"稍后",
    r"稍後",
    r"zeitüberschreitung",
    r"混雑",
    r"연결",
    r"超时",
    r"逾時",
)
PERHAPS_BLOCKED = (
    r"rejected",
    r"refused",
    r"denied",
    r"blocked",
    r"not accepted",
    r"\bcontent\b",
    r"disallow",
    r"declin",
    r"not welcome",
    r"go away",
    r"transaction failed",
    r"delivery not",
    r"message not",
)
