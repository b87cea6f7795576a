import { isIP } from 'node:net'
import { Keyring } from 'latchkey'
import { parseNetworks } from '../ip-address.js'
import { type ClassLimits, defaultLimits, formatLimits, parseLimits, type RouteClass } from './limits.js'
import { parsePostgresUrl, postgresUrlProblem } from './postgres-url.js'
import { parseWhole, parseWord, type Setting } from './setting.js'

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** What is written to the log. */
export type LogLevel = (typeof logLevels)[number]

const day = 86_400

const registrations = ['open', 'by-mail', 'invited', 'closed'] as const
const permissions = ['allow', 'refuse'] as const

const hstsScopes = ['host', 'subdomains'] as const

/** Which hosts browsers use https alone for. */
export type HstsScope = (typeof hstsScopes)[number]

/** How an account comes about. Administrators and the command line make accounts in any case. */
export type Registration = (typeof registrations)[number]

/** Whether something is permitted. */
export type Permission = (typeof permissions)[number]

/** A JSON Schema (2020-12) of an object. */
export type ProfileSchema = Readonly<Record<string, unknown>>

/** Returns the members that the schema declares, each with the schema of its own. */
export function declaredMembers({ properties }: ProfileSchema): Readonly<Record<string, unknown>> {
  return typeof properties === 'object' && properties !== null ? { ...properties } : {}
}

/** Who letters come from. */
export interface MailSender {
  /** May be empty. */
  readonly name: string
  readonly address: string
}

