import { describe, expect, it } from 'vitest'
import { readCommonPasswords } from '../../../src/accounts/common-passwords.js'
import { hostWords } from '../../../src/accounts/context-words.js'
import { PasswordPolicy } from '../../../src/accounts/password-policy.js'

const common = readCommonPasswords()
const context = ['latchkey', 'Example Shop', hostWords('auth.shop.example')]
const policy = new PasswordPolicy({ minLength: 15, common, context })
const owner = { email: 'ada.lovelace@example.com', name: 'Augusta Ada King' }

function verdictOf(password: string, by = policy): string {
  try {
    by.check(password, owner)
    return 'taken'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('a new password', () => {
  it.each([
    'correct horse battery staple',
    'nothing but small letters',
    '9462 0481 7735 55',
    'пароль подлиннее',
    '🔑 under the 🪴 by the 🚪',
    'x'.repeat(15).replace('x', 'y'),
    'lovelace, and 15 more characters',
    'ada and the king of Siam',
  ])('is accepted whatever its characters: %s', (password) => {
    expect(verdictOf(password)).toBe('taken')
  })

  it.each([
    ['password_too_short', 'fourteen chars'],
    ['password_too_short', '🔑'.repeat(14)],
    ['password_too_short', 'e\u0301'.repeat(14)],
    ['password_too_long', 'y'.repeat(129)],
    ['password_common', '123456789123456789'],
    ['password_common', 'QWERTYUIOPASDFGHJKL'],
    ['password_common', '1qaz2wsx3edc4rfv'],
    ['password_common', 'PASSWORDpassword'],
    ['password_common', 'iloveyou'.repeat(3)],
    ['password_common', 'Ada.Lovelace@example.com'],
    ['password_common', 'ada.LOVELACE-ada'],
    ['password_common', 'augusta ada king'],
    ['password_common', 'Latchkey-Latchkey'],
    ['password_common', 'my L4tchk3y password'],
    ['password_common', '1atchkey for ever'],
    ['password_common', 'Example Shop 2026!'],
    ['password_common', 'auth.shop password'],
    ['password_common', 'L0ve1ace since 1815'],
    ['password_common', 'ada.lovelace+example'],
  ])('is refused with %s: %s', (code, password) => {
    expect(verdictOf(password)).toBe(code)
  })

  it('may be as short as 8 characters where the operator allows it, and the list of common ones still applies', () => {
    const short = new PasswordPolicy({ minLength: 8, common, context })
    expect(verdictOf('eight ch', short)).toBe('taken')
    expect(verdictOf('sevench', short)).toBe('password_too_short')
    for (const password of ['password', 'iloveyou', '12345678', 'trustno1']) {
      expect([password, verdictOf(password, short)]).toEqual([password, 'password_common'])
    }
  })

  it('is measured and stored in NFC', () => {
    expect(policy.check('cafe\u0301 au lait, please', owner)).toBe('caf\u00e9 au lait, please')
  })

  it('is rarely refused by a false positive', () => {
    const good = Array.from({ length: 20_000 }, (_, index) => `no list has this one ${index}`)
    expect(good.filter((password) => common.has(password)).length).toBeLessThan(8)
  })
})
