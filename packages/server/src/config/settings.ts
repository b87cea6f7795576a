import { parseNetworks } from '../ip-address.js'
import { databaseSettings } from './database-settings.js'
import { languageSettings } from './language-settings.js'
import { limitSettings } from './limits.js'
import { mailSettings } from './mail-settings.js'
import {
  type ProfileSchema,
  parseAudience,
  parseAudiences,
  parseHost,
  parseIssuer,
  parseMasterKeys,
  parseMetricsTokens,
  parseOrigins,
  parseProfileClaims,
  parseProfileSchema,
  parseScopes,
  parseShare,
  parseUrl,
  parseWebOrigins,
} from './parsers.js'
import { passkeySettings } from './passkey-settings.js'
import { milliseconds, oneOf, seconds, setting, wholeNumber } from './setting.js'
import { parseTheme, themeProblem } from './theme.js'

export type { ProfileSchema } from './parsers.js'

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const registrations = ['open', 'by-mail', 'invited', 'closed'] as const
const permissions = ['allow', 'refuse'] as const
const adminFactorRules = ['require', 'allow-without'] as const
const mailSignIns = ['off', 'code', 'link', 'code-and-link'] as const
const impersonationRules = ['off', 'on', 'notify'] as const
const hstsScopes = ['host', 'subdomains'] as const
const switchWords = ['on', 'off'] as const

/** The least severe level that is logged. */
export type LogLevel = (typeof logLevels)[number]

/** The hosts that browsers must use https for. */
export type HstsScope = (typeof hstsScopes)[number]

/** How people create accounts. Administrators and the command line can always create them. */
export type Registration = (typeof registrations)[number]

/** Whether something is permitted. */
export type Permission = (typeof permissions)[number]

/** Whether administrators need a second factor. */
export type AdminFactorRule = (typeof adminFactorRules)[number]

/** The content of the e-mail with which people sign in. */
export type MailSignInMode = (typeof mailSignIns)[number]

/** Returns the members that the schema declares, each with its own schema. */
export function declaredMembers({ properties }: ProfileSchema): Readonly<Record<string, unknown>> {
  return typeof properties === 'object' && properties !== null ? { ...properties } : {}
}

const day = 86_400
const year = 365 * day

/**
 * Every environment variable that the server reads. The checks, the defaults, the documentation and
 * the type `Configuration` all come from this table.
 */
