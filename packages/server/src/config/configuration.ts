import { join } from 'node:path'
import { parseAuthorities } from './certificates.js'
import { defaultLimits, type Limits } from './limits.js'
import { fileVariableOf, mayBeFile, type Setting } from './setting.js'
import { type Live, readSettingText, SettingFiles } from './setting-files.js'
import {
  declaredMembers,
  type HstsScope,
  type LogLevel,
  type MailSender,
  type Permission,
  type ProfileSchema,
  type Registration,
  settings,
} from './settings.js'

/** A key of Cloud KMS, and where it is asked. */
export interface KmsKey {
  /** `projects/…/locations/…/keyRings/…/cryptoKeys/…`; a symmetric key that encrypts and decrypts. */
  readonly name: string
  /** The origin of the API. */
  readonly endpoint: string
  /** The host, and port if it is not 80, of the server that gives access tokens to workloads on Google Cloud. */
  readonly metadataHost: string
}

/** Master keys as they are, or encrypted by Cloud KMS, in base64. */
export type GivenMasterKeys = string | { readonly wrapped: string; readonly key: KmsKey }

/** Where accounts and secrets are kept. */
export type DatabaseConfiguration =
  | {
      readonly kind: 'postgres'
      readonly url: Live<string>
      /** Where changes are listened for; `undefined`: at `url`. */
      readonly listenUrl?: Live<string> | undefined
      readonly masterKeys: GivenMasterKeys
    }
  | {
      readonly kind: 'embedded'
      readonly folder: string
      /** `undefined`: those of the file in the folder. */
      readonly masterKeys: GivenMasterKeys | undefined
    }

/** What `latchkey master-keys` works with: a ring that may still be missing, and the key to wrap it under, if it is to be. */
export interface MasterKeyConfiguration {
  readonly masterKeys: GivenMasterKeys | undefined
  readonly kmsKey: KmsKey | undefined
  /** The data folder whose file has the keys when they are not given; `undefined` with PostgreSQL. */
  readonly folder: string | undefined
}

/** Returns the certificates, in PEM, of the authorities that are trusted now. */
export type Authorities = () => readonly string[]

/** Who takes the letters: a mail server, or a folder in which they are left. */
export type MailCarrier =
  | { readonly kind: 'smtp'; readonly url: Live<string>; readonly authorities?: Authorities | undefined }
  | { readonly kind: 'folder'; readonly folder: string }

/** How letters are written and sent. */
export interface MailConfiguration {
  /** `undefined`: nobody, so that nothing can be mailed. */
  readonly carrier: MailCarrier | undefined
  readonly from: MailSender
  /** Under this URL are the pages that mailed links lead to. */
  readonly linkBase: string
  readonly resetLinkTtlSec: number
  readonly verifyLinkTtlSec: number
}

