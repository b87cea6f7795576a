import { createCipheriv, pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto'
import { hash as argon2 } from '@node-rs/argon2'
import { hash as bcrypt } from '@node-rs/bcrypt'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseImportedHash } from '../../../src/accounts/imported-hash.js'
import { createPasswordHasher } from '../../../src/accounts/password-hasher.js'
import { Peppers } from '../../../src/accounts/peppers.js'

/** The value of the enumeration `Algorithm`, which does not exist at run time. */
const argon2i = 1
const password = 'an old pässword'
const wrong = { matches: false, rehash: false }
const rightAndDue = { matches: true, rehash: true }
const rightAndKept = { matches: true, rehash: false }
const b64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
const ab64 = (bytes: Buffer) => b64(bytes).replaceAll('+', '.')

/**
 * Returns hashes of the same password in the documented forms of other systems, made with the
 * primitives of OpenSSL.
 */
async function stored(): Promise<Readonly<Record<string, string>>> {
  const salt = randomBytes(16)
  const scrypt = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 })
  const django = scryptSync(password, 'saltsalt', 64, { N: 1024, r: 8, p: 1 })
  const of = (digest: string, text: string | Buffer, bytes = 32) => pbkdf2Sync(password, text, 1000, bytes, digest)
  const twob = await bcrypt(password, { cost: 4 })
  const signerKey = randomBytes(64)
  const cipherKey = scryptSync(password, Buffer.concat([salt, Buffer.from([7])]), 32, { N: 1024, r: 8, p: 1 })
  const firebase = createCipheriv('aes-256-ctr', cipherKey, Buffer.alloc(16)).update(signerKey)
  return {
    '2b': twob,
    '2a': twob.replace('$2b$', '$2a$'),
    '2y': twob.replace('$2b$', '$2y$'),
    argon2id: await argon2(password, { memoryCost: 64, timeCost: 3, parallelism: 1 }),
    argon2i: await argon2(password, { memoryCost: 64, timeCost: 3, parallelism: 1, algorithm: argon2i }),
    scrypt: `$scrypt$ln=10,r=8,p=1$${b64(salt)}$${b64(scrypt)}`,
    'scrypt of Django': `scrypt$1024$saltsalt$8$1$${django.toString('base64')}`,
    'scrypt of Firebase': `$fbscrypt$v=1,n=10,r=8,p=1,ss=Bw==,sk=${signerKey.toString('base64')}$${salt.toString('base64')}$${firebase.toString('base64')}`,
    pbkdf2: `$pbkdf2-sha256$i=1000,l=32$${b64(salt)}$${b64(of('sha256', salt))}`,
    'pbkdf2 of passlib': `$pbkdf2-sha512$1000$${ab64(salt)}$${ab64(of('sha512', salt, 64))}`,
    'pbkdf2-sha1 of passlib': `$pbkdf2$1000$${ab64(salt)}$${ab64(of('sha1', salt, 20))}`,
    'pbkdf2 of Django': `pbkdf2_sha256$1000$abcDEF123$${of('sha256', 'abcDEF123').toString('base64')}`,
  }
}

