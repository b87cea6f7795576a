import type { MailConfiguration } from '../../config/configuration.js'
import { currentOf } from '../../config/setting-files.js'
import { reasonOf } from '../../mail/smtp-failure.js'
import { type Finding, fail, ok, said, warn } from './finding.js'

/** Whether letters can be sent: the mail server is greeted, over TLS where it offers that, and signed in to; no letter is sent. */
export async function checkMail({ carrier, from }: MailConfiguration): Promise<Finding> {
  if (carrier === undefined) {
    const remedy = 'Set LATCHKEY_SMTP_URL and LATCHKEY_MAIL_FROM.'
    return warn('mail', 'nobody takes letters: passwords cannot be reset', remedy)
  }
  const letters = `letters from ${from.address}`
  if (carrier.kind === 'smtp') return checkServer(currentOf(carrier.url), letters)
  const remedy = 'Set LATCHKEY_SMTP_URL before people wait for letters.'
  return warn('mail', `${letters} are left in ${carrier.folder}`, remedy)
}

async function checkServer(url: string, letters: string): Promise<Finding> {
  const { host, hostname } = new URL(url)
  const { trySession } = await import('../../mail/smtp-session.js')
  try {
    const { secure, login } = await trySession(url)
    if (login === 'unoffered') {
      const remedy =
        'Check the port, or leave user and password out of LATCHKEY_SMTP_URL; some servers take them over TLS alone.'
      return warn('mail', `${host} takes no login, and is sent ${letters} without one`, remedy)
    }
    const how = `${secure ? 'over TLS' : 'unencrypted'}${login === 'done' ? ', signed in' : ''}`
    if (secure || isHere(hostname)) return ok('mail', `${letters} go to ${host} ${how}`)
    const remedy =
      'Use a mail server with TLS, and add "?requireTLS=true" to LATCHKEY_SMTP_URL: letters hold one-time links.'
    return warn('mail', `${letters} go to ${host} ${how}`, remedy)
  } catch (error) {
    const reason = reasonOf(error)
    return fail('mail', `${letters} cannot go to ${host}: ${reason} (${said(error)})`, remedyFor(reason))
  }
}

function isHere(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

function remedyFor(reason: string): string {
  if (reason.startsWith('EAUTH')) return 'Check user and password in LATCHKEY_SMTP_URL, percent-encoded each.'
  if (reason.startsWith('STARTTLS_NOT_OFFERED')) {
    return 'Use a port with TLS, such as smtps://…:465, or leave "requireTLS" out where the way to the server is safe.'
  }
  if (/CERT|SIGNATURE|ETLS|ERR_TLS|ERR_SSL/.test(reason)) {
    return 'Use the name that is in its certificate, and give Node.js the certificate of its CA by NODE_EXTRA_CA_CERTS.'
  }
  return 'Check host and port in LATCHKEY_SMTP_URL, and that this machine may reach them.'
}