/** All that the operator decides. */
export interface Configuration {
  readonly host: string
  readonly port: number
  /** Whose X-Forwarded-For is believed: addresses and networks. */
  readonly trustedProxies: readonly string[]
  readonly database: DatabaseConfiguration
  /** The shared cache; `undefined`: none. */
  readonly redisUrl: Live<string> | undefined
  /** Who may sign the certificates of Redis and of the mail server; `undefined`: the authorities that Node.js trusts. */
  readonly authorities: Authorities | undefined
  readonly issuer: string
  readonly audience: string
  /** What a token may be exchanged for; the first is given unasked. */
  readonly serviceAudiences: readonly [string, ...string[]]
  /** Whose pages may use the server from elsewhere. */
  readonly corsOrigins: readonly string[]
  /** For which hosts browsers use https alone, where the issuer is https. */
  readonly hsts: HstsScope
  /** What the applications behind know, for others to find; empty when nobody said. */
  readonly scopes: readonly string[]
  readonly accessTokenTtlSec: number
  readonly sessionTtlSec: number
  readonly sessionIdleTtlSec: number
  /** How many sessions an account may have. */
  readonly maxSessions: number
  readonly gracePeriodSec: number
  /** After which time the key that signs tokens for other services is rotated. */
  readonly serviceKeyRotationSec: number
  readonly maxStalenessMs: number
  readonly verifyTimeoutMs: number
  /** The least number of characters of a new password. */
  readonly passwordMinLength: number
  /** Secrets that are hashed along with passwords, newest first; `undefined`: none. */
  readonly passwordPeppers: string | undefined
  readonly registration: Registration
  readonly invitationTtlSec: number
  /** What profiles of accounts may be; `undefined`: any JSON object. */
  readonly profileSchema: ProfileSchema | undefined
  /** Members of profiles that access tokens carry as claims. */
  readonly profileClaims: readonly string[]
  /** Whether an account may sign in whose e-mail address is not verified. */
  readonly unverifiedSignIn: Permission
  readonly mail: MailConfiguration
  /** How many requests are taken, of whom. */
  readonly limits: Limits
  /** How long a connection without a request is kept. */
  readonly keepAliveSec: number
  /** How long requests are still taken once the server was told to stop. */
  readonly stopDelaySec: number
  /** Each of them opens /metrics; `undefined`: it is open to this machine alone. */
  readonly metricsTokens: Live<readonly string[]> | undefined
  /** How long the audit log keeps an entry. */
  readonly auditRetentionSec: number
  readonly logLevel: LogLevel
  /** The share of requests whose lines are logged, from 0 to 1. */
  readonly requestLogShare: number
  /** `NODE_ENV` is `production`: everything on standard output is JSON. */
  readonly production: boolean
  /** The files that values above are read from again. */
  readonly settingFiles: SettingFiles
}

/** One thing that is wrong with the environment. */
export interface ConfigurationProblem {
  readonly name: string
  readonly problem: string
  readonly remedy: string
}

/** The environment cannot be used; `problems` lists everything that is wrong with it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly code = 'configuration_invalid'
  readonly problems: readonly ConfigurationProblem[]

  constructor(problems: readonly ConfigurationProblem[]) {
    super(`The configuration has ${problems.length} problem(s): ${problems.map(({ name }) => name).join(', ')}.`)
    this.problems = problems
  }
}

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * What the environment says, with the defaults for what it does not say. A secret may also be in a file: `NAME_FILE` gives its path.
 * Throws a ConfigurationError that lists every problem at once.
 */
export function readConfiguration(env: Environment): Configuration {
  const reader = new EnvironmentReader(env)
  const production = env.NODE_ENV === 'production'
  const host = reader.read(settings.host) ?? '127.0.0.1'
  const port = reader.read(settings.port) ?? 3000
  const sessionTtlSec = reader.read(settings.sessionTtl) ?? 2_592_000
  const database = readDatabase(reader)
  const issuer = readIssuer(reader, host, port)
  const authorities = reader.readAuthorities()
  const configuration: Configuration = {
    host,
    port,
    trustedProxies: reader.read(settings.trustedProxies) ?? [],
    database,
    redisUrl: reader.readLive(settings.redisUrl),
    authorities,
    issuer,
    audience: reader.read(settings.audience) ?? 'api',
    serviceAudiences: reader.read(settings.serviceAudiences) ?? ['services'],
    corsOrigins: reader.read(settings.corsOrigins) ?? [],
    hsts: reader.read(settings.hsts) ?? 'host',
    scopes: reader.read(settings.scopes) ?? [],
    accessTokenTtlSec: reader.read(settings.accessTokenTtl) ?? 900,
    sessionTtlSec,
    sessionIdleTtlSec: reader.read(settings.sessionIdleTtl) ?? Math.min(1_209_600, sessionTtlSec),
    maxSessions: reader.read(settings.maxSessions) ?? 100,
    gracePeriodSec: reader.read(settings.gracePeriod) ?? 3600,
    serviceKeyRotationSec: reader.read(settings.serviceKeyRotation) ?? 7_776_000,
    maxStalenessMs: reader.read(settings.maxStaleness) ?? 2000,
    verifyTimeoutMs: reader.read(settings.verifyTimeout) ?? 5000,
    passwordMinLength: reader.read(settings.passwordMinLength) ?? 15,
    passwordPeppers: reader.read(settings.passwordPeppers),
    registration: reader.read(settings.registration) ?? 'open',
    invitationTtlSec: reader.read(settings.invitationTtl) ?? 604_800,
    profileSchema: reader.read(settings.profileSchema),
    profileClaims: reader.read(settings.profileClaims) ?? [],
    unverifiedSignIn: reader.read(settings.unverifiedSignIn) ?? 'allow',
    mail: readMail(reader, database, { issuer, authorities }),
    limits: readLimits(reader),
    keepAliveSec: reader.read(settings.keepAlive) ?? 130,
    stopDelaySec: reader.read(settings.stopDelay) ?? 0,
    metricsTokens: reader.readLive(settings.metricsToken),
    auditRetentionSec: reader.read(settings.auditRetention) ?? 31_536_000,
    logLevel: reader.read(settings.logLevel) ?? (production ? 'info' : 'warn'),
    requestLogShare: reader.read(settings.requestLogShare) ?? 1,
    production,
    settingFiles: reader.files,
  }
  checkTogether(reader, configuration)
  reader.finish()
  return configuration
}

