# ruff: noqa: E501 - a table of what servers say, one saying a row
"""Tests of `mailer.message.report_class`: what servers say, and the class that makes of it."""

import pytest

from mailer.message.report_class import classify_failure

# status field, what the other server said, expected class
SAID = [
    # the mailbox or domain is not there
    ("5.1.1", "smtp; 550 5.1.1 <a@example.org>: Recipient address rejected: User unknown in virtual mailbox table", "hard"),
    ("5.1.1", "smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking", "hard"),
    ("5.1.10", "smtp; 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient a@example.org not found by SMTP address lookup", "hard"),
    ("5.1.10", "smtp;556 5.1.10 Recipient address has null MX", "hard"),
    ("5.1.2", "smtp; 550 5.1.2 Host unknown", "hard"),
    ("5.1.3", "smtp; 501 5.1.3 Bad recipient address syntax", "hard"),
    ("5.1.6", "smtp; 551 5.1.6 has moved", "hard"),
    ("5.1.1", "", "hard"),
    ("5.4.4", "X-Postfix; Host or domain name not found. Name service error for name=example.invalid type=A: Host not found", "hard"),
    ("5.4.1", "smtp; 550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "hard"),
    ("5.5.0", "smtp; 550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)", "hard"),
    ("5.0.0", "smtp; 550 Requested action not taken: mailbox unavailable", "hard"),
    ("5.0.0", "smtp; 554 delivery error: dd This user doesn't have a yahoo.com account (a@yahoo.com) [0]", "hard"),
    ("5.0.0", "smtp; 550 No such user here", "hard"),
    ("5.0.0", "smtp; 550-Verification failed for <a@example.org> 550 Unrouteable address", "hard"),
    ("5.2.1", "smtp; 550 5.2.1 no such user", "hard"),
    ("5.1.0", "smtp; 550 5.1.0 Address rejected.", "hard"),
    ("5.1.0", "smtp; 5.1.0 - Unknown address error 550-'5.1.1 <a@example.org>: user unknown' (delivery attempts: 0)", "hard"),
    ("5.7.1", "smtp; 550 5.7.1 <a@example.org>... User unknown", "hard"),
    ("", "550 sorry, no mailbox here by that name (#5.1.1 - chkusr)", "hard"),
    ("", "Sorry, I couldn't find any host named example.invalid. (#5.1.2)", "hard"),
    ("", "all relevant MX records point to non-existent hosts", "hard"),
    ("5.0.0", "X-Notes; User a (a@example.org) not listed in Domino Directory", "hard"),
    ("", "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR204_416 [416]", "hard"),
    ("", "550 non-local recipient verification failed: Benutzer existiert nicht", "hard"),
    ("", "550 El destinatario no existe", "hard"),
    ("", "550 Пользователь не найден", "hard"),
    ("", "550 收件人不存在", "hard"),
    ("", "550 존재하지 않는 계정입니다", "hard"),
    ("", "Der Empfänger ist unbekannt", "hard"),
    ("", "This user has moved to another address", "hard"),
    ("5.0.350", "smtp; 550 5.0.350 Remote server returned an error -> 550 5.1.1 User Unknown", "hard"),
    ("", "553 5.3.0 <a@example.org>... No such user", "hard"),
    ("", "550 a@example.org", "hard"),
    ("5.7.1", "SMTP; 553 Invalid recipient a@example.org (Mode: normal)", "hard"),
    ("", "550 Mailbox not found", "hard"),
    ("5.0.0", "smtp; 550 sorry, there is no mailbox here by that name. (#5.7.17)", "hard"),
    ("5.7.1", "smtp; 550 5.7.1 No mailbox found", "hard"),
    ("5.0.0", "smtp; 553", "hard"),
    ("5.4.1", "smtp; 550 5.4.1 Recipient address rejected: Access denied. AS(2018)", "hard"),
    ("5.4.310", "smtp; 550 5.4.310 DNS domain example.org does not exist", "hard"),
    ("", "553 sorry, that recipient is not in my validrcptto list (#5.7.1)", "hard"),
    ("", "551 not our user", "hard"),
    ("", "550 5.1.1 unknown or illegal alias: a@example.org", "hard"),
    ("", "unknown user: \"a\"", "hard"),
    ("", "550 Account a@example.org is no longer in use", "hard"),
    ("5.4.310", "smtp; 550 5.4.310 DNS domain example.invalid does not exist [Message=InfoDomainNonexistent]", "hard"),
    ("5.0.0", "smtp; 550 Invalid recipient <a@example.org> (#5.1.1)", "hard"),
    ("", "550 User not found: a", "hard"),
    ("", "550 #5.1.0 Address rejected a@example.org", "hard"),
    ("5.1.2", "smtp; 5.1.2 - Bad destination host 'DNS Hard Error looking up example.invalid (MX): NXDomain'", "hard"),
    ("", "550 Invalid address", "hard"),
    ("", "550 RCPT TO:<a@example.org> User unknown", "hard"),
    ("5.3.0", "smtp; 550 5.3.0 Other mail system problem: unknown user", "hard"),
    # full
    ("5.2.2", "smtp; 552 5.2.2 Mailbox full", "full"),
    ("5.2.2", "smtp; 552-5.2.2 The email account that you tried to reach is over quota", "full"),
    ("4.2.2", "smtp; 452 4.2.2 The email account that you tried to reach is over quota", "full"),
    ("5.0.0", "smtp; 552 Requested mail action aborted: exceeded storage allocation", "full"),
    ("5.1.1", "smtp; 550 user quota exceeded", "full"),
    ("", "The e-mail message could not be delivered because the user's mailfolder is full.", "full"),
    ("", "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException", "full"),
    ("", "Das Postfach des Empfängers ist voll", "full"),
    ("", "Sorry, I wasn't able to open the mailbox: user is over quota", "full"),
    ("", "550 邮箱已满", "full"),
    ("", "552 5.1.1 The mailbox of the recipient: user over quota", "full"),
    ("5.2.3", "X-Postfix; maildir delivery failed: he has overdrawn his diskspace quota", "full"),
    ("", "552 that account does not have enough space", "full"),
    # blocked: content, policy, reputation, relaying, sender
    ("5.7.1", "smtp; 550 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org", "block"),
    ("5.7.1", "smtp; 554 5.7.1 <a@example.org>: Relay access denied", "block"),
    ("5.7.26", "smtp; 550-5.7.26 This mail has been blocked because the sender is unauthenticated.", "block"),
    ("5.7.9", "smtp; 554 5.7.9 Message not accepted for policy reasons", "block"),
    ("5.1.1", "smtp; 550 Message rejected as spam", "block"),
    ("5.0.0", "smtp; 554 Service unavailable; Client host [192.0.2.1] blocked using Barracuda Reputation", "block"),
    ("5.0.0", "smtp; 550 SPF check failed", "block"),
    ("5.7.1", "", "block"),
    ("5.1.8", "smtp; 553 5.1.8 <b@example.net>... Domain of sender address b@example.net does not exist", "block"),
    ("5.1.7", "smtp; 550 5.1.7 <b@example.net>: Sender address rejected: undeliverable", "block"),
    ("5.0.0", "smtp; 550 <b@example.net>: Sender address rejected: User unknown", "block"),
    ("5.7.133", "smtp; 550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required", "block"),
    ("", "554 Your access to this mail system has been rejected due to the sending MTA's poor reputation", "block"),
    ("", "550 relaying denied", "block"),
    ("5.0.0", "smtp; 521-192.0.2.17 blocked by blacklist. 521 DNSRBL: Blocked for abuse.", "block"),
    ("5.1.0", "smtp; 5.1.0 - Unknown address error 550-'5.7.1 rejected by spam filter' (delivery attempts: 0)", "block"),
    ("5.6.0", "smtp; 554 5.6.0 Message contains invalid content", "block"),
    ("", "550 SC-004 Unfortunately, messages from 192.0.2.1 weren't sent.", "block"),
    ("5.7.1", "smtp; 554 5.7.1 <a@example.org>: Recipient address rejected: Access denied", "block"),
    ("5.1.0", "host a [192.0.2.1]: SMTP error after MAIL FROM:<b@example.net>: 553 5.1.0 b does not exist", "block"),
    ("5.0.0", "smtp; 550 no such user (in reply to MAIL FROM command)", "block"),
    ("", ">>> EHLO lists.example.net <<< 550 unknown host", "block"),
    ("5.2.0", "550 5.2.0 <b@example.net> From: Domain is invalid. Please give a valid From:", "block"),
    ("", "550 mailbox unavailable, invalid DNS MX or A resource record of yours", "block"),
    ("", "550 Administrative prohibition", "block"),
    ("", "550 this account is protected by a filter of ours", "block"),
    # there, but not now
    ("", "Mail size limit exceeded. For explanation visit our pages.", "soft"),
    ("4.4.7", "smtp; 550 4.4.7 QUEUE.Expired; message expired", "soft"),
    ("4.7.1", "smtp; 451 4.7.1 Greylisting in action, please come back later", "soft"),
    ("5.3.4", "smtp; 552 5.3.4 Message size exceeds fixed limit", "soft"),
    ("5.2.3", "smtp; 552 5.2.3 Message length exceeds administrative limit", "soft"),
    ("5.4.6", "smtp; 554 5.4.6 Too many hops", "soft"),
    ("4.4.1", "X-Postfix; connect to mx.example.org[192.0.2.1]:25: Connection timed out", "soft"),
    ("4.1.1", "smtp; 450 4.1.1 <a@example.org>: Recipient address rejected: unverified address", "soft"),
    ("5.4.7", "smtp; 5.4.7 - Delivery expired (message too old) 'timeout'", "soft"),
    ("", "retry timeout exceeded", "soft"),
    ("5.2.1", "smtp; 550 5.2.1 The email account that you tried to reach is disabled.", "soft"),
    ("4.2.1", "smtp; 450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents", "soft"),
    ("", "452 4.3.1 Insufficient system storage", "soft"),
    ("5.0.0", "x-unix; mail loop detected", "soft"),
    ("", "CNAME lookup failed temporarily. (#4.4.3)", "soft"),
    ("", "Name service error for domain example.org: Host not found, try again", "soft"),
    ("", "554 5.4.14 Hop count exceeded - possible mail loop ATTR34", "soft"),
    ("5.4.316", "smtp; 550 5.4.316 Message expired, connection refused", "soft"),
    ("5.1.1", "smtp; 550 max message size exceeded", "soft"),
    ("4.7.1", "450 4.7.1 busy (in reply to MAIL FROM command)", "soft"),
    ("5.0.0", "smtp; 534 SIZE=Message too big (in reply to MAIL FROM command)", "soft"),
    ("", "550 no mail is taken for this mailbox due to long inactivity", "soft"),
    ("", "550 Ip frequency limited", "soft"),
    # nothing to go by
    ("4.0.0", "", "soft"),
    ("", "Undeliverable message", "unknown"),
    ("5.0.0", "", "unknown"),
    ("", "", "unknown"),
    ("5.0.0", "smtp; 554 No Resent-From field given", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "diagnostic", "expected"), SAID)
def test_what_a_server_says_has_one_class(status: str, diagnostic: str, expected: str) -> None:
    assert classify_failure(status, diagnostic)[0] == expected


@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"])
def test_status_of_a_missing_mailbox_is_hard_without_words(status: str) -> None:
    assert classify_failure(status, "") == ("hard", status)


def test_advice_of_the_report_does_not_outweigh_the_servers_own_words() -> None:
    said = "550 SC-001 something went astray with this here letter"
    assert classify_failure("", said, "The address was not found, or else.")[0] == "unknown"


def test_prose_tells_where_the_server_gave_a_bare_code() -> None:
    assert classify_failure("5.0.0", "smtp; 550", "The address was not found.")[0] == "hard"


def test_prose_tells_that_the_mailbox_is_full_where_the_status_only_says_later() -> None:
    assert classify_failure("4.0.0", "", "account is full (quota exceeded)")[0] == "full"
    assert classify_failure("4.4.7", "", "account is full (quota exceeded)")[0] == "soft"
