import { join } from 'node:path'
import { parseAuthorities } from './certificates.js'
import { databaseSettings } from './database-settings.js'
import { type DescribedSetting, describeSettings, type EffectiveTexts } from './describe-settings.js'
import { type Environment, EnvironmentReader } from './environment-reader.js'
import { mailSettings } from './mail-settings.js'
import type { passkeySettings } from './passkey-settings.js'
import type { Setting, ValuesOf } from './setting.js'
import { type Live, readSettingText, type SettingFiles } from './setting-files.js'
import { type AdminFactorRule, declaredMembers, settings } from './settings.js'

/** A key of Cloud KMS, and the servers that give access to it. */
export interface KmsKey {
  /**
   * `projects/…/locations/…/keyRings/…/cryptoKeys/…`; a symmetric key that encrypts and decrypts.
   */
  readonly name: string
  /** The origin of the API. */
  readonly endpoint: string
  /** The host, and port if it is not 80, of the metadata server that issues access tokens. */
  readonly metadataHost: string
}

/** Master keys in the clear, or encrypted by Cloud KMS in base64. */
export type GivenMasterKeys = string | { readonly wrapped: string; readonly key: KmsKey }

/** The database of accounts and secrets. */
export type DatabaseConfiguration =
  | {
      readonly kind: 'postgres'
      readonly url: Live<string>
      /** The URL of the connection that listens for changes; `undefined`: `url`. */
      readonly listenUrl?: Live<string> | undefined
      readonly masterKeys: GivenMasterKeys
    }
  | {
      readonly kind: 'embedded'
      readonly folder: string
      /** `undefined`: those of the file in the folder. */
      readonly masterKeys: GivenMasterKeys | undefined
    }

/** The configuration of `latchkey master-keys`: the ring may still be missing. */
export interface MasterKeyConfiguration {
  readonly masterKeys: GivenMasterKeys | undefined
  /** The key that wraps the ring; `undefined`: the ring is not wrapped. */
  readonly kmsKey: KmsKey | undefined
  /** The data folder whose file holds the keys by default; `undefined` with PostgreSQL. */
  readonly folder: string | undefined
}

/** Returns the certificates, in PEM, of the authorities that are trusted now. */
export type Authorities = () => readonly string[]

/** The receiver of e-mail: a mail server, or a folder of files. */
export type MailCarrier =
  | { readonly kind: 'smtp'; readonly url: Live<string>; readonly authorities?: Authorities | undefined }
  | { readonly kind: 'folder'; readonly folder: string }

type MailValues = ValuesOf<typeof mailSettings>

/** The configuration of e-mail. */
export interface MailConfiguration extends Omit<MailValues, 'smtpUrl'> {
  /** `undefined`: e-mail cannot be sent. */
  readonly carrier: MailCarrier | undefined
  /** The URL above the pages that mailed links lead to. */
  readonly linkBase: string
}

/** The relying party of passkeys (WebAuthn). */
export interface PasskeyConfiguration {
  /** The domain that passkeys belong to. */
  readonly rpId: string
  /** The origins of the pages and apps that may use passkeys. */
  readonly origins: readonly string[]
}

type Values = ValuesOf<typeof settings>

/** The values of all settings, and what follows from them. */
export interface Configuration
  extends Omit<
    Values,
    | 'database'
    | 'mail'
    | 'passkeys'
    | 'issuer'
    | 'redisUrl'
    | 'metricsTokens'
    | 'extraCertificates'
    | 'adminSecondFactor'
  > {
  readonly database: DatabaseConfiguration
  readonly mail: MailConfiguration
  readonly passkeys: PasskeyConfiguration
  readonly issuer: string
  readonly adminSecondFactor: AdminFactorRule
  /** The shared cache; `undefined`: none. */
  readonly redisUrl: Live<string> | undefined
  /**
   * The authorities for connections to Redis and to the mail server; `undefined`: those of Node.js.
   */
  readonly authorities: Authorities | undefined
  /** Each of them opens /metrics; `undefined`: it is open to this machine alone. */
  readonly metricsTokens: Live<readonly string[]> | undefined
  /** The files that values above are read from again. */
  readonly settingFiles: SettingFiles
  /** `NODE_ENV` is `production`: standard output is JSON lines alone. */
  readonly production: boolean
  /** All settings with their values and sources, without secrets. */
  readonly described: readonly DescribedSetting[]
}

