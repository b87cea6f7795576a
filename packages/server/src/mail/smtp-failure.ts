/** What nodemailer fails with, as far as it is looked at here. */
interface SmtpError {
  /** What went wrong, in nodemailer's words: `EAUTH`, `EENVELOPE`, `ESOCKET`… */
  readonly code?: unknown
  /** What Node.js calls it where it is about the socket or TLS: `ECONNREFUSED`, `DEPTH_ZERO_SELF_SIGNED_CERT`… */
  readonly originalCode?: unknown
  /** What the mail server has answered to: `RCPT TO`, `DATA`… */
  readonly command?: unknown
  readonly response?: unknown
  readonly responseCode?: unknown
}

/** A status of RFC 3463 at the beginning of an answer, or at its end as qmail writes it: `(#5.1.1)`. */
const statusInAnswer = /(?:^\d{3}[ -]|#)([245]\.\d{1,3}\.\d{1,3})\b/

/** There is no such mailbox or domain, it has moved, takes no mail at all (RFC 7505), or is disabled. */
const noMailbox = /^5\.(?:1\.(?:1|2|3|6|10)|2\.1)$/

/** The codes by which mailboxes are refused (RFC 5321 §4.2.3), and which policies use as well. */
const refusalCodes: readonly unknown[] = [550, 551, 553]

/**
 * Words of answers without a status, or with the one that says nothing more (5.1.0), that are about who sends, how, or how much, so
 * that another recipient would be refused as well.
 */
const notOfMailbox =
  /\b(?:sender|from|relay|auth|log[ -]?in|credential|verif|polic|administrat|prohibit|permi|allow|access|spam|block|list|reputation|host|client|ip|dns|spf|dkim|dmarc|helo|ehlo|tls|starttls|ssl|encrypt|secur|quota|limit|exceed|rate|too many|full|space|storage|later|temporar)/i

/**
 * Returns whether the mail server has refused this recipient for good. Whatever else it refuses, the sender, the login, a
 * connection without TLS, the number of letters, can be put right by the operator while the letter waits.
 */
export function isRecipientRefused(error: unknown): boolean {
  const { command, response, responseCode } = error as SmtpError
  if (typeof response !== 'string' || (command !== 'RCPT TO' && command !== 'DATA')) return false
  const status = statusIn(response)
  if (status !== undefined && status !== '5.1.0') return noMailbox.test(status)
  return command === 'RCPT TO' && refusalCodes.includes(responseCode) && !notOfMailbox.test(response)
}

/** Returns codes alone, such as `ESOCKET ECONNREFUSED` or `EENVELOPE 550 5.7.60`: what a mail server says may repeat what was sent to it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code, originalCode, response, responseCode } = error as SmtpError
  const status = typeof response === 'string' ? statusIn(response) : undefined
  return [code ?? error.name, originalCode, responseCode, status].filter((part) => part !== undefined).join(' ')
}

function statusIn(response: string): string | undefined {
  return statusInAnswer.exec(response)?.[1]
}
