import type { MailConfiguration } from '../../config/configuration.js'
import { currentOf } from '../../config/setting-files.js'
import { reasonOf } from '../../mail/smtp-failure.js'
import { type Finding, fail, ok, warn } from './finding.js'

/**
 * Checks the mail server by opening a session, over TLS where it is offered, and signing in. No
 * e-mail is sent.
 */
export async function checkMail({ carrier, from }: MailConfiguration): Promise<Finding> {
  if (carrier === undefined) {
    const remedy = 'Set LATCHKEY_SMTP_URL and LATCHKEY_MAIL_FROM.'
    return warn('mail', 'not configured: people cannot reset their passwords', remedy)
  }
  const sender = `e-mail from ${from.address}`
  if (carrier.kind === 'smtp') return checkServer(currentOf(carrier.url), sender)
  const remedy = 'Set LATCHKEY_SMTP_URL before people other than you use the server.'
  return warn('mail', `${sender} is written to files in ${carrier.folder}`, remedy)
}

async function checkServer(url: string, sender: string): Promise<Finding> {
  const { host, hostname } = new URL(url)
  const { trySession } = await import('../../mail/smtp-session.js')
  try {
    const { secure, login } = await trySession(url)
    if (login === 'unoffered') {
      const remedy =
        'Check the port, or omit user and password from LATCHKEY_SMTP_URL; some servers accept them over TLS only.'
      return warn('mail', `${sender} goes to ${host}, which offers no login`, remedy)
    }
    const how = `${secure ? 'over TLS' : 'unencrypted'}${login === 'done' ? ', signed in' : ''}`
    if (secure || isLocal(hostname)) return ok('mail', `${sender} goes to ${host} ${how}`)
    const remedy =
      'Use a mail server with TLS, and add "?requireTLS=true" to LATCHKEY_SMTP_URL: e-mail contains one-time links.'
    return warn('mail', `${sender} goes to ${host} ${how}`, remedy)
  } catch (error) {
    const reason = reasonOf(error)
    return fail('mail', `${sender} cannot be sent to ${host}: ${reason}`, remedyFor(reason), error)
  }
}

function isLocal(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

function remedyFor(reason: string): string {
  if (reason.startsWith('EAUTH')) return 'Check user and password in LATCHKEY_SMTP_URL; both must be percent-encoded.'
  if (reason.startsWith('STARTTLS_NOT_OFFERED')) {
    return 'Use a port with TLS, such as smtps://…:465, or omit "requireTLS" where the network to the server is safe.'
  }
  if (/CERT|SIGNATURE|ETLS|ERR_TLS|ERR_SSL/.test(reason)) {
    return 'Use the host name of its certificate, and set NODE_EXTRA_CA_CERTS to the certificate of its CA.'
  }
  return 'Check host and port in LATCHKEY_SMTP_URL, and that this machine can reach them.'
}
