import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readConfiguration } from '../../../src/config/configuration.js'
import { withoutCredentials } from '../../../src/config/describe-settings.js'
import type { Environment } from '../../../src/config/environment-reader.js'
import { flattenSettings } from '../../../src/config/setting.js'
import { settings } from '../../../src/config/settings.js'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-described-'))
afterAll(() => rmSync(folder, { recursive: true }))

const all = flattenSettings(settings)
const secrets = all.filter(({ secret }) => secret === true)
const key = Buffer.alloc(32, 'canary').toString('base64url')

/** A value of each secret setting that no other text contains. */
const canaries: Readonly<Record<string, string>> = {
  DATABASE_URL: 'postgres://u:canary-db@db.example/x?password=canary-query',
  DATABASE_LISTEN_URL: 'postgres://u:canary-listen@db.example/y',
  REDIS_URL: 'redis://:canary-redis@cache.example',
  LATCHKEY_MASTER_KEYS: `canary:${key}`,
  LATCHKEY_WRAPPED_MASTER_KEYS: Buffer.from('canary-wrapped').toString('base64'),
  LATCHKEY_METRICS_TOKEN: 'canary-metrics-token',
  PASSWORD_PEPPERS: `canary:${key}`,
  LATCHKEY_SMTP_URL: 'smtps://mailer:canary-smtp@mail.example',
}

const others = { LATCHKEY_MAIL_FROM: 'no-reply@shop.example', LATCHKEY_MASTER_KEYS: canaries.LATCHKEY_MASTER_KEYS }
const kmsKey = 'projects/shop/locations/europe-west1/keyRings/latchkey/cryptoKeys/master-keys'

function environmentWith(name: string, value: string | undefined, variable = name): Environment {
  const wrapped = name === 'LATCHKEY_WRAPPED_MASTER_KEYS'
  const base = wrapped ? { LATCHKEY_KMS_KEY: kmsKey, LATCHKEY_MASTER_KEYS: undefined } : {}
  return { ...others, ...base, [name]: undefined, [variable]: value }
}

function described(env: Environment, name: string) {
  const found = readConfiguration(env).described.find((setting) => setting.name === name)
  if (found === undefined) throw new Error(`${name} is not described.`)
  return found
}

describe('the description of settings', () => {
  it('has every setting', () => {
    expect(readConfiguration({}).described.map(({ name }) => name)).toEqual(all.map(({ name }) => name))
  })

  it.each(secrets.map(({ name }) => name))('has no part of the value of %s, and says that it is set', (name) => {
    const canary = canaries[name]
    if (canary === undefined) throw new Error(`Add a canary for the secret setting ${name}.`)
    const file = join(folder, name)
    writeFileSync(file, canary)
    for (const [env, source] of [
      [environmentWith(name, canary), 'environment'],
      [environmentWith(name, file, `${name}_FILE`), 'file'],
    ] as const) {
      const text = JSON.stringify(readConfiguration(env).described)
      for (const part of [canary, key, 'canary', canary.slice(-12)]) expect(text).not.toContain(part)
      expect(described(env, name)).toMatchObject({ isSecret: true, isSet: true, value: null, source })
    }
  })

  it('says of a secret without a value that it is not set', () => {
    expect(described({}, 'REDIS_URL')).toMatchObject({ isSet: false, value: null, source: 'default' })
  })

  it('has the value in effect, and where it comes from', () => {
    const env = {
      PORT: '4000',
      LATCHKEY_SESSION_TTL: '3600',
      LATCHKEY_CORS_ORIGINS: 'https://a.example, https://b.example',
    }
    expect(described(env, 'PORT')).toMatchObject({ value: '4000', source: 'environment' })
    expect(described(env, 'HOST')).toMatchObject({ value: '127.0.0.1', source: 'default' })
    expect(described(env, 'LATCHKEY_CORS_ORIGINS')).toMatchObject({ value: 'https://a.example, https://b.example' })
    expect(described(env, 'LATCHKEY_THEME')).toMatchObject({ value: null, isSet: false })
    const theme = join(folder, 'theme.json')
    writeFileSync(theme, '{"name":"Shop"}')
    expect(described({ LATCHKEY_THEME_FILE: theme }, 'LATCHKEY_THEME')).toMatchObject({
      value: '{"name":"Shop"}',
      source: 'file',
    })
  })

  it('follows other settings where a default does', () => {
    const env = { PORT: '4000', LATCHKEY_SESSION_TTL: '3600' }
    expect(described(env, 'LATCHKEY_ISSUER')).toMatchObject({ value: 'http://localhost:4000', source: 'default' })
    expect(described(env, 'LATCHKEY_SESSION_IDLE_TTL').value).toBe('3600')
    expect(described(env, 'LATCHKEY_LINK_BASE').value).toBe('http://localhost:4000')
    expect(described(env, 'LATCHKEY_ADMIN_SECOND_FACTOR').value).toBe('allow-without')
    expect(described({ NODE_ENV: 'production' }, 'LOG_LEVEL').value).toBe('info')
  })
})

describe('a value with URLs', () => {
  it.each([
    ['https://user:pass@host/path', 'https://***@host/path'],
    ['a https://u@h, b http://x:y/z@w/q', 'a https://***@h, b http://***@w/q'],
    ['https://host/path', 'https://host/path'],
    ['Shop <no-reply@shop.example>', 'Shop <no-reply@shop.example>'],
  ])('has no credentials of them: %s', (text, shown) => {
    expect(withoutCredentials(text)).toBe(shown)
  })
})
