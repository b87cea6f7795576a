import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { commandReference, configurationReference } from '../../../src/cli/reference.js'

const page = (name: string) => readFileSync(new URL(`../../../../../docs/reference/${name}`, import.meta.url), 'utf8')

describe('the reference, which npm run reference writes,', () => {
  it('lists every setting as the program reads it', () => {
    expect(page('configuration.md')).toBe(configurationReference())
  })

  it('lists every command as the program parses it', () => {
    expect(page('cli.md')).toBe(commandReference())
  })
})