/** The part of the configuration that is about master keys, where the rest need not be in order. Throws a ConfigurationError. */
export function readMasterKeyConfiguration(env: Environment): MasterKeyConfiguration {
  const reader = new EnvironmentReader(env)
  const folder = reader.isGiven(settings.databaseUrl) ? undefined : (reader.read(settings.dataFolder) ?? '.latchkey')
  const kmsKey = readKmsKey(reader)
  const masterKeys = readMasterKeys(reader, kmsKey)
  reader.finish()
  return { masterKeys, kmsKey, folder }
}

/** `http://host:port`, as a client on this machine reaches it. */
export function localUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

class EnvironmentReader {
  readonly files = new SettingFiles()
  readonly #env: Environment
  readonly #problems: ConfigurationProblem[] = []

  constructor(env: Environment) {
    this.#env = env
  }

  /** The value of a setting; `undefined` when it is absent, empty, or wrong, which is noted. */
  read<T>(setting: Setting<T>): T | undefined {
    const { name, accepts, problemOf, parse } = setting
    const text = this.#textOf(setting)
    if (text === undefined) return undefined
    const value = text.includes('\0') ? undefined : parse(text)
    if (value === undefined) {
      const general = mayBeFile(setting) ? 'its value cannot be used' : `${JSON.stringify(text)} cannot be used`
      const problem = problemOf?.(text) ?? general
      this.object({ name, problem, remedy: `It must be ${accepts}.` })
    }
    return value
  }

  /** The same; where a file holds the value, a function that reads it again. */
  readLive<T>(setting: Setting<T>): Live<T> | undefined {
    const value = this.read(setting)
    const path = this.fileOf(setting)
    return value === undefined || path === undefined ? value : this.files.open({ ...setting, path }, value)
  }

  readAuthorities(): Authorities | undefined {
    const { name, accepts } = settings.extraCertificates
    const path = this.read(settings.extraCertificates)
    if (path === undefined) return undefined
    const text = readSettingText(path)
    const value = typeof text === 'string' ? parseAuthorities(text) : undefined
    if (value !== undefined) return this.files.open({ name, path, parse: parseAuthorities }, value)
    const problem = typeof text === 'string' ? `${path} holds no certificate, or one that is cut off` : text.problem
    this.object({ name, problem, remedy: `It must be ${accepts}.` })
    return undefined
  }

  isGiven(setting: Setting<unknown>): boolean {
    return this.#variable(setting.name) !== undefined || this.fileOf(setting) !== undefined
  }

