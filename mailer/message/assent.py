"""Whether a line is an organiser's yes or no to an announcement that waits, in all six languages.

The whole line must be it; thanks, case, accents, punctuation and what a mail program puts before a
subject aside. Anything else is neither: it may be the first line of another text.
"""

from __future__ import annotations

from functools import cache

from mailer.message.line import keys_of
from mailer.message.phrase import spellings

YES = (
    "approve [it|this]|approved|i approve|(ok|okay)|yes|confirm|confirmed"
    "|send [it|now]|go|go ahead|(looks|all) good [to me]|agreed|fine|perfect",
    "approuver|approuvé|j'approuve|oui|d'accord|je confirme|confirmer|envoyer|envoyez"
    "|c'est (bon|parfait)|parfait|très bien",
    "aprobar|aprobado|apruebo|sí|vale|de acuerdo|confirmo|confirmar"
    "|enviar|envíalo|perfecto|está bien|muy bien",
    "одобрить|одобрено|одобряю|да|согласен|согласна|подтверждаю|отправить|отправляйте|отлично|хорошо",
    "موافق|موافقة|أوافق|نعم|أؤكد|تأكيد|إرسال|أرسل|أرسلوا|ممتاز|حسنا",
    "批准|同意|确认|確認|是|是的|好|好的|可以|发送|發送|发出|發出",
)
NO = (
    "drop [it|this]|discard|cancel [it]|delete [it]|no|stop|reject|rejected"
    "|(do not|don't) (send|approve) [it]",
    "abandonner|annuler|annulez|supprimer|rejeter|non|arrêter|ne pas (envoyer|approuver)",
    "descartar|cancelar|eliminar|borrar|rechazar|no|parar|no (enviar|aprobar)",
    "отменить|отмена|удалить|отклонить|нет|стоп|не (отправлять|отправляйте|одобрять)",
    "إلغاء|ألغ|حذف|رفض|لا|توقف|لا (ترسل|ترسلوا|توافق)",
    "取消|删除|刪除|拒绝|拒絕|否|不|不要(发送|發送)|不(发送|發送|同意|批准)",
)


def read_assent(line: str) -> bool | None:
    """True for yes, False for no, None for anything else."""
    return next((_words()[found] for found in keys_of(line) if found in _words()), None)


@cache
def _words() -> dict[str, bool]:
    said = {word: True for pattern in YES for word in spellings(pattern)}
    return said | {word: False for pattern in NO for word in spellings(pattern)}
