import { isIP } from 'node:net'
import { Keyring } from 'latchkey'

/** A JSON Schema (2020-12) of an object. */
export type ProfileSchema = Readonly<Record<string, unknown>>

/** The sender of e-mail. */
export interface MailSender {
  /** May be empty. */
  readonly name: string
  readonly address: string
}

export function parseHost(text: string): string | undefined {
  return isIP(text) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$/.test(text) ? text : undefined
}

/** Parses a URL that begins with one of the prefixes, such as `redis://`. */
export function parseUrl(text: string, prefixes: readonly string[]): string | undefined {
  return prefixes.some((prefix) => text.startsWith(prefix)) && URL.canParse(text) ? text : undefined
}

export function parseShare(text: string): number | undefined {
  return /^(0|1|0?\.[0-9]{1,9}|1\.0{1,9})$/.test(text) ? Number(text) : undefined
}

export function parseMasterKeys(text: string): string | undefined {
  const masterKeys = text.replaceAll(/\s*\n\s*/g, ',')
  try {
    Keyring.parse(masterKeys)
    return masterKeys
  } catch {
    return undefined
  }
}

export function parseBase64(text: string): string | undefined {
  const joined = text.replaceAll(/\s/g, '')
  const bytes = Buffer.from(joined, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === joined ? joined : undefined
}

/** Parses an origin that access tokens may be sent to: without TLS only one of this machine. */
export function parseKmsEndpoint(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { origin, protocol, hostname } = new URL(text)
  const isPrivate = protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]'].includes(hostname))
  return isPrivate && origin === text ? text : undefined
}

export function parseIssuer(text: string): string | undefined {
  if (!URL.canParse(text) || /[?#\s]|\/$/.test(text)) return undefined
  const { protocol, username, password } = new URL(text)
  const web = protocol === 'https:' || protocol === 'http:'
  return web && username === '' && password === '' ? text : undefined
}

/**
 * Parses origins as browsers serialize them (RFC 6454 §6.1), because they are compared as texts.
 * `null` is refused: it is the origin of every sandboxed page.
 */
export function parseOrigins(text: string): readonly string[] | undefined {
  const origins = text.split(',').map((origin) => origin.trim())
  return origins.every(isOrigin) ? origins : undefined
}

/** Parses the same, without the origins of apps, which no redirect can reach. */
export function parseWebOrigins(text: string): readonly string[] | undefined {
  return parseOrigins(text)?.every((origin) => /^https?:/.test(origin)) ? parseOrigins(text) : undefined
}

function isOrigin(text: string): boolean {
  if (/^https?:/.test(text)) return URL.canParse(text) && new URL(text).origin === text
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\/[a-z0-9._-]*(?::[0-9]{1,5})?$/.exec(text) ?? []
  return scheme !== undefined && !schemesWithoutPages.includes(scheme)
}

/**
 * Schemes whose pages have no origin of their own, and schemes without pages. Apps use other ones:
 * `capacitor`, `tauri`, `chrome-extension`.
 */
const schemesWithoutPages: readonly string[] = ['file', 'data', 'blob', 'about', 'javascript', 'ftp', 'ws', 'wss']

/** Parses the domain of passkeys. An IP address is refused, because no browser accepts one. */
export function parseRpId(text: string): string | undefined {
  const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
  const isDomain = new RegExp(`^${label}(?:\\.${label})*$`).test(text) && text.length <= 253
  return isDomain && !/^[0-9.]+$/.test(text) ? text : undefined
}

/**
 * Parses the origins of WebAuthn: those of pages, and those of Android apps. The latter are the
 * SHA-256 of the certificate that has signed the app, in base64url.
 */
export function parsePasskeyOrigins(text: string): readonly string[] | undefined {
  const origins = text.split(',').map((origin) => origin.trim())
  return origins.every((origin) => isOrigin(origin) || androidApp.test(origin)) ? [...new Set(origins)] : undefined
}

const androidApp = /^android:apk-key-hash:[A-Za-z0-9_-]{43}$/

export function parseProfileSchema(text: string): ProfileSchema | undefined {
  try {
    const schema: unknown = JSON.parse(text)
    const isObject = typeof schema === 'object' && schema !== null && !Array.isArray(schema)
    return isObject ? (schema as ProfileSchema) : undefined
  } catch {
    return undefined
  }
}

/**
 * Claims that verifiers act on: those of RFC 7519, 7800, 8693, 9068, 9396 and OpenID Connect, and
 * those that frameworks read rights from. A profile must not set them.
 */
const reservedClaims: ReadonlySet<string> = new Set(
  (
    'iss sub aud exp nbf iat jti sid typ alg kid cnf act may_act azp auth_time acr amr nonce at_hash c_hash s_hash events toe txn ' +
    'client_id scope scp role roles groups entitlements permissions authorities authorization_details realm_access resource_access ' +
    'admin is_admin tenant tenant_id org_id username preferred_username email email_verified phone_number phone_number_verified ' +
    'constructor prototype __proto__'
  ).split(' '),
)

export function parseProfileClaims(text: string): readonly string[] | undefined {
  const names = text.split(',').map((name) => name.trim())
  const isUsable = (name: string) =>
    /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name) && !reservedClaims.has(name.toLowerCase())
  return names.length <= 16 && names.every(isUsable) ? names : undefined
}

export function parseScopes(text: string): readonly string[] | undefined {
  const scopes = text.split(' ').filter((scope) => scope !== '')
  return scopes.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) ? scopes : undefined
}

const senderAddress = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}$/

export function parseSender(text: string): MailSender | undefined {
  const [, name = '', address = text] = /^ *([\x20-\x7e]*?) *<([^<>]*)> *$/.exec(text) ?? []
  return senderAddress.test(address) && !/["<>]/.test(name) ? { name, address } : undefined
}

export function parseAudience(text: string): string | undefined {
  return /^[\x21-\x2b\x2d-\x7e]{1,255}$/.test(text) ? text : undefined
}

export function parseAudiences(text: string): readonly [string, ...string[]] | undefined {
  const [first, ...others] = text.split(',').map((audience) => parseAudience(audience.trim()))
  if (first === undefined) return undefined
  const listed = others.filter((audience) => audience !== undefined)
  return listed.length === others.length ? [first, ...listed] : undefined
}

/** Returns the text that `parseSender` reads as this sender. */
export function formatSender({ name, address }: MailSender): string {
  return name === '' ? address : `${name} <${address}>`
}

/** Parses one token of /metrics, or two while the first is being replaced. */
export function parseMetricsTokens(text: string): readonly string[] | undefined {
  const tokens = text.split(/\s*\n\s*/)
  return tokens.length <= 2 && tokens.every((token) => /^[\x21-\x7e]{16,255}$/.test(token)) ? tokens : undefined
}