  #textOf(setting: Setting<unknown>): string | undefined {
    const text = this.#variable(setting.name)
    const path = this.fileOf(setting)
    if (path === undefined) return text
    const name = fileVariableOf(setting.name)
    if (text !== undefined) {
      this.object({ name, problem: `${setting.name} is set as well`, remedy: 'Only one of them can hold.' })
      return undefined
    }
    const content = readSettingText(path)
    if (typeof content === 'string') return content
    this.object({
      name,
      problem: content.problem,
      remedy: `It must be the path of a file that holds ${setting.accepts}.`,
    })
    return undefined
  }

  /** The path of the file that holds the value of a setting, if one does. */
  fileOf(setting: Setting<unknown>): string | undefined {
    return mayBeFile(setting) ? this.#variable(fileVariableOf(setting.name)) : undefined
  }

  /** An empty variable counts as an absent one. */
  #variable(name: string): string | undefined {
    const text = this.#env[name]
    return text === '' ? undefined : text
  }

  object(problem: ConfigurationProblem): void {
    this.#problems.push(problem)
  }

  finish(): void {
    if (this.#problems.length > 0) throw new ConfigurationError(this.#problems)
  }
}

function readDatabase(reader: EnvironmentReader): DatabaseConfiguration {
  const kmsKey = readKmsKey(reader)
  const masterKeys = readMasterKeys(reader, kmsKey)
  if (kmsKey !== undefined && !reader.isGiven(settings.wrappedMasterKeys)) {
    reader.object({
      name: settings.kmsKey.name,
      problem: 'no master keys are given that it has wrapped',
      remedy: `Set ${settings.wrappedMasterKeys.name}, which "latchkey master-keys wrap" makes.`,
    })
  }
  const folder = reader.read(settings.dataFolder) ?? '.latchkey'
  if (!reader.isGiven(settings.databaseUrl)) return { kind: 'embedded', folder, masterKeys }
  const url = reader.readLive(settings.databaseUrl) ?? ''
  if (!reader.isGiven(settings.masterKeys) && !reader.isGiven(settings.wrappedMasterKeys)) {
    reader.object({
      name: settings.masterKeys.name,
      problem: 'it is not set, and PostgreSQL has no file to keep a master key in',
      remedy: 'Make one and keep it: latchkey master-keys add k1',
    })
  }
  const listenUrl = reader.readLive(settings.databaseListenUrl)
  return { kind: 'postgres', url, listenUrl, masterKeys: masterKeys ?? '' }
}

function readMasterKeys(reader: EnvironmentReader, key: KmsKey | undefined): GivenMasterKeys | undefined {
  const plain = reader.read(settings.masterKeys)
  const wrapped = reader.read(settings.wrappedMasterKeys)
  if (!reader.isGiven(settings.wrappedMasterKeys)) return plain
  if (reader.isGiven(settings.masterKeys)) {
    reader.object({
      name: settings.wrappedMasterKeys.name,
      problem: `${settings.masterKeys.name} is set as well`,
      remedy: 'Only one of them can hold.',
    })
  }
  if (!reader.isGiven(settings.kmsKey)) {
    reader.object({
      name: settings.kmsKey.name,
      problem: `it is not set, and ${settings.wrappedMasterKeys.name} is of no use without it`,
      remedy: `It must be ${settings.kmsKey.accepts}.`,
    })
  }
  return wrapped === undefined || key === undefined ? undefined : { wrapped, key }
}

function readKmsKey(reader: EnvironmentReader): KmsKey | undefined {
  const name = reader.read(settings.kmsKey)
  const endpoint = reader.read(settings.kmsEndpoint) ?? 'https://cloudkms.googleapis.com'
  const metadataHost = reader.read(settings.metadataHost) ?? 'metadata.google.internal'
  return name === undefined ? undefined : { name, endpoint, metadataHost }
}