/**
 * Reads the configuration from the environment. A secret may also be in a file whose path is in
 * `NAME_FILE`.
 *
 * @throws ConfigurationError which lists every fault
 */
export function readConfiguration(env: Environment): Configuration {
  const reader = new EnvironmentReader(env)
  const {
    database: databaseValues,
    mail: mailValues,
    passkeys: passkeyValues,
    extraCertificates,
    ...values
  } = reader.readAll(settings)
  const database = databaseOf(databaseValues, reader)
  const issuer = issuerOf(values, reader)
  const authorities = authoritiesOf(extraCertificates, reader)
  const configuration: Omit<Configuration, 'described'> = {
    ...values,
    database,
    issuer,
    adminSecondFactor: values.adminSecondFactor ?? adminFactorRuleOf(database, issuer),
    mail: mailOf(mailValues, { database, issuer, authorities, reader }),
    passkeys: passkeysOf(passkeyValues, issuer),
    redisUrl: reader.liveOf(settings.redisUrl, values.redisUrl),
    authorities,
    metricsTokens: reader.liveOf<readonly string[]>(settings.metricsTokens, values.metricsTokens),
    settingFiles: reader.files,
    // A default must not contradict a shorter lifetime that is set.
    sessionIdleTtlSec: reader.isGiven(settings.sessionIdleTtlSec)
      ? values.sessionIdleTtlSec
      : Math.min(values.sessionIdleTtlSec, values.sessionTtlSec),
    production: reader.production,
  }
  checkTogether(reader, configuration)
  reader.finish()
  return { ...configuration, described: describeSettings(settings, reader, effectiveTexts(configuration)) }
}

/** Returns the values of settings whose default follows from other settings. */
function effectiveTexts(configuration: Omit<Configuration, 'described'>): EffectiveTexts {
  const { issuer, adminSecondFactor, sessionIdleTtlSec, mail, passkeys } = configuration
  return new Map<Setting<unknown>, string>([
    [settings.issuer, issuer],
    [settings.adminSecondFactor, adminSecondFactor],
    [settings.sessionIdleTtlSec, String(sessionIdleTtlSec)],
    [mailSettings.linkBase, mail.linkBase],
    [settings.passkeys.rpId, passkeys.rpId],
    [settings.passkeys.origins, passkeys.origins.join(', ')],
  ])
}

/**
 * Reads the settings of the master keys alone, so that faults of other settings do not matter.
 *
 * @throws ConfigurationError
 */
export function readMasterKeyConfiguration(env: Environment): MasterKeyConfiguration {
  const reader = new EnvironmentReader(env)
  const { url: _url, listenUrl: _listenUrl, ...table } = databaseSettings
  const values = reader.readAll(table)
  const kmsKey = kmsKeyOf(values)
  const masterKeys = masterKeysOf(values, kmsKey, reader)
  reader.finish()
  return { masterKeys, kmsKey, folder: reader.isGiven(databaseSettings.url) ? undefined : values.folder }
}

/** Returns `http://host:port` as a client on this machine reaches it. */
export function localUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

type DatabaseValues = ValuesOf<typeof databaseSettings>
type MasterKeyValues = Omit<DatabaseValues, 'url' | 'listenUrl'>

