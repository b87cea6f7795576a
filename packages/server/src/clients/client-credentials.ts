import { clientFailures } from './failures.js'

/** The client ID and the client secret of a request. */
export interface ClientCredentials {
  readonly clientId: string
  readonly secret: string
}

/** The parts of a request that may contain client credentials. */
export interface CredentialsCarrier {
  /** All `Authorization` headers of the request. */
  readonly authorization: readonly string[]
  /** `client_id` and `client_secret` of the form. */
  readonly form: { readonly client_id?: string | undefined; readonly client_secret?: string | undefined }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
// RFC 7617 §2: the scheme, in any case, and a token68.
const basic = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i

/**
 * Returns the credentials of `client_secret_basic` or `client_secret_post` (RFC 6749 §2.3.1);
 * `undefined` if there are none.
 *
 * @throws Problem `client_unauthenticated` for malformed credentials; `client_ambiguous` for more
 * than one method (RFC 6749 §2.3)
 */
export function parseClientCredentials({ authorization, form }: CredentialsCarrier): ClientCredentials | undefined {
  const [header, ...others] = authorization
  if (others.length > 0) throw clientFailures.refusal('client_ambiguous')
  if (header === undefined) return credentialsInForm(form)
  const credentials = parseBasic(header)
  const namesAnotherId = form.client_id !== undefined && form.client_id !== credentials.clientId
  if (form.client_secret !== undefined || namesAnotherId) throw clientFailures.refusal('client_ambiguous')
  return credentials
}

function credentialsInForm({ client_id, client_secret }: CredentialsCarrier['form']): ClientCredentials | undefined {
  if (client_secret === undefined) return undefined
  if (client_id === undefined) throw clientFailures.refusal('client_unauthenticated')
  return { clientId: client_id, secret: client_secret }
}

/** Parses HTTP Basic credentials, in which ID and secret are form-urlencoded (RFC 6749 §2.3.1). */
function parseBasic(header: string): ClientCredentials {
  const encoded = basic.exec(header)?.[1]
  const text = encoded === undefined ? undefined : decodeUtf8(Buffer.from(encoded, 'base64'))
  const colon = text?.indexOf(':') ?? -1
  const clientId = text === undefined ? undefined : decodeFormValue(text.slice(0, colon))
  const secret = text === undefined ? undefined : decodeFormValue(text.slice(colon + 1))
  if (colon < 0 || clientId === undefined || secret === undefined)
    throw clientFailures.refusal('client_unauthenticated')
  return { clientId, secret }
}

/** Decodes one form value (RFC 6749 appendix B); returns `undefined` if it is not UTF-8. */
function decodeFormValue(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
