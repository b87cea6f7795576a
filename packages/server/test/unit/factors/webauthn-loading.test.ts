import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const bundle = new URL('../../../bundle/', import.meta.url)

it('the library of passkeys, which takes long to load, is loaded by no start of the server', () => {
  const files = readdirSync(bundle).filter((name) => name.endsWith('.js'))
  const code = files.map((name) => readFileSync(new URL(name, bundle), 'utf8')).join('\n')
  expect(code).toMatch(/import\(["']@simplewebauthn\/server["']\)/)
  expect(code).not.toMatch(/^(import|export)\b[^(]*["']@simplewebauthn\//m)
})