function databaseOf(values: DatabaseValues, reader: EnvironmentReader): DatabaseConfiguration {
  const {
    url: urlSetting,
    listenUrl: listenUrlSetting,
    masterKeys: plain,
    wrappedMasterKeys: wrapped,
  } = databaseSettings
  const kmsKey = kmsKeyOf(values)
  const masterKeys = masterKeysOf(values, kmsKey, reader)
  if (kmsKey !== undefined && !reader.isGiven(wrapped)) {
    reader.addProblem({
      name: databaseSettings.kmsKey.name,
      problem: `there are no master keys for it to decrypt`,
      remedy: `Set ${wrapped.name}; "latchkey master-keys wrap" creates the value.`,
    })
  }
  if (!reader.isGiven(urlSetting)) return { kind: 'embedded', folder: values.folder, masterKeys }
  if (!reader.isGiven(plain) && !reader.isGiven(wrapped)) {
    reader.addProblem({
      name: plain.name,
      problem: 'it is not set, and with PostgreSQL there is no file of master keys',
      remedy: 'Create a master key with "latchkey master-keys add k1", and keep a copy of it.',
    })
  }
  return {
    kind: 'postgres',
    url: reader.liveOf(urlSetting, values.url) ?? '',
    listenUrl: reader.liveOf(listenUrlSetting, values.listenUrl),
    masterKeys: masterKeys ?? '',
  }
}

function kmsKeyOf({ kmsKey: name, kmsEndpoint: endpoint, metadataHost }: MasterKeyValues): KmsKey | undefined {
  return name === undefined ? undefined : { name, endpoint, metadataHost }
}

function masterKeysOf(
  { masterKeys: plain, wrappedMasterKeys: wrapped }: MasterKeyValues,
  key: KmsKey | undefined,
  reader: EnvironmentReader,
): GivenMasterKeys | undefined {
  const { masterKeys, wrappedMasterKeys, kmsKey } = databaseSettings
  if (!reader.isGiven(wrappedMasterKeys)) return plain
  if (reader.isGiven(masterKeys)) {
    reader.addProblem({
      name: wrappedMasterKeys.name,
      problem: `${masterKeys.name} is set as well`,
      remedy: 'Set only one of the two.',
    })
  }
  if (!reader.isGiven(kmsKey)) {
    reader.addProblem({
      name: kmsKey.name,
      problem: `it is not set, and ${wrappedMasterKeys.name} cannot be decrypted without it`,
      remedy: `It must be ${kmsKey.accepts}.`,
    })
  }
  return wrapped === undefined || key === undefined ? undefined : { wrapped, key }
}

interface MailContext {
  readonly database: DatabaseConfiguration
  readonly issuer: string
  readonly authorities: Authorities | undefined
  readonly reader: EnvironmentReader
}

/** Reads the certificates of a PEM file, and reads them again when the file changes. */
function authoritiesOf(path: string | undefined, reader: EnvironmentReader): Authorities | undefined {
  if (path === undefined) return undefined
  const { name, accepts } = settings.extraCertificates
  const text = readSettingText(path)
  const value = typeof text === 'string' ? parseAuthorities(text) : undefined
  if (value !== undefined) return reader.files.open({ name, path, parse: parseAuthorities }, value)
  const problem = typeof text === 'string' ? `${path} holds no certificate, or one that is cut off` : text.problem
  reader.addProblem({ name, problem, remedy: `It must be ${accepts}.` })
  return undefined
}

function mailOf(
  { smtpUrl, ...values }: MailValues,
  { database, issuer, authorities, reader }: MailContext,
): MailConfiguration {
  const isSent = reader.isGiven(mailSettings.smtpUrl)
  const { from } = mailSettings
  if (isSent && !reader.isGiven(from)) {
    reader.addProblem({
      name: from.name,
      problem: 'it is not set, and mail servers accept no e-mail without a sender',
      remedy: `It must be ${from.accepts}.`,
    })
  }
  const url = reader.liveOf(mailSettings.smtpUrl, smtpUrl) ?? ''
  const carrier = isSent ? ({ kind: 'smtp', url, authorities } as const) : folderIn(database)
  return { ...values, carrier, linkBase: values.linkBase ?? issuer }
}

function folderIn(database: DatabaseConfiguration): MailCarrier | undefined {
  return database.kind === 'embedded' ? { kind: 'folder', folder: join(database.folder, 'mail') } : undefined
}

