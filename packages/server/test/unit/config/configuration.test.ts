import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Configuration, localUrl, readConfiguration } from '../../../src/config/configuration.js'
import { ConfigurationError } from '../../../src/config/configuration-error.js'
import type { Environment } from '../../../src/config/environment-reader.js'
import { flattenSettings } from '../../../src/config/setting.js'
import { SettingFiles } from '../../../src/config/setting-files.js'
import { settings } from '../../../src/config/settings.js'
import { locales } from '../../../src/locales.js'

const masterKeys = `k1:${Buffer.alloc(32, 7).toString('base64url')}`
const kmsKey = 'projects/shop/locations/europe-west1/keyRings/latchkey/cryptoKeys/master-keys'

/** Returns the configuration with the current value of each file, without the sources. */
function valuesOf({ settingFiles, described, ...values }: Configuration): unknown {
  return JSON.parse(JSON.stringify(values, (_name, value) => (typeof value === 'function' ? value() : value)))
}

function problemsOf(env: Environment): string[] {
  try {
    readConfiguration(env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    return error.problems.map(({ name }) => name)
  }
}

describe('the configuration', () => {
  it('is complete without any environment', () => {
    expect(readConfiguration({})).toEqual({
      host: '127.0.0.1',
      port: 3000,
      trustedProxies: [],
      database: { kind: 'embedded', folder: '.latchkey', masterKeys: undefined },
      issuer: 'http://localhost:3000',
      audience: 'api',
      serviceAudiences: ['services'],
      corsOrigins: [],
      returnOrigins: [],
      pages: 'on',
      console: 'on',
      hsts: 'host',
      scopes: [],
      accessTokenTtlSec: 900,
      sessionTtlSec: 2_592_000,
      sessionIdleTtlSec: 1_209_600,
      maxSessions: 100,
      gracePeriodSec: 3600,
      maxStalenessMs: 2000,
      serviceKeyRotationSec: 7_776_000,
      verifyTimeoutMs: 5000,
      passwordMinLength: 15,
      registration: 'open',
      invitationTtlSec: 604_800,
      languages: { locale: 'en', offered: locales, letters: undefined },
      profileClaims: [],
      unverifiedSignIn: 'allow',
      passkeys: { rpId: 'localhost', origins: ['http://localhost:3000'] },
      mailSignIn: 'off',
      trustedDeviceTtlSec: 2_592_000,
      factorResetDelaySec: 0,
      recentSec: 600,
      adminSecondFactor: 'allow-without',
      impersonation: 'off',
      mail: {
        carrier: { kind: 'folder', folder: '.latchkey/mail' },
        from: { name: '', address: 'no-reply@localhost' },
        linkBase: 'http://localhost:3000',
        resetLinkTtlSec: 3600,
        verifyLinkTtlSec: 86_400,
      },
      limits: {
        login: { address: { requests: 60, windowSec: 60 }, pair: { requests: 20, windowSec: 300 } },
        register: { address: { requests: 60, windowSec: 3600 } },
        refresh: { address: { requests: 600, windowSec: 60 }, pair: { requests: 60, windowSec: 60 } },
        recovery: { address: { requests: 30, windowSec: 3600 }, pair: { requests: 5, windowSec: 3600 } },
        token: { address: { requests: 600, windowSec: 60 }, pair: { requests: 60, windowSec: 60 } },
        introspection: { address: { requests: 12_000, windowSec: 60 }, pair: { requests: 6000, windowSec: 60 } },
        admin: { address: { requests: 600, windowSec: 60 }, account: { requests: 600, windowSec: 60 } },
        general: { address: { requests: 1200, windowSec: 60 }, account: { requests: 600, windowSec: 60 } },
      },
      auditRetentionSec: 31_536_000,
      keepAliveSec: 130,
      stopDelaySec: 0,
      logLevel: 'warn',
      requestLogShare: 1,
      production: false,
      settingFiles: expect.any(SettingFiles),
      described: expect.any(Array),
    })
  })

  it('requires a second factor of administrators, except on a laptop and where a setting says so', () => {
    const rule = (env: Record<string, string>) => readConfiguration(env).adminSecondFactor
    const postgres = { DATABASE_URL: 'postgres://db/x', LATCHKEY_MASTER_KEYS: masterKeys }
    expect(rule({})).toBe('allow-without')
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      expect(rule({ LATCHKEY_ISSUER: `http://${host}:3000` })).toBe('allow-without')
    }
    for (const host of ['auth.example.com', '192.0.2.1', 'localhost.example.com', '127.0.0.1.example.com']) {
      expect(rule({ LATCHKEY_ISSUER: `https://${host}` })).toBe('require')
    }
    expect(rule(postgres)).toBe('require')
    expect(rule({ ...postgres, LATCHKEY_ADMIN_SECOND_FACTOR: 'allow-without' })).toBe('allow-without')
    expect(rule({ LATCHKEY_ADMIN_SECOND_FACTOR: 'require' })).toBe('require')
    expect(problemsOf({ LATCHKEY_ADMIN_SECOND_FACTOR: 'off' })).toEqual(['LATCHKEY_ADMIN_SECOND_FACTOR'])
  })

  it('treats an empty variable as absent', () => {
    expect(readConfiguration({ PORT: '', DATABASE_URL: '', LOG_LEVEL: '' })).toEqual(readConfiguration({}))
  })

  it('reads every setting', () => {
    const url = 'postgres://user:secret@db.example:5432/latchkey'
    const { limits: defaultLimits } = readConfiguration({})
    expect(
      readConfiguration({
        HOST: '::1',
        PORT: '8080',
        TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::1',
        DATABASE_URL: url,
        LATCHKEY_MASTER_KEYS: masterKeys,
        LATCHKEY_ISSUER: 'https://auth.example.com',
        LATCHKEY_AUDIENCE: 'shop',
        LATCHKEY_SERVICE_AUDIENCES: 'billing, mail',
        LATCHKEY_CORS_ORIGINS: 'https://app.example.com, http://localhost:5173',
        LATCHKEY_PASSKEY_RP_ID: 'example.com',
        LATCHKEY_MAIL_SIGN_IN: 'code',
        LATCHKEY_TRUSTED_DEVICE_TTL: '0',
        LATCHKEY_FACTOR_RESET_DELAY: '86400',
        LATCHKEY_PASSKEY_ORIGINS: 'https://example.com, https://auth.example.com',
        LATCHKEY_HSTS: 'subdomains',
        LATCHKEY_SCOPES: 'a:read  a:write',
        LATCHKEY_ACCESS_TOKEN_TTL: '60',
        LATCHKEY_SESSION_TTL: '3600',
        LATCHKEY_MAX_SESSIONS: '5',
        LATCHKEY_GRACE_PERIOD: '0',
        LATCHKEY_MAX_STALENESS: '500',
        LATCHKEY_VERIFY_TIMEOUT: '750',
        LATCHKEY_AUDIT_RETENTION: '86400',
        LATCHKEY_STOP_DELAY: '5',
        LATCHKEY_REQUEST_LOG_SHARE: '0.25',
        LATCHKEY_INVITATION_TTL: '3600',
        LATCHKEY_LOCALE: 'zh-Hans',
        LATCHKEY_LOCALES: 'de, zh-Hans',
        LATCHKEY_LETTERS: '/etc/latchkey/letters',
        LATCHKEY_KEEP_ALIVE: '620',
        LATCHKEY_METRICS_TOKEN: 'sixteen-or-more-',
        PASSWORD_MIN_LENGTH: '8',
        PASSWORD_PEPPERS: masterKeys,
        LATCHKEY_REGISTRATION: 'by-mail',
        LATCHKEY_UNVERIFIED_SIGN_IN: 'refuse',
        LATCHKEY_SMTP_URL: 'smtps://user:secret@mail.example.com',
        LATCHKEY_MAIL_FROM: 'Example Shop <no-reply@example.com>',
        LATCHKEY_LINK_BASE: 'https://shop.example.com/account',
        LATCHKEY_SERVICE_KEY_ROTATION: '86400',
        LATCHKEY_RESET_LINK_TTL: '600',
        LATCHKEY_VERIFY_LINK_TTL: '7200',
        LATCHKEY_LIMIT_LOGIN: 'pair: 5/10',
        LATCHKEY_RECENT_AUTHENTICATION: '300',
        LATCHKEY_ADMIN_SECOND_FACTOR: 'allow-without',
        LATCHKEY_IMPERSONATION: 'notify',
        NODE_ENV: 'production',
      }),
    ).toEqual({
      mailSignIn: 'code',
      trustedDeviceTtlSec: 0,
      factorResetDelaySec: 86_400,
      recentSec: 300,
      adminSecondFactor: 'allow-without',
      impersonation: 'notify',
      host: '::1',
      port: 8080,
      trustedProxies: ['10.0.0.0/8', '2001:db8::1'],
      database: { kind: 'postgres', url, masterKeys },
      issuer: 'https://auth.example.com',
      audience: 'shop',
      serviceAudiences: ['billing', 'mail'],
      corsOrigins: ['https://app.example.com', 'http://localhost:5173'],
      returnOrigins: [],
      pages: 'on',
      console: 'on',
      hsts: 'subdomains',
      scopes: ['a:read', 'a:write'],
      accessTokenTtlSec: 60,
      sessionTtlSec: 3600,
      sessionIdleTtlSec: 3600,
      maxSessions: 5,
      gracePeriodSec: 0,
      maxStalenessMs: 500,
      verifyTimeoutMs: 750,
      passwordMinLength: 8,
      serviceKeyRotationSec: 86_400,
      passwordPeppers: masterKeys,
      registration: 'by-mail',
      invitationTtlSec: 3600,
      languages: { locale: 'zh-Hans', offered: ['de', 'zh-Hans'], letters: '/etc/latchkey/letters' },
      profileClaims: [],
      unverifiedSignIn: 'refuse',
      passkeys: { rpId: 'example.com', origins: ['https://example.com', 'https://auth.example.com'] },
      mail: {
        carrier: { kind: 'smtp', url: 'smtps://user:secret@mail.example.com' },
        from: { name: 'Example Shop', address: 'no-reply@example.com' },
        linkBase: 'https://shop.example.com/account',
        resetLinkTtlSec: 600,
        verifyLinkTtlSec: 7200,
      },
      limits: { ...defaultLimits, login: { ...defaultLimits.login, pair: { requests: 5, windowSec: 10 } } },
      auditRetentionSec: 86_400,
      keepAliveSec: 620,
      stopDelaySec: 5,
      metricsTokens: ['sixteen-or-more-'],
      logLevel: 'info',
      requestLogShare: 0.25,
      production: true,
      settingFiles: expect.any(SettingFiles),
      described: expect.any(Array),
    })
  })

  it('requires a mail server where letters are necessary to sign in', () => {
    const postgres = { DATABASE_URL: 'postgres://db/x', LATCHKEY_MASTER_KEYS: masterKeys }
    for (const decision of [{ LATCHKEY_REGISTRATION: 'by-mail' }, { LATCHKEY_UNVERIFIED_SIGN_IN: 'refuse' }]) {
      expect(problemsOf({ ...postgres, ...decision })).toEqual(['LATCHKEY_SMTP_URL'])
      expect(problemsOf(decision)).toEqual([])
    }
    // In these modes an administrator creates the accounts, hands out the links and verifies the
    // addresses.
    for (const registration of ['invited', 'closed']) {
      const decision = { LATCHKEY_REGISTRATION: registration, LATCHKEY_UNVERIFIED_SIGN_IN: 'refuse' }
      expect(problemsOf({ ...postgres, ...decision })).toEqual([])
    }
    expect(problemsOf({ LATCHKEY_SMTP_URL: 'smtp://mail.example.com' })).toEqual(['LATCHKEY_MAIL_FROM'])
  })

  it.each([
    'no address',
    'a@b@c',
    'Example <no-reply@example.com',
    '"Example" <no-reply@example.com>',
    'Example <no-reply@example.com>, Other <other@example.com>',
    'Example\nBcc: other@example.com <no-reply@example.com>',
    'no-reply@example.com\r\nBcc: other@example.com',
  ])('refuses a sender that is no plain mailbox: %j', (from) => {
    expect(problemsOf({ LATCHKEY_MAIL_FROM: from })).toEqual(['LATCHKEY_MAIL_FROM'])
  })

  it('lists all faults at once', () => {
    const env = {
      HOST: 'not a host',
      PORT: '65536',
      TRUSTED_PROXIES: 'all',
      DATABASE_URL: 'mysql://x',
      LATCHKEY_ISSUER: 'auth.example.com',
      LATCHKEY_AUDIENCE: 'two words',
      LATCHKEY_SERVICE_AUDIENCES: 'a,,b',
      LATCHKEY_CORS_ORIGINS: 'https://app.example.com/',
      LATCHKEY_SCOPES: 'a"b',
      LATCHKEY_ACCESS_TOKEN_TTL: '5',
      LATCHKEY_SESSION_TTL: '1d',
      LATCHKEY_SESSION_IDLE_TTL: '-1',
      LATCHKEY_MAX_SESSIONS: '0',
      LATCHKEY_GRACE_PERIOD: 'NaN',
      LATCHKEY_MAX_STALENESS: '1e3',
      LATCHKEY_AUDIT_RETENTION: '86399',
      LATCHKEY_STOP_DELAY: '301',
      LATCHKEY_METRICS_TOKEN: 'fifteen-letters',
      PASSWORD_MIN_LENGTH: '7',
      PASSWORD_PEPPERS: 'p1:short',
      LATCHKEY_LIMIT_LOGIN: 'account:5/10',
      LATCHKEY_LIMIT_REGISTER: 'address:0/10',
      LATCHKEY_LIMIT_REFRESH: 'address:5/86401',
      LATCHKEY_LIMIT_RECOVERY: 'address:5/10,address:6/10',
      LATCHKEY_LIMIT_TOKEN: 'account:5/10',
      LATCHKEY_LIMIT_INTROSPECTION: 'pair:5',
      LATCHKEY_LIMIT_ADMIN: 'address',
      LATCHKEY_LIMIT_GENERAL: 'address:5/10,',
      LOG_LEVEL: 'loud',
    }
    expect(problemsOf(env).toSorted()).toEqual([...Object.keys(env), 'LATCHKEY_MASTER_KEYS'].toSorted())
  })

  it.each<[string, Environment]>([
    ['LATCHKEY_MASTER_KEYS', { DATABASE_URL: 'postgres://db/x' }],
    ['LATCHKEY_MASTER_KEYS', { LATCHKEY_MASTER_KEYS: 'k1:short' }],
    ['LATCHKEY_KMS_KEY', { LATCHKEY_WRAPPED_MASTER_KEYS: 'AAAA' }],
    ['LATCHKEY_KMS_KEY', { LATCHKEY_WRAPPED_MASTER_KEYS: 'AAAA', LATCHKEY_KMS_KEY: 'projects/shop/keys/../k' }],
    ['LATCHKEY_KMS_KEY', { LATCHKEY_MASTER_KEYS: masterKeys, LATCHKEY_KMS_KEY: kmsKey }],
    ['LATCHKEY_WRAPPED_MASTER_KEYS', { LATCHKEY_WRAPPED_MASTER_KEYS: 'AAA', LATCHKEY_KMS_KEY: kmsKey }],
    ['LATCHKEY_KMS_ENDPOINT', { LATCHKEY_KMS_ENDPOINT: 'http://kms.example.com' }],
    ['LATCHKEY_KMS_ENDPOINT', { LATCHKEY_KMS_ENDPOINT: 'https://kms.example.com/' }],
    ['GCE_METADATA_HOST', { GCE_METADATA_HOST: 'metadata/elsewhere' }],
    [
      'LATCHKEY_WRAPPED_MASTER_KEYS',
      { LATCHKEY_WRAPPED_MASTER_KEYS: 'AAAA', LATCHKEY_KMS_KEY: kmsKey, LATCHKEY_MASTER_KEYS: masterKeys },
    ],
    ['LATCHKEY_CORS_ORIGINS', { LATCHKEY_CORS_ORIGINS: '*' }],
    ['LATCHKEY_HSTS', { LATCHKEY_HSTS: 'all' }],
    ['LATCHKEY_MAIL_SIGN_IN', { LATCHKEY_MAIL_SIGN_IN: 'sms' }],
    [
      'LATCHKEY_MAIL_SIGN_IN',
      { LATCHKEY_MAIL_SIGN_IN: 'link', DATABASE_URL: 'postgres://db/x', LATCHKEY_MASTER_KEYS: masterKeys },
    ],
    ['LATCHKEY_CORS_ORIGINS', { LATCHKEY_CORS_ORIGINS: 'null' }],
    ['LATCHKEY_CORS_ORIGINS', { LATCHKEY_CORS_ORIGINS: 'app.example.com' }],
    ['LATCHKEY_CORS_ORIGINS', { LATCHKEY_CORS_ORIGINS: 'https://App.example.com' }],
    ['LATCHKEY_CORS_ORIGINS', { LATCHKEY_CORS_ORIGINS: 'https://app.example.com:443' }],
    ['LATCHKEY_CORS_ORIGINS', { LATCHKEY_CORS_ORIGINS: 'https://app.example.com,' }],
    ['LATCHKEY_CORS_ORIGINS', { LATCHKEY_CORS_ORIGINS: 'ftp://app.example.com' }],
    ['LATCHKEY_CORS_ORIGINS', { LATCHKEY_CORS_ORIGINS: 'https://user@app.example.com' }],
    ['LATCHKEY_CORS_ORIGINS', { LATCHKEY_CORS_ORIGINS: 'file://' }],
    ['LATCHKEY_CORS_ORIGINS', { LATCHKEY_CORS_ORIGINS: 'capacitor://localhost/' }],
    ['LATCHKEY_CORS_ORIGINS', { LATCHKEY_CORS_ORIGINS: 'capacitor://localhost, null' }],
    ['LATCHKEY_KEEP_ALIVE', { LATCHKEY_KEEP_ALIVE: '0' }],
    ['LATCHKEY_ISSUER', { PORT: '0' }],
    ['LATCHKEY_ISSUER', { LATCHKEY_ISSUER: 'https://auth.example.com/' }],
    ['LATCHKEY_ISSUER', { LATCHKEY_ISSUER: 'https://auth.example.com?x' }],
    ['LATCHKEY_ISSUER', { LATCHKEY_ISSUER: 'https://user:pw@auth.example.com' }],
    ['LATCHKEY_ISSUER', { LATCHKEY_ISSUER: 'ftp://auth.example.com' }],
    ['LATCHKEY_SERVICE_AUDIENCES', { LATCHKEY_SERVICE_AUDIENCES: 'mail,api' }],
    ['LATCHKEY_SESSION_IDLE_TTL', { LATCHKEY_SESSION_TTL: '60', LATCHKEY_SESSION_IDLE_TTL: '61' }],
    ['LATCHKEY_DATA_DIR', { LATCHKEY_DATA_DIR: 'a\0b' }],
  ])('reports %s in %j', (name, env) => {
    expect(problemsOf(env)).toEqual([name])
  })

  it('accepts the origins of apps', () => {
    const origins = ['capacitor://localhost', 'ionic://localhost', 'tauri://localhost', 'chrome-extension://abcdef']
    expect(readConfiguration({ LATCHKEY_CORS_ORIGINS: origins.join(',') }).corsOrigins).toEqual(origins)
  })

  it.each([
    ['postgres://user:12/hunter2@db/x', /percent-encode/],
    ['postgres://user:12#hunter2@db/x', /percent-encode/],
    ['postgres://user:12?hunter2@db/x', /percent-encode/],
    ['postgres://user:a/hunter2@db/x', /percent-encode/],
    ['postgres://user:hunter2%zz@db/x', /%25/],
    ['postgres://user:hunter2%E4@db/x', /%25/],
    ['mysql://user:hunter2@db/x', /postgres:\/\//],
    ['postgres://user:hunter2@db/x?sslmode=verify_full', /sslmode/],
    ['postgres://user:hunter2@db/x?sslrootcert=/nowhere/ca.pem', /sslrootcert/],
  ])('names the fault in the URL of a database, and repeats no part of the URL: %s', (url, said) => {
    for (const name of ['DATABASE_URL', 'DATABASE_LISTEN_URL']) {
      const other = name === 'DATABASE_URL' ? {} : { DATABASE_URL: 'postgres://db/x' }
      const read = () => readConfiguration({ LATCHKEY_MASTER_KEYS: masterKeys, ...other, [name]: url })
      let found: unknown
      try {
        read()
      } catch (error) {
        found = error
      }
      if (!(found instanceof ConfigurationError)) throw new Error('There is no objection.')
      expect(found.problems.map(({ name: named }) => named)).toEqual([name])
      expect(found.problems[0]?.problem).toMatch(said)
      expect(JSON.stringify(found.problems)).not.toContain('hunter2')
    }
  })

  describe('a secret in a file', () => {
    let folder: string
    const file = (text: string) => {
      const path = join(folder, 'secret')
      writeFileSync(path, text)
      return path
    }

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'latchkey-secrets-'))
      return () => rmSync(folder, { recursive: true })
    })

    it.each(flattenSettings(settings).filter(({ secret }) => secret === true))('sets $name', ({ name }) => {
      const values: Record<string, string> = {
        DATABASE_URL: 'postgres://user@db/x',
        DATABASE_LISTEN_URL: 'postgres://user@db/y',
        REDIS_URL: 'redis://cache',
        LATCHKEY_MASTER_KEYS: masterKeys,
        LATCHKEY_METRICS_TOKEN: 'sixteen-or-more-',
        PASSWORD_PEPPERS: masterKeys,
        LATCHKEY_SMTP_URL: 'smtps://user:secret@mail.example.com',
        LATCHKEY_WRAPPED_MASTER_KEYS: 'AAAA',
      }
      const value = values[name] ?? ''
      const isWrapped = name === 'LATCHKEY_WRAPPED_MASTER_KEYS'
      const keys = isWrapped ? { LATCHKEY_KMS_KEY: kmsKey } : { LATCHKEY_MASTER_KEYS: masterKeys }
      const rest = { ...keys, LATCHKEY_MAIL_FROM: 'no-reply@example.com', [name]: undefined }
      const given = readConfiguration({ ...rest, [name]: value })
      const path = file(`${value}\n`)
      expect(valuesOf(readConfiguration({ ...rest, [`${name}_FILE`]: path }))).toEqual(valuesOf(given))
    })

    it('may contain master keys that Cloud KMS has wrapped, broken into lines', () => {
      const { database } = readConfiguration({
        DATABASE_URL: 'postgres://db/x',
        LATCHKEY_WRAPPED_MASTER_KEYS_FILE: file('QUJD\nREVG\n'),
        LATCHKEY_KMS_KEY: kmsKey,
      })
      const key = {
        name: kmsKey,
        endpoint: 'https://cloudkms.googleapis.com',
        metadataHost: 'metadata.google.internal',
      }
      expect(database).toMatchObject({ masterKeys: { wrapped: 'QUJDREVG', key } })
    })

    it('may contain one master key on each line, as the file of an embedded database does', () => {
      const older = `k0:${Buffer.alloc(32, 8).toString('base64url')}`
      const { database } = readConfiguration({ LATCHKEY_MASTER_KEYS_FILE: file(`${masterKeys}\n${older}\n`) })
      expect(database).toMatchObject({ masterKeys: `${masterKeys},${older}` })
    })

    it.each<[string, () => Environment]>([
      ['does not exist', () => ({ LATCHKEY_MASTER_KEYS_FILE: join(folder, 'absent') })],
      ['is a folder', () => ({ LATCHKEY_MASTER_KEYS_FILE: folder })],
      ['is empty', () => ({ LATCHKEY_MASTER_KEYS_FILE: file('\n') })],
      ['is larger than 1 MiB', () => ({ LATCHKEY_MASTER_KEYS_FILE: file(' '.repeat(1024 * 1024 + 1)) })],
      [
        'is set beside the variable',
        () => ({ LATCHKEY_MASTER_KEYS_FILE: file(masterKeys), LATCHKEY_MASTER_KEYS: masterKeys }),
      ],
    ])('stops the start when it %s', (_why, env) => {
      expect(problemsOf(env())).toEqual(['LATCHKEY_MASTER_KEYS_FILE'])
    })

    it('is not repeated when it cannot be used', () => {
      try {
        readConfiguration({ LATCHKEY_MASTER_KEYS_FILE: file('k1:hunter2') })
        expect.unreachable()
      } catch (error) {
        expect(JSON.stringify(error)).not.toMatch(/hunter/)
      }
    })

    it.each<[string, string | undefined]>([
      ['does not exist', undefined],
      ['has no certificate', 'certificates'],
      ['is truncated', '-----BEGIN CERTIFICATE-----\nMIIB'],
    ])('stops the start when it should contain authorities and %s', (_why, text) => {
      const path = text === undefined ? join(folder, 'absent') : file(text)
      expect(problemsOf({ NODE_EXTRA_CA_CERTS: path })).toEqual(['NODE_EXTRA_CA_CERTS'])
    })

    it('is refused for a setting that is no secret', () => {
      expect(readConfiguration({ PORT_FILE: file('8080') }).port).toBe(3000)
    })
  })

  it('repeats no secret in its messages', () => {
    const env = { DATABASE_URL: 'mysql://user:hunter2@db/x', LATCHKEY_MASTER_KEYS: 'k1:hunter3' }
    try {
      readConfiguration(env)
      expect.unreachable()
    } catch (error) {
      expect(JSON.stringify(error)).not.toMatch(/hunter/)
      expect(String(error)).not.toMatch(/hunter/)
    }
  })

  it('has one documented setting for each variable', () => {
    const all = flattenSettings(settings)
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
    const undocumented = all.filter((one) => one.description === '' || one.accepts === '')
    expect(undocumented).toEqual([])
  })

  it.each(flattenSettings(settings))('has a default of $name that the documentation can show', (setting) => {
    const { default: value, defaultText, parse, format = String } = setting
    if (value === undefined) expect(defaultText).toMatch(/./)
    // An operator may write the documented value.
    else if (defaultText === undefined) expect(parse(format(value))).toEqual(value)
    else expect(value).toEqual([])
  })

  it('offers no unknown language, none twice, and the default one in any case', () => {
    for (const list of ['de,xx', 'de,de', 'en;de', 'DE', ','])
      expect(problemsOf({ LATCHKEY_LOCALES: list })).toEqual(['LATCHKEY_LOCALES'])
    expect(problemsOf({ LATCHKEY_LOCALE: 'zh' })).toEqual(['LATCHKEY_LOCALE'])
    expect(problemsOf({ LATCHKEY_LOCALES: 'de,fr' })).toEqual(['LATCHKEY_LOCALES'])
    expect(problemsOf({ LATCHKEY_LOCALES: 'de,fr', LATCHKEY_LOCALE: 'fr' })).toEqual([])
  })

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:3000'],
    ['0.0.0.0', 'http://localhost:3000'],
    ['::', 'http://localhost:3000'],
    ['::1', 'http://[::1]:3000'],
    ['auth.local', 'http://auth.local:3000'],
  ])('has for a server on %s the URL %s', (host, url) => {
    expect(localUrl(host, 3000)).toBe(url)
  })
})
