import { createTransport } from 'nodemailer'
import SMTPConnection from 'nodemailer/lib/smtp-connection'

const connectTimeoutMs = 10_000
const silenceTimeoutMs = 30_000

/** How a mail server is connected to. */
export const smtpTimeouts = {
  connectionTimeout: connectTimeoutMs,
  greetingTimeout: connectTimeoutMs,
  dnsTimeout: connectTimeoutMs,
  socketTimeout: silenceTimeoutMs,
} as const

/** How far a session with a mail server has come. */
export interface SmtpSession {
  /** Whether it is encrypted. */
  readonly secure: boolean
  /** `unasked`: there are no credentials; `unoffered`: there are, and the server takes none. */
  readonly login: 'done' | 'unasked' | 'unoffered'
}

/** The mail server does not offer the encryption that the operator requires. */
class StarttlsUnoffered extends Error {
  readonly code = 'STARTTLS_NOT_OFFERED'
}

/** Greets the mail server, changes to TLS and signs in, as for a letter, and sends none. Fails with nodemailer's errors, and `STARTTLS_NOT_OFFERED`. */
export async function trySession(url: string): Promise<SmtpSession> {
  const { auth } = optionsOf(url)
  try {
    return await within(url, {}, async (connection) => {
      const { secure, allowsAuth } = connection
      if (auth === undefined) return { secure, login: 'unasked' }
      if (!allowsAuth) return { secure, login: 'unoffered' }
      await new Promise<void>((resolve, reject) => {
        connection.login(auth, (error) => (error ? reject(error) : resolve()))
      })
      return { secure, login: 'done' }
    })
  } catch (error) {
    throw await explainFailure(url, error)
  }
}

/**
 * Returns the error that says why there was no session. nodemailer asks for STARTTLS where it is required, offered or not, so that what
 * follows does not tell that it was not offered.
 */
export async function explainFailure(url: string, error: unknown): Promise<unknown> {
  const { requireTLS, secure } = optionsOf(url)
  const { code } = error as { code?: unknown }
  if (requireTLS !== true || secure === true || (code !== 'ETLS' && code !== 'ESOCKET')) return error
  const offered = await offersStarttls(url).catch(() => undefined)
  return offered === false ? new StarttlsUnoffered('The mail server does not offer STARTTLS.', { cause: error }) : error
}

function offersStarttls(url: string): Promise<boolean> {
  return within(url, { requireTLS: false, ignoreTLS: true }, async ({ lastServerResponse }) =>
    /^250[ -]STARTTLS\b/im.test(String(lastServerResponse)),
  )
}

/** Works with a connection that has been greeted. */
async function within<T>(
  url: string,
  changes: { readonly requireTLS?: boolean; readonly ignoreTLS?: boolean },
  work: (connection: SMTPConnection) => Promise<T>,
): Promise<T> {
  const connection = new SMTPConnection({ ...optionsOf(url), ...smtpTimeouts, ...changes })
  const failure = new Promise<never>((_, reject) => {
    connection.on('error', reject)
    connection.once('end', () => reject(new Error('The mail server closed the connection.')))
  })
  // It ends at the latest when it is closed below.
  failure.catch(() => {})
  const greeted = new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()))
  })
  try {
    await Promise.race([greeted, failure])
    return await Promise.race([work(connection), failure])
  } finally {
    connection.close()
  }
}

/** What nodemailer reads in the URL. */
function optionsOf(url: string) {
  return createTransport({ url }).options
}