/**
 * Returns the relying party. The default of a server on this machine is `localhost`, because
 * browsers accept no IP address.
 */
function passkeysOf({ rpId, origins }: ValuesOf<typeof passkeySettings>, issuer: string): PasskeyConfiguration {
  const url = new URL(issuer)
  if (/^(127\.[0-9.]+|\[::1\])$/.test(url.hostname)) url.hostname = 'localhost'
  return { rpId: rpId ?? url.hostname, origins: origins ?? [url.origin] }
}

function issuerOf({ issuer, host, port }: Pick<Values, 'issuer' | 'host' | 'port'>, reader: EnvironmentReader): string {
  const { name, accepts } = settings.issuer
  if (port === 0 && !reader.isGiven(settings.issuer)) {
    reader.addProblem({
      name,
      problem: `it is not set, and with ${settings.port.name} 0 it does not follow from the port`,
      remedy: `It must be ${accepts}.`,
    })
  }
  // Passkeys belong to a host name, and browsers accept none for a page of an IP address.
  return issuer ?? localUrl(host === '127.0.0.1' || host === '::1' ? 'localhost' : host, port)
}

/** A server on a laptop, for a trial, needs no factor: it is reached from that laptop alone. */
function adminFactorRuleOf({ kind }: DatabaseConfiguration, issuer: string): AdminFactorRule {
  const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(new URL(issuer).hostname)
  return kind === 'embedded' && isLocal ? 'allow-without' : 'require'
}

/** Records faults that only several settings together show. */
function checkTogether(reader: EnvironmentReader, configuration: Omit<Configuration, 'described'>): void {
  const { audience, serviceAudiences, sessionIdleTtlSec, sessionTtlSec } = configuration
  const { registration, unverifiedSignIn, mailSignIn, mail } = configuration
  // Where people cannot register by themselves, administrators can verify addresses without mail.
  const needsMail = registration === 'by-mail' || (registration === 'open' && unverifiedSignIn === 'refuse')
  if (mail.carrier === undefined && needsMail) {
    reader.addProblem({
      name: mailSettings.smtpUrl.name,
      problem: 'it is not set, and with these settings people need an e-mail to register or sign in',
      remedy: `It must be ${mailSettings.smtpUrl.accepts}.`,
    })
  }
  if (mail.carrier === undefined && mailSignIn !== 'off') {
    reader.addProblem({
      name: settings.mailSignIn.name,
      problem: `it is ${mailSignIn}, and the server cannot send e-mail`,
      remedy: `Set ${mailSettings.smtpUrl.name}, or leave it off.`,
    })
  }
  const { locale, offered } = configuration.languages
  if (!offered.includes(locale)) {
    reader.addProblem({
      name: settings.languages.offered.name,
      problem: `it does not contain ${locale}, the language of ${settings.languages.locale.name}`,
      remedy: 'Add it to the list, or set another default.',
    })
  }
  const { profileSchema, profileClaims } = configuration
  const declared = declaredMembers(profileSchema ?? {})
  const undeclared = profileClaims.filter((name) => !Object.hasOwn(declared, name))
  if (undeclared.length > 0) {
    reader.addProblem({
      name: settings.profileClaims.name,
      problem: `${settings.profileSchema.name} declares no property ${undeclared.join(', ')}`,
      remedy: 'Declare each claim under "properties" of the schema, so that its type is known.',
    })
  }
  if (serviceAudiences.includes(audience)) {
    reader.addProblem({
      name: settings.serviceAudiences.name,
      problem: `it contains the audience of this server itself, ${settings.audience.name}`,
      remedy: `It must be ${settings.serviceAudiences.accepts}.`,
    })
  }
  if (!(sessionIdleTtlSec <= sessionTtlSec)) {
    reader.addProblem({
      name: settings.sessionIdleTtlSec.name,
      problem: `it is longer than ${settings.sessionTtlSec.name}`,
      remedy: `It must be at most ${sessionTtlSec}, the lifetime of a session.`,
    })
  }
}
