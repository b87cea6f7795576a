import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { folderTransport } from '../../../src/mail/folder-transport.js'
import { parseLetter } from '../../support/letters.js'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-letters-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('a letter in a folder has links in one line, is readable only by its owner, and exists once however often it is written', async () => {
  const link = `https://app.example.com/verify-email#token=${'Ab3_'.repeat(40)}`
  const text = `Open this link:\n\n${link}\n`
  const mail = join(folder, 'mail')
  const transport = folderTransport(mail, { name: 'Latchkey', address: 'auth@example.com' })
  const letter = {
    id: '1',
    kind: 'verify_email',
    to: 'ada@example.com',
    subject: 'Verify',
    text,
    html: '<p>…</p>',
  } as const
  await transport.send(letter)
  expect(await transport.send(letter)).toEqual({ file: '1-verify_email.eml' })
  expect(readdirSync(mail).toSorted()).toEqual(['1-verify_email.eml', '1-verify_email.txt'])
  expect(readFileSync(join(mail, '1-verify_email.txt'), 'utf8').split('\n')).toContain(link)
  expect((await parseLetter(readFileSync(join(mail, '1-verify_email.eml')))).link).toBe(link)
  for (const file of readdirSync(mail)) expect(statSync(join(mail, file)).mode & 0o777).toBe(0o600)
})
