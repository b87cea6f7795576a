/** The members of nodemailer's errors that are used here. */
interface SmtpError {
  /** nodemailer's code: `EAUTH`, `EENVELOPE`, `ESOCKET`… */
  readonly code?: unknown
  /**
   * The code of Node.js for an error of the socket or of TLS: `ECONNREFUSED`,
   * `DEPTH_ZERO_SELF_SIGNED_CERT`…
   */
  readonly originalCode?: unknown
  /** The SMTP command that the mail server answered: `RCPT TO`, `DATA`… */
  readonly command?: unknown
  readonly response?: unknown
  readonly responseCode?: unknown
}

/**
 * The enhanced status code of an answer (RFC 3463), at its beginning, or as qmail writes it, at its
 * end: `(#5.1.1)`.
 */
const statusInAnswer = /(?:^\d{3}[ -]|#)([245]\.\d{1,3}\.\d{1,3})\b/

/**
 * Statuses of a mailbox or domain that does not exist, has moved, accepts no mail (RFC 7505), or is
 * disabled.
 */
const noMailbox = /^5\.(?:1\.(?:1|2|3|6|10)|2\.1)$/

/** Reply codes for refused mailboxes (RFC 5321 §4.2.3). Servers use them for policies as well. */
const refusalCodes: readonly unknown[] = [550, 551, 553]

/**
 * Words of an answer about the sender, the connection or a limit, so that the server would refuse
 * other recipients as well. They decide if there is no enhanced status code, or the general one
 * 5.1.0.
 */
const notOfMailbox =
  /\b(?:sender|from|relay|auth|log[ -]?in|credential|verif|polic|administrat|prohibit|permi|allow|access|spam|block|list|reputation|host|client|ip|dns|spf|dkim|dmarc|helo|ehlo|tls|starttls|ssl|encrypt|secur|quota|limit|exceed|rate|too many|full|space|storage|later|temporar)/i

/**
 * Returns whether the mail server has permanently refused this recipient. The operator can correct
 * all other reasons while the e-mail waits: the sender, the login, TLS, or limits.
 */
export function isRecipientRefused(error: unknown): boolean {
  const { command, response, responseCode } = error as SmtpError
  if (typeof response !== 'string' || (command !== 'RCPT TO' && command !== 'DATA')) return false
  const status = statusIn(response)
  if (status !== undefined && status !== '5.1.0') return noMailbox.test(status)
  return command === 'RCPT TO' && refusalCodes.includes(responseCode) && !notOfMailbox.test(response)
}

/**
 * Returns only codes, such as `ESOCKET ECONNREFUSED` or `EENVELOPE 550 5.7.60`, because the text of
 * the mail server may repeat the message.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code, originalCode, response, responseCode } = error as SmtpError
  const status = typeof response === 'string' ? statusIn(response) : undefined
  return [code ?? error.name, originalCode, responseCode, status].filter((part) => part !== undefined).join(' ')
}

function statusIn(response: string): string | undefined {
  return statusInAnswer.exec(response)?.[1]
}