/** Every environment variable that the server reads, and all that is to be known about each: checks and documentation come from here. */
export const settings = {
  host: {
    name: 'HOST',
    purpose: 'The address to listen on.',
    accepts: 'an IP address or a host name',
    byDefault: '127.0.0.1',
    parse: (text) => (isIP(text) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$/.test(text) ? text : undefined),
  },
  port: {
    name: 'PORT',
    purpose: 'The TCP port to listen on; 0 takes any free one, and then LATCHKEY_ISSUER must be given.',
    accepts: 'a whole number from 0 to 65535',
    byDefault: '3000',
    parse: (text) => parseWhole(text, 0, 65_535),
  },
  trustedProxies: {
    name: 'TRUSTED_PROXIES',
    purpose:
      'The proxies that stand in front; X-Forwarded-For is believed from them alone, and as far back as it names them. Everybody behind a proxy that is not listed counts as one client.',
    accepts: 'a list of IP addresses and networks such as "10.0.0.0/8, 2001:db8::1", separated by commas',
    byDefault: 'none: the client is whoever connects',
    parse: parseNetworks,
  },
  databaseUrl: {
    name: 'DATABASE_URL',
    purpose: 'The PostgreSQL database to use instead of the embedded one.',
    accepts: 'a URL that begins with postgres:// or postgresql://',
    byDefault: 'the embedded database in LATCHKEY_DATA_DIR',
    secret: true,
    problemOf: postgresUrlProblem,
    parse: parsePostgresUrl,
  },
  databaseListenUrl: {
    name: 'DATABASE_LISTEN_URL',
    purpose:
      'The same database past a pooler such as PgBouncer, where DATABASE_URL leads through one in transaction mode: changes are listened for there, on one connection.',
    accepts: 'a URL that begins with postgres:// or postgresql://',
    byDefault: 'DATABASE_URL',
    secret: true,
    problemOf: postgresUrlProblem,
    parse: parsePostgresUrl,
  },
  redisUrl: {
    name: 'REDIS_URL',
    purpose:
      'A Redis that servers on one PostgreSQL share as a cache of encrypted secrets. It is not trusted, and may be away.',
    accepts: 'a URL that begins with redis:// or rediss://',
    byDefault: 'no shared cache',
    secret: true,
    parse: (text) => (/^rediss?:\/\//.test(text) && URL.canParse(text) ? text : undefined),
  },
  extraCertificates: {
    name: 'NODE_EXTRA_CA_CERTS',
    purpose:
      'Authorities that Node.js is to trust besides its own. For connections to Redis and to the mail server the file is read again; for all others Node.js reads it at the start alone.',
    accepts: 'the path of a file with certificates in PEM',
    byDefault: 'the authorities that Node.js trusts',
    parse: (text) => text,
  },
  dataFolder: {
    name: 'LATCHKEY_DATA_DIR',
    purpose: 'The folder of the embedded database and its master key.',
    accepts: 'a path without NUL',
    byDefault: '.latchkey',
    parse: (text) => text,
  },
  masterKeys: {
    name: 'LATCHKEY_MASTER_KEYS',
    purpose: 'The keys that encrypt secrets at rest, newest first; required with PostgreSQL, unless they are wrapped.',
    accepts: 'a list "id:base64url,id:base64url" of 32-byte keys, separated by commas or line ends',
    byDefault: 'master.key in LATCHKEY_DATA_DIR, made at the first start',
    secret: true,
    parse: parseMasterKeys,
  },
  wrappedMasterKeys: {
    name: 'LATCHKEY_WRAPPED_MASTER_KEYS',
    purpose:
      'The same keys encrypted under LATCHKEY_KMS_KEY, instead of LATCHKEY_MASTER_KEYS; "latchkey master-keys wrap" makes them.',
    accepts: 'base64',
    byDefault: 'none',
    secret: true,
    parse: parseBase64,
  },
  kmsKey: {
    name: 'LATCHKEY_KMS_KEY',
    purpose: 'The key of Google Cloud KMS that opens LATCHKEY_WRAPPED_MASTER_KEYS when the server starts.',
    accepts: 'a name such as "projects/p/locations/l/keyRings/r/cryptoKeys/k"',
    byDefault: 'none',
    parse: (text) =>
      /^projects\/[\w.:-]+\/locations\/[\w-]+\/keyRings\/[\w-]+\/cryptoKeys\/[\w-]+$/.test(text) ? text : undefined,
  },
  kmsEndpoint: {
    name: 'LATCHKEY_KMS_ENDPOINT',
    purpose: 'Where Cloud KMS is asked; a regional endpoint, for example.',
    accepts: 'an https URL without path, or an http URL of this machine',
    byDefault: 'https://cloudkms.googleapis.com',
    parse: parseKmsEndpoint,
  },
  metadataHost: {
    name: 'GCE_METADATA_HOST',
    purpose: 'The server that gives workloads on Google Cloud their access tokens, as Google’s own libraries name it.',
    accepts: 'a host name or an IP address, with a port if it is not 80',
    byDefault: 'metadata.google.internal',
    parse: (text) => (/^[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?$/.test(text) ? text : undefined),
  },
  issuer: {
    name: 'LATCHKEY_ISSUER',
    purpose:
      'The public base URL of this server; the "iss" of every token. Changing it makes living access tokens invalid.',
    accepts: 'an http or https URL without query and fragment, and without a slash at its end',
    byDefault: 'http://HOST:PORT',
    parse: parseIssuer,
  },
  audience: {
    name: 'LATCHKEY_AUDIENCE',
    purpose: 'The "aud" of access tokens.',
    accepts: '1 to 255 visible ASCII characters without comma',
    byDefault: 'api',
    parse: parseAudience,
  },
  serviceAudiences: {
    name: 'LATCHKEY_SERVICE_AUDIENCES',
    purpose: 'Other services that a token may be exchanged for (RFC 8693); the first is the one given unasked.',
    accepts: 'a list of audiences, separated by commas, none of them LATCHKEY_AUDIENCE',
    byDefault: 'services',
    parse: parseAudiences,
  },
  corsOrigins: {
    name: 'LATCHKEY_CORS_ORIGINS',
    purpose: 'The origins of pages elsewhere that may use this server from a browser, with tokens and with cookies.',
    accepts:
      'a list of origins such as "https://app.example.com, http://localhost:5173, capacitor://localhost", as browsers write them, separated by commas',
    byDefault: 'none: only its own pages may',
    parse: parseOrigins,
  },
  hsts: {
    name: 'LATCHKEY_HSTS',
    purpose:
      'The hosts for which browsers use https alone from now on (RFC 6797), where LATCHKEY_ISSUER is https: its host, or all hosts below it as well (includeSubDomains). No host below it can then be used by http.',
    accepts: `one of ${hstsScopes.join(', ')}`,
    byDefault: 'host',
    parse: (text) => parseWord(text, hstsScopes),
  },
  scopes: {
    name: 'LATCHKEY_SCOPES',
    purpose:
      'The scopes that the applications behind know, for others to find at /.well-known/oauth-authorization-server; nothing follows from it here.',
    accepts: 'a list of scopes (RFC 6749 §3.3) with spaces between',
    byDefault: 'none are told',
    parse: parseScopes,
  },
  accessTokenTtl: seconds('LATCHKEY_ACCESS_TOKEN_TTL', 'How long an access token is valid', [10, day], '900'),
  sessionTtl: seconds(
    'LATCHKEY_SESSION_TTL',
    'How long a session lasts at most',
    [60, 3650 * day],
    '2592000 (30 days)',
  ),
  sessionIdleTtl: seconds(
    'LATCHKEY_SESSION_IDLE_TTL',
    'How long a session lasts without being refreshed',
    [60, 3650 * day],
    '1209600 (14 days)',
  ),
  maxSessions: {
    name: 'LATCHKEY_MAX_SESSIONS',
    purpose: 'How many sessions an account may have; one more ends the one that was not used for the longest time.',
    accepts: 'a whole number from 1 to 10000',
    byDefault: '100',
    parse: (text) => parseWhole(text, 1, 10_000),
  },
  gracePeriod: seconds(
    'LATCHKEY_GRACE_PERIOD',
    'How long a rotated secret still verifies',
    [0, 365 * day],
    '3600 (one hour)',
  ),
  serviceKeyRotation: seconds(
    'LATCHKEY_SERVICE_KEY_ROTATION',
    'After which time the key that signs tokens for other services is replaced by the next one of the JWKS',
    [day, 3650 * day],
    '7776000 (90 days)',
  ),
  maxStaleness: {
    name: 'LATCHKEY_MAX_STALENESS',
    purpose: 'Within how many milliseconds every process refuses what was revoked, whatever fails.',
    accepts: 'a whole number of milliseconds from 250 to 60000',
    byDefault: '2000',
    parse: (text) => parseWhole(text, 250, 60_000),
  },
  verifyTimeout: {
    name: 'LATCHKEY_VERIFY_TIMEOUT',
    purpose:
      'After how many milliseconds the verification of a token that waits for the database is answered with 503.',
    accepts: 'a whole number of milliseconds from 100 to 60000',
    byDefault: '5000',
    parse: (text) => parseWhole(text, 100, 60_000),
  },
  passwordMinLength: {
    name: 'PASSWORD_MIN_LENGTH',
    purpose:
      'How many characters a new password has at least. The password is the only factor here, for which NIST SP 800-63B-4 asks for 15. Existing passwords keep working.',
    accepts: 'a whole number from 8 to 64',
    byDefault: '15',
    parse: (text) => parseWhole(text, 8, 64),
  },
  passwordPeppers: {
    name: 'PASSWORD_PEPPERS',
    purpose:
      'Secrets that are hashed along with every password, newest first, kept as master keys are: a copy of the database alone is then no use to who guesses. Passwords come to the newest as their owners sign in; an older one is needed until no hash is left of it.',
    accepts: 'a list "id:base64url,id:base64url" of 32-byte keys',
    byDefault: 'none',
    secret: true,
    parse: parseMasterKeys,
  },
  registration: {
    name: 'LATCHKEY_REGISTRATION',
    purpose:
      'How an account comes about: "open" signs in at once, and says when an address is taken; "by-mail" answers the same to every address, and goes on by a mailed link; "invited" needs an invitation, and "closed" leaves it to administrators. See docs/registration.md.',
    accepts: `one of ${registrations.join(', ')}`,
    byDefault: 'open',
    parse: (text) => parseWord(text, registrations),
  },
  unverifiedSignIn: {
    name: 'LATCHKEY_UNVERIFIED_SIGN_IN',
    purpose: 'Whether an account may sign in whose e-mail address is not verified.',
    accepts: `one of ${permissions.join(', ')}`,
    byDefault: 'allow',
    parse: (text) => parseWord(text, permissions),
  },
  smtpUrl: {
    name: 'LATCHKEY_SMTP_URL',
    purpose:
      'The mail server that letters are handed to, with user and password. With "?requireTLS=true" nothing is sent to an smtp:// server that does not encrypt.',
    accepts: 'a URL that begins with smtp:// or smtps://',
    byDefault:
      'none: with the embedded database letters are written into the folder "mail" of LATCHKEY_DATA_DIR, with PostgreSQL there are none',
    secret: true,
    parse: (text) => (/^smtps?:\/\//.test(text) && URL.canParse(text) ? text : undefined),
  },
  mailFrom: {
    name: 'LATCHKEY_MAIL_FROM',
    purpose: 'Who letters come from; required with LATCHKEY_SMTP_URL.',
    accepts: 'an ASCII address such as "no-reply@example.com" or "Example <no-reply@example.com>"',
    byDefault: 'no-reply@localhost',
    parse: parseSender,
  },
  linkBase: {
    name: 'LATCHKEY_LINK_BASE',
    purpose:
      'The public URL of the pages that mailed links lead to: /verify-email, /finish-registration, /accept-invitation, /reset-password and /confirm-device under it, each with "#token=…".',
    accepts: 'an http or https URL without query and fragment, and without a slash at its end',
    byDefault: 'LATCHKEY_ISSUER',
    parse: parseIssuer,
  },
  resetLinkTtl: seconds(
    'LATCHKEY_RESET_LINK_TTL',
    'How long a link to set a new password, or to confirm a device, works',
    [60, day],
    '3600 (one hour)',
  ),
  verifyLinkTtl: seconds(
    'LATCHKEY_VERIFY_LINK_TTL',
    'How long a link to verify an address, or to finish a registration, works',
    [60, 30 * day],
    '86400 (one day)',
  ),
  invitationTtl: seconds(
    'LATCHKEY_INVITATION_TTL',
    'How long an invitation to make an account works',
    [60, 30 * day],
    '604800 (7 days)',
  ),
  profileSchema: {
    name: 'LATCHKEY_PROFILE_SCHEMA',
    purpose:
      'What the profile of an account may be. A change is refused unless the whole profile fits afterwards. Only administrators write members that are declared as readOnly. See docs/profiles.md.',
    accepts: 'a JSON Schema (2020-12) of an object, as JSON, without unknown keywords and formats',
    byDefault: 'none: any JSON object of at most 4 KiB',
    file: true,
    parse: parseProfileSchema,
  },
  profileClaims: {
    name: 'LATCHKEY_PROFILE_CLAIMS',
    purpose:
      'The members of a profile that access tokens carry as claims, with at most 1 KiB together. They are for display and preferences; rights are roles and scopes.',
    accepts:
      'a list of at most 16 names of letters, digits and underscores, separated by commas, each a property of LATCHKEY_PROFILE_SCHEMA and none that tokens and identities reserve, such as sub, scope, roles or email',
    byDefault: 'none',
    parse: parseProfileClaims,
  },
  limitLogin: limits('login', 'How often one may sign in'),
  limitRegister: limits('register', 'How often one may register'),
  limitRefresh: limits('refresh', 'How often one may refresh'),
  limitRecovery: limits('recovery', 'How often one may ask for mailed links, and use them'),
  limitToken: limits('token', 'How often one may ask /oauth/token for a token, or end one at /oauth/revoke'),
  limitIntrospection: limits('introspection', 'How often one may ask about a token at /oauth/introspect'),
  limitAdmin: limits('admin', 'How many requests administrators may make'),
  limitGeneral: limits('general', 'How many requests one may make of all other routes'),
  keepAlive: seconds(
    'LATCHKEY_KEEP_ALIVE',
    'How long a connection is kept for its next request. It must be longer than the load balancer in front keeps it, which otherwise sends requests into connections that are being closed (502): AWS keeps them for 60 seconds, Google Cloud for 600',
    [5, 3600],
    '130',
  ),
  stopDelay: seconds(
    'LATCHKEY_STOP_DELAY',
    'How long a server that was told to stop still takes requests while /readyz says that it is not ready, for load balancers to notice',
    [0, 300],
    '0',
  ),
  metricsToken: {
    name: 'LATCHKEY_METRICS_TOKEN',
    purpose: 'What must be presented as a bearer token to read /metrics. While it is replaced, there may be two.',
    accepts: '16 to 255 visible ASCII characters, or two such tokens on a line each',
    byDefault: 'none: /metrics answers this machine alone, and nobody once LATCHKEY_ISSUER is not on it',
    secret: true,
    parse: parseMetricsTokens,
  },
  auditRetention: seconds(
    'LATCHKEY_AUDIT_RETENTION',
    'How long the audit log keeps what happened',
    [day, 3650 * day],
    '31536000 (one year)',
  ),
  logLevel: {
    name: 'LOG_LEVEL',
    purpose: 'What is logged on standard output, as JSON lines.',
    accepts: `one of ${logLevels.join(', ')}`,
    byDefault: 'warn; info when NODE_ENV is production',
    parse: (text) => parseWord(text, logLevels),
  },
  requestLogShare: {
    name: 'LATCHKEY_REQUEST_LOG_SHARE',
    purpose:
      'The share of requests whose lines are logged. The last line of a request that is refused or fails is logged whatever it is.',
    accepts: 'a number from 0 to 1 such as 0.01',
    byDefault: '1',
    parse: parseShare,
  },
} as const satisfies Record<string, Setting<unknown>>

function seconds(name: string, purpose: string, [min, max]: readonly [number, number], byDefault: string) {
  return {
    name,
    purpose: `${purpose}, in seconds.`,
    accepts: `a whole number of seconds from ${min} to ${max}`,
    byDefault,
    parse: (text) => parseWhole(text, min, max),
  } as const satisfies Setting<number>
}

function limits(routeClass: RouteClass, purpose: string) {
  const defaults = defaultLimits[routeClass]
  const scopes = Object.keys(defaults).join(' and ')
  return {
    name: `LATCHKEY_LIMIT_${routeClass.toUpperCase()}`,
    purpose: `${purpose}: requests/seconds for each ${scopes}; what is not named keeps its default.`,
    accepts: `a list such as "${formatLimits(defaults)}", of ${scopes}`,
    byDefault: formatLimits(defaults),
    parse: (text) => parseLimits(text, defaults),
  } as const satisfies Setting<ClassLimits>
}

function parseShare(text: string): number | undefined {
  return /^(0|1|0?\.[0-9]{1,9}|1\.0{1,9})$/.test(text) ? Number(text) : undefined
}

function parseMasterKeys(text: string): string | undefined {
  const masterKeys = text.replaceAll(/\s*\n\s*/g, ',')
  try {
    Keyring.parse(masterKeys)
    return masterKeys
  } catch {
    return undefined
  }
}

function parseBase64(text: string): string | undefined {
  const joined = text.replaceAll(/\s/g, '')
  const bytes = Buffer.from(joined, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === joined ? joined : undefined
}

/** An access token is sent there: in the clear it may only stay on this machine. */
function parseKmsEndpoint(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { origin, protocol, hostname } = new URL(text)
  const isPrivate = protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]'].includes(hostname))
  return isPrivate && origin === text ? text : undefined
}

function parseIssuer(text: string): string | undefined {
  if (!URL.canParse(text) || /[?#\s]|\/$/.test(text)) return undefined
  const { protocol, username, password } = new URL(text)
  const web = protocol === 'https:' || protocol === 'http:'
  return web && username === '' && password === '' ? text : undefined
}

/**
 * Origins as browsers write them (RFC 6454 §6.1), because they are compared as texts. Never `null`, which is that of any
 * page in a sandbox, and never that of all files.
 */
function parseOrigins(text: string): readonly string[] | undefined {
  const origins = text.split(',').map((origin) => origin.trim())
  return origins.every(isOrigin) ? origins : undefined
}

function isOrigin(text: string): boolean {
  if (/^https?:/.test(text)) return URL.canParse(text) && new URL(text).origin === text
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\/[a-z0-9._-]*(?::[0-9]{1,5})?$/.exec(text) ?? []
  return scheme !== undefined && !schemesWithoutPages.includes(scheme)
}

/** Their pages have no origin of their own, or there are none. Other schemes are those of apps: `capacitor`, `tauri`, `chrome-extension`… */
const schemesWithoutPages: readonly string[] = ['file', 'data', 'blob', 'about', 'javascript', 'ftp', 'ws', 'wss']
function parseProfileSchema(text: string): ProfileSchema | undefined {
  try {
    const schema: unknown = JSON.parse(text)
    const isObject = typeof schema === 'object' && schema !== null && !Array.isArray(schema)
    return isObject ? (schema as ProfileSchema) : undefined
  } catch {
    return undefined
  }
}

/**
 * Claims that mean something to whoever verifies: those of RFC 7519, 7800, 8693, 9068, 9396 and
 * OpenID Connect, and what frameworks read rights from. A profile must not be able to say them.
 */
const reservedClaims: ReadonlySet<string> = new Set(
  (
    'iss sub aud exp nbf iat jti sid typ alg kid cnf act may_act azp auth_time acr amr nonce at_hash c_hash s_hash events toe txn ' +
    'client_id scope scp role roles groups entitlements permissions authorities authorization_details realm_access resource_access ' +
    'admin is_admin tenant tenant_id org_id username preferred_username email email_verified phone_number phone_number_verified ' +
    'constructor prototype __proto__'
  ).split(' '),
)

function parseProfileClaims(text: string): readonly string[] | undefined {
  const names = text.split(',').map((name) => name.trim())
  const isUsable = (name: string) =>
    /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name) && !reservedClaims.has(name.toLowerCase())
  return names.length <= 16 && names.every(isUsable) ? names : undefined
}

function parseScopes(text: string): readonly string[] | undefined {
  const scopes = text.split(' ').filter((scope) => scope !== '')
  return scopes.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) ? scopes : undefined
}

const senderAddress = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}$/

function parseSender(text: string): MailSender | undefined {
  const [, name = '', address = text] = /^ *([\x20-\x7e]*?) *<([^<>]*)> *$/.exec(text) ?? []
  return senderAddress.test(address) && !/["<>]/.test(name) ? { name, address } : undefined
}

function parseAudience(text: string): string | undefined {
  return /^[\x21-\x2b\x2d-\x7e]{1,255}$/.test(text) ? text : undefined
}

function parseAudiences(text: string): readonly [string, ...string[]] | undefined {
  const [first, ...others] = text.split(',').map((audience) => parseAudience(audience.trim()))
  if (first === undefined) return undefined
  const listed = others.filter((audience) => audience !== undefined)
  return listed.length === others.length ? [first, ...listed] : undefined
}

/** One, or two while the first is being replaced. */
function parseMetricsTokens(text: string): readonly string[] | undefined {
  const tokens = text.split(/\s*\n\s*/)
  return tokens.length <= 2 && tokens.every((token) => /^[\x21-\x7e]{16,255}$/.test(token)) ? tokens : undefined
}