describe('a password hash of another system', () => {
  it('matches only its password, and is due for a rehash', async () => {
    const passwords = await createPasswordHasher({
      peppers: Peppers.parse(`p1:${randomBytes(32).toString('base64url')}`),
    })
    for (const [form, hash] of Object.entries(await stored())) {
      const answers = [await passwords.compare(password, hash), await passwords.compare('another one', hash)]
      expect([form, ...answers]).toEqual([form, rightAndDue, wrong])
    }
  })

  it('matches the test vectors of bcrypt, PBKDF2 and scrypt from their specifications', async () => {
    const passwords = await createPasswordHasher()
    // John the Ripper's and OpenBSD's vectors of bcrypt; RFC 6070 §2 with 4096 iterations; RFC 7914
    // §12, second vector.
    const pbkdf2 = Buffer.from('4b007901b765489abead49d926f721d065a429c1', 'hex')
    const scrypt = Buffer.from(
      'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
      'hex',
    )
    const vectors = [
      ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
      ['password', `$pbkdf2$4096$${ab64(Buffer.from('salt'))}$${ab64(pbkdf2)}`],
      ['password', `$scrypt$ln=10,r=8,p=16$${b64(Buffer.from('NaCl'))}$${b64(scrypt)}`],
    ] as const
    for (const [text, hash] of vectors) expect([hash, await passwords.compare(text, hash)]).toEqual([hash, rightAndDue])
  })

  it('of Firebase matches the vectors that Firebase and Supabase publish', async () => {
    const passwords = await createPasswordHasher()
    const vectors = [
      [
        'user1password',
        'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
        '42xEC+ixf3L2lw==',
        'lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
      ],
      [
        'mytestpassword',
        'ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==',
        'C0sHCg9ek77hsg==',
        'zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==',
      ],
    ] as const
    for (const [text, signerKey, salt, key] of vectors) {
      const hash = `$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=${signerKey}$${salt}$${key}`
      const answers = [await passwords.compare(text, hash), await passwords.compare(`${text}1`, hash)]
      expect([text, ...answers]).toEqual([text, rightAndDue, wrong])
    }
  })

  it('of a system that normalises to NFKC matches the typed form of the password', async () => {
    const passwords = await createPasswordHasher()
    const hash = await argon2('fine 12', { memoryCost: 64, timeCost: 3, parallelism: 1 })
    expect(await passwords.compare('\ufb01ne \uff11\uff12', hash)).toEqual(rightAndDue)
    expect(await passwords.compare('\ufb02ne \uff11\uff12', hash)).toEqual(wrong)
  })

  it('of bcrypt is not rehashed where the password has 72 bytes or more, because it covers only 72', async () => {
    const passwords = await createPasswordHasher()
    const hash = await bcrypt('é'.repeat(36), { cost: 4 })
    const answers = await Promise.all(
      ['é'.repeat(36), `${'é'.repeat(36)} and more`, 'é'.repeat(35), `${'é'.repeat(35)}e`].map((text) =>
        passwords.compare(text, hash),
      ),
    )
    expect(answers).toEqual([rightAndKept, rightAndKept, wrong, wrong])
    const shorter = await bcrypt('x'.repeat(71), { cost: 4 })
    expect(await passwords.compare('x'.repeat(71), shorter)).toEqual(rightAndDue)
    expect(await passwords.compare('x'.repeat(72), shorter)).toEqual(wrong)
  })

  it('of bcrypt is not rehashed where only the typed form of the password reaches 72 bytes', async () => {
    const passwords = await createPasswordHasher()
    const typed = 'e\u0301'.repeat(24)
    const hash = await bcrypt(typed, { cost: 4 })
    expect(await passwords.compare(typed, hash)).toEqual(rightAndKept)
    expect(await passwords.compare(`${typed}e\u0301`, hash)).toEqual(rightAndKept)
  })

  it('is not rehashed where other passwords have the same hash, because it ignores a part', async () => {
    const passwords = await createPasswordHasher()
    const salt = randomBytes(16)
    const pbkdf2 = `$pbkdf2-sha256$1000$${ab64(salt)}$${ab64(pbkdf2Sync('abc', salt, 1000, 32, 'sha256'))}`
    const scrypt = `$scrypt$ln=10,r=8,p=1$${b64(salt)}$${b64(scryptSync('abc', salt, 32, { N: 1024, r: 8, p: 1 }))}`
    const hashes = {
      bcrypt: [await bcrypt('abc', { cost: 4 }), 'abc\0abc'],
      pbkdf2: [pbkdf2, 'abc\0'],
      scrypt: [scrypt, 'abc\0'],
    }
    for (const [scheme, [hash, alike]] of Object.entries(hashes)) {
      const answers = [await passwords.compare('abc', hash), await passwords.compare(alike ?? '', hash)]
      expect([scheme, ...answers]).toEqual([scheme, rightAndDue, rightAndKept])
    }
    const replaced = await argon2('abc\ufffd', { memoryCost: 64, timeCost: 3, parallelism: 1 })
    expect(await passwords.compare('abc\ud800', replaced)).toEqual(rightAndKept)
  })

  it('at the cost of Latchkey matches the typed form of the password, and is due for a rehash only until then', async () => {
    const passwords = await createPasswordHasher()
    const ours = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
    const typed = 'cafe\u0301 au lait'
    const asTyped = await argon2(typed, ours)
    expect(await passwords.compare(typed, asTyped)).toEqual(rightAndDue)
    expect(await passwords.compare('caf\u00e9 au lait', asTyped)).toEqual(wrong)
    const composed = await argon2(typed.normalize('NFC'), ours)
    expect(await passwords.compare(typed, composed)).toEqual(rightAndKept)
  })

  it('is refused when its check would cost more than a login may', () => {
    const key = 'A'.repeat(43)
    const excessive = [
      `$2b$16$${'A'.repeat(53)}`,
      `$2b$31$${'A'.repeat(53)}`,
      `$argon2id$v=19$m=4194304,t=1,p=1$${'A'.repeat(22)}$${key}`,
      `$argon2id$v=19$m=65536,t=9999,p=1$${'A'.repeat(22)}$${key}`,
      `$scrypt$ln=24,r=8,p=1$${key}$${key}`,
      `$scrypt$ln=14,r=8,p=999$${key}$${key}`,
      `scrypt$1048576$salt$99$1$${key}=`,
      `$fbscrypt$v=1,n=24,r=8,p=1,ss=Bw==,sk=${key}=$${key}=$${key}=`,
      `$fbscrypt$v=1,n=14,r=999,p=1,ss=Bw==,sk=${key}=$${key}=$${key}=`,
      `$fbscrypt$v=1,n=14,r=8,p=999,ss=Bw==,sk=${key}=$${key}=$${key}=`,
      `$pbkdf2-sha256$i=999999999$${key}$${key}`,
      `pbkdf2_sha256$5000001$salt$${key}=`,
    ]
    expect(excessive.map(parseImportedHash)).toEqual(excessive.map(() => 'password_hash_excessive'))
  })

  it('is refused in every form that is not exactly a known one', () => {
    const key = 'A'.repeat(43)
    const unknown = [
      '',
      'plain text',
      '5f4dcc3b5aa765d61d8327deb882cf99',
      '$1$salt$hash',
      '$6$salt$hash',
      `$2x$10$${'A'.repeat(53)}`,
      `$2b$3$${'A'.repeat(53)}`,
      `$2b$10$${'A'.repeat(52)}`,
      `$argon2d$v=19$m=64,t=3,p=1$${key}$${key}`,
      `$argon2id$v=19$m=64,t=0,p=1$${'A'.repeat(22)}$${key}`,
      `$scrypt$ln=10,r=0,p=1$${key}$${key}`,
      `scrypt$1000$salt$8$1$${key}=`,
      `$fbscrypt$v=2,n=10,r=8,p=1,ss=Bw==,sk=${key}=$${key}=$${key}=`,
      `$fbscrypt$v=1,n=0,r=8,p=1,ss=Bw==,sk=${key}=$${key}=$${key}=`,
      `$fbscrypt$v=1,n=10,r=0,p=1,ss=Bw==,sk=${key}=$${key}=$${key}=`,
      `$fbscrypt$v=1,n=10,r=8,p=1,ss=Bw==$${key}=$${key}=`,
      `$fbscrypt$v=1,n=10,r=8,p=1,ss=Bw==,sk=AAAA$${key}=$${key}=`,
      `$fbscrypt$v=1,n=10,r=8,p=1,ss=Bw==,sk=$${key}=$${key}=`,
      `$fbscrypt$v=1,n=10,r=8,p=1,ss=Bw==,sk=undefined$${key}=$${key}=`,
      `$pbkdf2-md5$1000$${key}$${key}`,
      `$pbkdf2-sha256$0$${key}$${key}`,
      `$pbkdf2-sha256$1000$${key}$AAAA`,
      `pepper:k1$argon2id$v=19$m=64,t=3,p=1$${key}$${key}`,
      `${'$2b$10$'}${'A'.repeat(53)}\n`,
    ]
    expect(unknown.map(parseImportedHash)).toEqual(unknown.map(() => 'password_hash_unsupported'))
  })

  it('never throws when it is parsed or verified', async () => {
    const samples = Object.values(await stored())
    const mangled = fc
      .tuple(fc.constantFrom(...samples), fc.nat(160), fc.string({ maxLength: 3 }))
      .map(([hash, at, text]) => hash.slice(0, at) + text + hash.slice(at + 1))
    const passwords = await createPasswordHasher()
    await fc.assert(
      fc.asyncProperty(fc.oneof(mangled, fc.string()), async (text) => {
        const parsed = parseImportedHash(text)
        // Only parsed hashes are stored.
        if (typeof parsed !== 'string') expect((await passwords.compare('x', text)).matches).toBeTypeOf('boolean')
      }),
      { numRuns: 200 },
    )
  })
})