export const settings = {
  host: setting({
    name: 'HOST',
    description: 'The address to listen on.',
    accepts: 'an IP address or a host name',
    default: '127.0.0.1',
    parse: parseHost,
  }),
  port: wholeNumber({
    name: 'PORT',
    description: 'The TCP port to listen on. 0 takes any free port, and then LATCHKEY_ISSUER is required.',
    min: 0,
    max: 65_535,
    default: 3000,
  }),
  /** The addresses and networks whose X-Forwarded-For is trusted. */
  trustedProxies: setting({
    name: 'TRUSTED_PROXIES',
    description:
      'The proxies in front of the server. X-Forwarded-For is trusted from them alone, and only as far back as it names them. All clients behind a proxy that is not listed count as one client.',
    accepts: 'a list of IP addresses and networks such as "10.0.0.0/8, 2001:db8::1", separated by commas',
    default: [],
    defaultText: 'none: the client is the peer of the connection',
    parse: parseNetworks,
  }),
  database: databaseSettings,
  /** The shared cache; `undefined`: none. */
  redisUrl: setting({
    name: 'REDIS_URL',
    description:
      'A Redis that servers with one PostgreSQL share as a cache of encrypted secrets. The servers do not trust its content, and work without it.',
    accepts: 'a URL that begins with redis:// or rediss://',
    default: undefined,
    defaultText: 'no shared cache',
    secret: true,
    parse: (text) => parseUrl(text, ['redis://', 'rediss://']),
  }),
  extraCertificates: setting({
    name: 'NODE_EXTRA_CA_CERTS',
    description:
      'Certificate authorities that Node.js trusts besides its own. The server reads the file again for connections to Redis and to the mail server. For other connections, Node.js reads it once, when the process starts.',
    accepts: 'the path of a file with certificates in PEM',
    default: undefined,
    defaultText: 'the authorities that Node.js trusts',
    parse: (text) => text,
  }),
  issuer: setting({
    name: 'LATCHKEY_ISSUER',
    description:
      'The public base URL of this server, and the "iss" of every token. A change makes all valid access tokens invalid.',
    accepts: 'an http or https URL without query and fragment, and without a slash at its end',
    default: undefined,
    defaultText: 'http://HOST:PORT, with localhost for 127.0.0.1 and ::1',
    parse: parseIssuer,
  }),
  audience: setting({
    name: 'LATCHKEY_AUDIENCE',
    description: 'The "aud" of access tokens.',
    accepts: '1 to 255 visible ASCII characters without comma',
    default: 'api',
    parse: parseAudience,
  }),
  /** The audiences that a token may be exchanged for; the first is the default of a request. */
  serviceAudiences: setting({
    name: 'LATCHKEY_SERVICE_AUDIENCES',
    description:
      'Other services that a token may be exchanged for (RFC 8693). A request that names none gets a token for the first.',
    accepts: 'a list of audiences, separated by commas, none of them LATCHKEY_AUDIENCE',
    default: ['services'],
    parse: parseAudiences,
  }),
  /** The origins of other sites whose pages may use the server. */
  corsOrigins: setting({
    name: 'LATCHKEY_CORS_ORIGINS',
    description:
      'The origins of other sites whose pages may use this server from a browser, with tokens and with cookies.',
    accepts:
      'a list of origins such as "https://app.example.com, http://localhost:5173, capacitor://localhost", as browsers write them, separated by commas',
    default: [],
    defaultText: 'none: only pages of the server’s own origin may use it',
    parse: parseOrigins,
  }),
  /** The origins of applications that a sign-in may lead back to. */
  returnOrigins: setting({
    name: 'LATCHKEY_RETURN_ORIGINS',
    description:
      'The origins of applications that the sign-in page may lead back to, besides the origin of this server. See docs/guides/forward-auth.md.',
    accepts:
      'a list of http and https origins such as "https://app.example.com", as browsers write them, separated by commas',
    default: [],
    defaultText: 'none: a sign-in leads back to pages of the server’s own origin only',
    parse: parseWebOrigins,
  }),
  /** The hosts that browsers must use https for, where the issuer is https. */
  hsts: oneOf(hstsScopes, {
    name: 'LATCHKEY_HSTS',
    description:
      'The hosts for which browsers must use https from now on (RFC 6797), where LATCHKEY_ISSUER is https: its host, or all hosts below it as well (includeSubDomains). Browsers then reach no host below it by http.',
    default: 'host',
  }),
  /** The scopes that the applications behind use, published in the metadata. */
  scopes: setting({
    name: 'LATCHKEY_SCOPES',
    description:
      'The scopes that the applications behind this server use, published at /.well-known/oauth-authorization-server. The server itself does not act on them.',
    accepts: 'a list of scopes (RFC 6749 §3.3) with spaces between',
    default: [],
    defaultText: 'none are published',
    parse: parseScopes,
  }),
  accessTokenTtlSec: seconds({
    name: 'LATCHKEY_ACCESS_TOKEN_TTL',
    description: 'The lifetime of an access token.',
    min: 10,
    max: day,
    default: 900,
  }),
  sessionTtlSec: seconds({
    name: 'LATCHKEY_SESSION_TTL',
    description: 'The maximum lifetime of a session.',
    min: 60,
    max: 10 * year,
    default: 30 * day,
  }),
  sessionIdleTtlSec: seconds({
    name: 'LATCHKEY_SESSION_IDLE_TTL',
    description:
      'The time after which a session ends that is not refreshed. At most LATCHKEY_SESSION_TTL, which also caps the default.',
    min: 60,
    max: 10 * year,
    default: 14 * day,
  }),
  /** The maximum number of sessions of an account. */
  maxSessions: wholeNumber({
    name: 'LATCHKEY_MAX_SESSIONS',
    description:
      'The maximum number of sessions of an account. Another sign-in ends the session that was not used for the longest time.',
    min: 1,
    max: 10_000,
    default: 100,
  }),
  gracePeriodSec: seconds({
    name: 'LATCHKEY_GRACE_PERIOD',
    description: 'The time for which a rotated secret still verifies tokens.',
    min: 0,
    max: year,
    default: 3600,
  }),
  serviceKeyRotationSec: seconds({
    name: 'LATCHKEY_SERVICE_KEY_ROTATION',
    description: 'The time after which the next key of the JWKS replaces the key that signs tokens for other services.',
    min: day,
    max: 10 * year,
    default: 90 * day,
  }),
  maxStalenessMs: milliseconds({
    name: 'LATCHKEY_MAX_STALENESS',
    description: 'The time within which every process refuses a revoked token, whatever fails.',
    min: 250,
    max: 60_000,
    default: 2000,
  }),
  verifyTimeoutMs: milliseconds({
    name: 'LATCHKEY_VERIFY_TIMEOUT',
    description: 'The time after which a token check that waits for the database is answered with 503.',
    min: 100,
    max: 60_000,
    default: 5000,
  }),
  /** The minimum number of characters of a new password. */
  passwordMinLength: wholeNumber({
    name: 'PASSWORD_MIN_LENGTH',
    description:
      'The minimum number of characters of a new password. NIST SP 800-63B-4 asks for 15 where the password is the only factor, as it is here. Existing passwords remain valid.',
    min: 8,
    max: 64,
    default: 15,
  }),
  /** The keys that are mixed into password hashes, newest first; `undefined`: none. */
  passwordPeppers: setting({
    name: 'PASSWORD_PEPPERS',
    description:
      'Keys mixed into every password hash, newest first, so that a stolen database cannot be cracked without them. Keep them as you keep master keys. A sign-in moves the hash to the newest key; an older key is needed until no hash uses it.',
    accepts: 'a list "id:base64url,id:base64url" of 32-byte keys',
    default: undefined,
    defaultText: 'none',
    secret: true,
    parse: parseMasterKeys,
  }),
  registration: oneOf(registrations, {
    name: 'LATCHKEY_REGISTRATION',
    description:
      'How people create accounts. "open" signs in at once, and reveals when an address is taken. "by-mail" gives the same answer for every address and continues with a mailed link. "invited" requires an invitation. "closed" leaves it to administrators. See docs/guides/registration.md.',
    default: 'open',
  }),
  /** Whether an account whose e-mail address is not verified may sign in. */
  unverifiedSignIn: oneOf(permissions, {
    name: 'LATCHKEY_UNVERIFIED_SIGN_IN',
    description: 'Whether an account whose e-mail address is not verified may sign in.',
    default: 'allow',
  }),
  mailSignIn: oneOf(mailSignIns, {
    name: 'LATCHKEY_MAIL_SIGN_IN',
    description:
      'Whether people may sign in by e-mail instead of by password, and what the e-mail contains: a code, a link, or both. Both work only in the browser that has asked for the e-mail. It needs a way to send e-mail. See docs/guides/mail-sign-in.md.',
    default: 'off',
  }),
  trustedDeviceTtlSec: seconds({
    name: 'LATCHKEY_TRUSTED_DEVICE_TTL',
    description:
      'The time for which a device that has completed the second step of a sign-in can be trusted, if its user asks for it: sign-ins on it then need the password alone. 0 trusts no device.',
    min: 0,
    max: year,
    default: 30 * day,
  }),
  factorResetDelaySec: seconds({
    name: 'LATCHKEY_FACTOR_RESET_DELAY',
    description:
      'The time between the request of an administrator to remove all factors of an account and the removal. The owner is notified by mail, and cancels it by a sign-in with a second factor; an administrator can cancel it too. 0 removes them at once.',
    min: 0,
    max: 30 * day,
    default: 0,
  }),
  passkeys: passkeySettings,
  recentSec: seconds({
    name: 'LATCHKEY_RECENT_AUTHENTICATION',
    description:
      'The time for which an authentication counts as recent. Changes of factors and administration need a recent one (POST /v1/me/step-up), with a second factor if the account has one.',
    min: 30,
    max: day,
    default: 600,
  }),
  /** Whether administrators need a second factor; `undefined`: it follows from other settings. */
  adminSecondFactor: setting<AdminFactorRule, undefined>({
    name: 'LATCHKEY_ADMIN_SECOND_FACTOR',
    description:
      'Whether an administrator needs a second factor for the admin routes. One without a factor can always sign in and add a factor, and the command line needs none.',
    accepts: `one of ${adminFactorRules.join(', ')}`,
    default: undefined,
    defaultText: '"require", except with the embedded database and an issuer on localhost: "allow-without"',
    parse: (text) => adminFactorRules.find((rule) => rule === text),
  }),
  impersonation: oneOf(impersonationRules, {
    name: 'LATCHKEY_IMPERSONATION',
    description:
      'Whether an administrator may act in a session of another account for up to an hour, with a reason (POST /v1/admin/users/{id}/impersonate). It can change nothing of the account, and tokens name the administrator ("act"). "notify" also informs the owner by mail.',
    default: 'off',
  }),
  mail: mailSettings,
  languages: languageSettings,
  invitationTtlSec: seconds({
    name: 'LATCHKEY_INVITATION_TTL',
    description: 'The lifetime of an invitation to create an account.',
    min: 60,
    max: 30 * day,
    default: 7 * day,
  }),
  /** Whether the server has pages for people, besides its API. */
  pages: oneOf(switchWords, {
    name: 'LATCHKEY_PAGES',
    description:
      'Whether the server has pages for people: sign-in, registration, recovery and their own account. Without them, mailed links must lead to pages of yours (LATCHKEY_LINK_BASE). See docs/guides/pages.md.',
    default: 'on',
  }),
  /** Whether the server has the console for administrators. It needs the pages. */
  console: oneOf(switchWords, {
    name: 'LATCHKEY_CONSOLE',
    description:
      'Whether the server has the web console for administrators at /console. Administrators sign in to it with the pages, so it needs LATCHKEY_PAGES. See docs/guides/console.md.',
    default: 'on',
  }),
  /** The look of the pages; `undefined`: that of Latchkey. */
  theme: setting({
    name: 'LATCHKEY_THEME',
    description:
      'The look of the pages: the name and logo of the service, its colors, and links to its terms and its privacy policy. See docs/guides/pages.md.',
    accepts: 'a JSON object with any of the members name, logo, colors and links',
    default: undefined,
    defaultText: 'the name "Latchkey" and its colors',
    file: true,
    problemOf: themeProblem,
    parse: parseTheme,
  }),
  /** The schema of profiles; `undefined`: any JSON object. */
  profileSchema: setting({
    name: 'LATCHKEY_PROFILE_SCHEMA',
    description:
      'The JSON Schema of the profile of an account. A change is refused unless the whole profile is valid afterwards. Only administrators write members that are declared as readOnly. See docs/guides/profiles.md.',
    accepts: 'a JSON Schema (2020-12) of an object, as JSON, without unknown keywords and formats',
    default: undefined,
    defaultText: 'none: any JSON object of at most 4 KiB',
    file: true,
    parse: parseProfileSchema,
  }),
  /** The members of profiles that access tokens carry as claims. */
  profileClaims: setting({
    name: 'LATCHKEY_PROFILE_CLAIMS',
    description:
      'The members of a profile that access tokens carry as claims, with at most 1 KiB together. Use them for display and preferences; rights are roles and scopes.',
    accepts:
      'a list of at most 16 names of letters, digits and underscores, separated by commas, each a property of LATCHKEY_PROFILE_SCHEMA and none that tokens and identities reserve, such as sub, scope, roles or email',
    default: [],
    defaultText: 'none',
    parse: parseProfileClaims,
  }),
  limits: limitSettings,
  keepAliveSec: seconds({
    name: 'LATCHKEY_KEEP_ALIVE',
    description:
      'The time for which an idle connection stays open. It must be longer than the idle timeout of the load balancer in front, which otherwise sends requests into connections that are being closed (502). The timeout is 60 seconds on AWS and 600 on Google Cloud.',
    min: 5,
    max: 3600,
    default: 130,
  }),
  stopDelaySec: seconds({
    name: 'LATCHKEY_STOP_DELAY',
    description:
      'The time for which a stopping server still accepts requests while /readyz reports that it is not ready, so that load balancers notice.',
    min: 0,
    max: 300,
    default: 0,
  }),
  /** The bearer token of /metrics; `undefined`: only this machine may read it. */
  /** Each token opens /metrics; there are two while one replaces the other. */
  metricsTokens: setting({
    name: 'LATCHKEY_METRICS_TOKEN',
    description: 'The bearer token that clients need to read /metrics. While it is replaced, there may be two.',
    accepts: '16 to 255 visible ASCII characters, or two such tokens on a line each',
    default: undefined,
    defaultText:
      'none: /metrics answers clients on this machine, or no client at all when LATCHKEY_ISSUER is on another one',
    secret: true,
    parse: parseMetricsTokens,
  }),
  auditRetentionSec: seconds({
    name: 'LATCHKEY_AUDIT_RETENTION',
    description: 'The time for which the audit log keeps an entry.',
    min: day,
    max: 10 * year,
    default: year,
  }),
  logLevel: oneOf(logLevels, {
    name: 'LOG_LEVEL',
    description: 'The least severe level that is logged to standard output, as JSON lines.',
    default: 'warn',
    productionDefault: 'info',
  }),
  requestLogShare: setting({
    name: 'LATCHKEY_REQUEST_LOG_SHARE',
    description:
      'The share of requests whose lines are logged. The last line of a request that is refused or fails is always logged.',
    accepts: 'a number from 0 to 1 such as 0.01',
    default: 1,
    parse: parseShare,
  }),
}