function readLimits(reader: EnvironmentReader): Limits {
  return {
    login: reader.read(settings.limitLogin) ?? defaultLimits.login,
    register: reader.read(settings.limitRegister) ?? defaultLimits.register,
    refresh: reader.read(settings.limitRefresh) ?? defaultLimits.refresh,
    recovery: reader.read(settings.limitRecovery) ?? defaultLimits.recovery,
    token: reader.read(settings.limitToken) ?? defaultLimits.token,
    introspection: reader.read(settings.limitIntrospection) ?? defaultLimits.introspection,
    admin: reader.read(settings.limitAdmin) ?? defaultLimits.admin,
    general: reader.read(settings.limitGeneral) ?? defaultLimits.general,
  }
}

function readMail(
  reader: EnvironmentReader,
  database: DatabaseConfiguration,
  { issuer, authorities }: Pick<Configuration, 'issuer' | 'authorities'>,
): MailConfiguration {
  const sent = reader.isGiven(settings.smtpUrl)
  if (sent && !reader.isGiven(settings.mailFrom)) {
    reader.object({
      name: settings.mailFrom.name,
      problem: 'it is not set, and mail servers take no letter without a sender',
      remedy: `It must be ${settings.mailFrom.accepts}.`,
    })
  }
  return {
    carrier: sent ? { kind: 'smtp', url: reader.readLive(settings.smtpUrl) ?? '', authorities } : folderIn(database),
    from: reader.read(settings.mailFrom) ?? { name: '', address: 'no-reply@localhost' },
    linkBase: reader.read(settings.linkBase) ?? issuer,
    resetLinkTtlSec: reader.read(settings.resetLinkTtl) ?? 3600,
    verifyLinkTtlSec: reader.read(settings.verifyLinkTtl) ?? 86_400,
  }
}

function folderIn(database: DatabaseConfiguration): MailCarrier | undefined {
  return database.kind === 'embedded' ? { kind: 'folder', folder: join(database.folder, 'mail') } : undefined
}

function readIssuer(reader: EnvironmentReader, host: string, port: number): string {
  if (port === 0 && !reader.isGiven(settings.issuer)) {
    reader.object({
      name: settings.issuer.name,
      problem: 'it is not set, and PORT 0 leaves open what it would be',
      remedy: `It must be ${settings.issuer.accepts}.`,
    })
  }
  return reader.read(settings.issuer) ?? localUrl(host, port)
}

function checkTogether(reader: EnvironmentReader, configuration: Configuration): void {
  const { audience, serviceAudiences, sessionIdleTtlSec, sessionTtlSec } = configuration
  const { registration, unverifiedSignIn, mail } = configuration
  // Where nobody registers alone, administrators can verify addresses without mail.
  const needsMail = registration === 'by-mail' || (registration === 'open' && unverifiedSignIn === 'refuse')
  if (mail.carrier === undefined && needsMail) {
    reader.object({
      name: settings.smtpUrl.name,
      problem: 'it is not set, and without mail nobody could register or sign in',
      remedy: `It must be ${settings.smtpUrl.accepts}.`,
    })
  }
  const { profileSchema, profileClaims } = configuration
  const declared = declaredMembers(profileSchema ?? {})
  const undeclared = profileClaims.filter((name) => !Object.hasOwn(declared, name))
  if (undeclared.length > 0) {
    reader.object({
      name: settings.profileClaims.name,
      problem: `LATCHKEY_PROFILE_SCHEMA declares no property ${undeclared.join(', ')}`,
      remedy: 'Declare each claim under "properties" of the schema, so that its type is known.',
    })
  }
  if (serviceAudiences.includes(audience)) {
    reader.object({
      name: settings.serviceAudiences.name,
      problem: 'it lists the audience of this server itself',
      remedy: `It must be ${settings.serviceAudiences.accepts}.`,
    })
  }
  if (!(sessionIdleTtlSec <= sessionTtlSec)) {
    reader.object({
      name: settings.sessionIdleTtl.name,
      problem: 'it is longer than LATCHKEY_SESSION_TTL',
      remedy: 'It must be at most as long as a whole session.',
    })
  }
}
