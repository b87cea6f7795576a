import { describe, expect, it } from 'vitest'
import { canonicalEmail } from '../../../src/accounts/email-address.js'
import { mailboxOf } from '../../../src/mail/mailbox.js'

describe('the mailbox of an address', () => {
  it.each([
    'victim@example.com',
    'VICTIM@EXAMPLE.COM',
    'victim+1@example.com',
    'victim+a+b@example.com',
    'v.i.c.t.i.m@example.com',
    'Vic.Tim+tag.with.dots@Example.com',
  ])('is the same for %s', (spelling) => {
    expect(mailboxOf(canonicalEmail(spelling))).toBe('victim@example.com')
  })

  it('is the same for another spelling of its domain', () => {
    expect(mailboxOf(canonicalEmail('victim@bücher.example'))).toBe(
      mailboxOf(canonicalEmail('victim@xn--bcher-kva.example')),
    )
    expect(mailboxOf('vic.tim@googlemail.com')).toBe('victim@gmail.com')
  })

  it.each([
    ['another name', 'victor@example.com'],
    ['another domain', 'victim@example.org'],
    ['a name that is a tag alone', '+victim@example.com'],
    ['a name with a hyphen, which may belong to another person', 'victim-two@example.com'],
  ])('is another one for %s', (_, email) => {
    expect(mailboxOf(email)).not.toBe('victim@example.com')
  })
})
