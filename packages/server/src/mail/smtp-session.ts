import { createTransport } from 'nodemailer'
import SMTPConnection from 'nodemailer/lib/smtp-connection'

const connectTimeoutMs = 10_000
const silenceTimeoutMs = 30_000

/** The timeouts of connections to mail servers. */
export const smtpTimeouts = {
  connectionTimeout: connectTimeoutMs,
  greetingTimeout: connectTimeoutMs,
  dnsTimeout: connectTimeoutMs,
  socketTimeout: silenceTimeoutMs,
} as const

/** The result of a test session with a mail server. */
export interface SmtpSession {
  /** Whether the session is encrypted. */
  readonly secure: boolean
  /**
   * `unasked`: no credentials are configured. `unoffered`: the server does not offer
   * authentication.
   */
  readonly login: 'done' | 'unasked' | 'unoffered'
}

/** The mail server does not offer the encryption that the operator requires. */
class StarttlsUnoffered extends Error {
  readonly code = 'STARTTLS_NOT_OFFERED'
}

/**
 * Opens a session as for an e-mail, with STARTTLS and login, but sends nothing. Throws nodemailer's
 * errors and `STARTTLS_NOT_OFFERED`.
 */
export async function trySession(url: string): Promise<SmtpSession> {
  const { auth } = optionsOf(url)
  try {
    return await withConnection(url, {}, async (connection) => {
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
 * Returns the error that explains why there was no session. nodemailer sends STARTTLS if it is
 * required, offered or not, so that its error does not show that the server does not offer it.
 */
export async function explainFailure(url: string, error: unknown): Promise<unknown> {
  const { requireTLS, secure } = optionsOf(url)
  const { code } = error as { code?: unknown }
  if (requireTLS !== true || secure === true || (code !== 'ETLS' && code !== 'ESOCKET')) return error
  const offered = await offersStarttls(url).catch(() => undefined)
  return offered === false ? new StarttlsUnoffered('The mail server does not offer STARTTLS.', { cause: error }) : error
}

function offersStarttls(url: string): Promise<boolean> {
  return withConnection(url, { requireTLS: false, ignoreTLS: true }, async ({ lastServerResponse }) =>
    /^250[ -]STARTTLS\b/im.test(String(lastServerResponse)),
  )
}

/** Runs `work` with an open connection, and closes it. */
async function withConnection<T>(
  url: string,
  changes: { readonly requireTLS?: boolean; readonly ignoreTLS?: boolean },
  work: (connection: SMTPConnection) => Promise<T>,
): Promise<T> {
  const connection = new SMTPConnection({ ...optionsOf(url), ...smtpTimeouts, ...changes })
  const failure = new Promise<never>((_, reject) => {
    connection.on('error', reject)
    connection.once('end', () => reject(new Error('The mail server closed the connection.')))
  })
  // Rejects at the latest when the connection is closed below.
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

/** Returns the options that nodemailer reads from the URL. */
function optionsOf(url: string) {
  return createTransport({ url }).options
}
