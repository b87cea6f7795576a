import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { composeEmail } from '../../../src/mail/compose-email.js'
import type { Email } from '../../../src/mail/email.js'

const linkBase = 'https://shop.example/account'
const link = { token: 'T'.repeat(43), expiresAt: 1_700_000_000_000 }

/** Returns one email of each kind, with the texts that another person can choose. */
function emailsWith(chosen: string): readonly Email[] {
  const addressed = { to: `${chosen}@example.com`, account: 'a1' }
  return [
    { kind: 'verify_email', ...addressed, link },
    { kind: 'finish_registration', ...addressed, link },
    { kind: 'accept_invitation', ...addressed, link },
    { kind: 'reset_password', ...addressed, link },
    { kind: 'confirm_email', ...addressed, link },
    { kind: 'confirm_device', ...addressed, link },
    { kind: 'email_has_account', ...addressed },
    { kind: 'password_changed', ...addressed },
    { kind: 'reset_link_made', ...addressed },
    { kind: 'email_change_requested', ...addressed },
    { kind: 'email_changed', ...addressed },
    { kind: 'factor_added', ...addressed, factor: 'totp' },
    { kind: 'factor_removed', ...addressed, factor: 'passkey' },
    { kind: 'recovery_code_used', ...addressed, left: 9 },
    { kind: 'factors_reset', ...addressed, due: null },
    { kind: 'factors_reset', ...addressed, due: 1_700_000_000_000 },
    { kind: 'new_device', ...addressed, at: 1_700_000_000_000, address: chosen, userAgent: chosen },
    { kind: 'notices_paused', ...addressed, about: 'sign-ins' },
    { kind: 'notices_paused', ...addressed, about: 'changes' },
  ]
}

/**
 * Matches liberally what mail programs turn into links: a dot or a colon between characters that
 * are no space.
 */
const looksLikeLink = /\w[\w-]*(?:\.[a-z]{2,}|:\/)[^\s"<]*/gi

function linksIn(email: Email): string[] {
  const { subject, text, html } = composeEmail(email, linkBase)
  const links = [subject, text, html].flatMap((part) => part.match(looksLikeLink) ?? [])
  return [...new Set(links)].filter((found) => !found.startsWith('shop.example') && !found.startsWith(linkBase))
}

describe('a letter', () => {
  it.each([
    'www.evil.example/your-account-will-be-deleted/sign-in-here?',
    'https://evil.example/',
    'Mozilla/5.0 (X11; Linux x86_64) evil.example/login Firefox/140.0',
    'evil.example',
    'evil.example/1.0',
    'fe80::1%www.evil.example',
    '<a href="//evil.example">',
  ])('contains no link but its own, whatever name another person has chosen: %s', (chosen) => {
    for (const email of emailsWith(chosen)) expect([email.kind, linksIn(email)]).toEqual([email.kind, []])
  })

  it('contains no text of another person', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{3,12}(\.[a-z]{3,12}){1,3}$/), (chosen) => {
        for (const email of emailsWith(chosen)) {
          const { subject, text, html } = composeEmail(email, linkBase)
          expect(`${subject}${text}${html}`).not.toContain(chosen)
        }
      }),
    )
  })

  it('names the origin of a sign-in from a new device, and repeats no text of the device', () => {
    const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    const at = 1_700_000_000_000
    const { text } = composeEmail(
      { kind: 'new_device', to: 'ada@example.com', account: 'a1', at, address: '2001:db8::7', userAgent },
      linkBase,
    )
    expect(text).toContain('2001:db8::7')
    expect(text).toContain('Firefox on Linux')
  })
})
