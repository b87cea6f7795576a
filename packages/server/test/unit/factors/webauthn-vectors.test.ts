import { describe, expect, it } from 'vitest'
import { verifyAssertion, verifyRegistration } from '../../../src/factors/webauthn.js'
import { relyingParty, vectorOf } from '../../support/webauthn-vectors.js'

/** The vectors whose algorithms and formats the server accepts, with their published signatures. */
const recipes = {
  'ES256 without attestation (§16.2)': {
    info: 'none.ES256',
    algorithm: 'ES256',
    signature:
      '3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87',
  },
  'ES256 with self attestation (§16.3)': {
    info: 'packed-self.ES256',
    algorithm: 'ES256',
    signature:
      '304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd00047b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66',
  },
  'ES256 with a very long credential ID (§16.6)': {
    info: 'none.ES256.long-credential-id',
    algorithm: 'ES256',
    credentialIdBytes: 1023,
    signature:
      '304502203ecef83fb12a0cae7841055f9f87103a99fd14b424194bbf06c4623d3ee6e3fd022100d2ace346db262b1374a6b70faa51f518a42ddca13a4125ce6f5052a75bac9fb6',
  },
  'ES256 with packed attestation (§16.7)': {
    info: 'packed.ES256',
    algorithm: 'ES256',
    isAttested: true,
    signature:
      '30450220694969d3ee928de6f02ef23a9c644d7d779916451734a94b432542f498a1ebe90221008b0819c824218a97152cd099c55bfb1477b29d900a49a64018314f9bfccda163',
  },
  'RS256 with packed attestation (§16.10)': {
    info: 'packed.RS256',
    algorithm: 'RS256',
    isAttested: true,
    // The beginning of the signature, which is the same each time.
    signature: '01063d52d7c39b4d432fc7063c5d93e582bdcb16889cd71f888d67d880ea730a',
  },
  'EdDSA with packed attestation (§16.11)': {
    info: 'packed.EdDSA',
    algorithm: 'EdDSA',
    isAttested: true,
    signature:
      'f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a637e8419eb9ba4cfdfc48f85393bc0d40b011f0d6fecb097d6607525713223a0dc0d453993dae00b',
  },
} as const

/** The vectors of pages in frames of other origins. */
const framed = {
  '"crossOrigin" (§16.4)': {
    info: 'none.ES256.crossOrigin',
    algorithm: 'ES256',
    frame: { crossOrigin: true },
    signature:
      '3046022100eb12fcf23b12764c0f122e22371fab92e283879fd798f38ee1841c951b6e40e7022100c76237ff9db77b3c56f30837cda6a09acfa2e915544e609c0733b1184036d1cf',
  },
  '"topOrigin" (§16.5)': {
    info: 'none.ES256.topOrigin',
    algorithm: 'ES256',
    frame: { crossOrigin: true, topOrigin: 'https://example.com' },
    signature:
      '3045022100b5a70c81780d5fcc9a4f2ae9caae99058f8accaf58b91fb59329646c28ac6ffc022012e101c165db3c8e9957f0c54dd6ca9b56bc3bd2f280bd2faa6c1d02c6e5c171',
  },
} as const

const userVerified = 0x04
const backupEligible = 0x08
const backedUp = 0x10

const lenient = { ...relyingParty, requireUserVerification: false }
const strict = { ...relyingParty, requireUserVerification: true }

describe('the test vectors of WebAuthn Level 3', () => {
  it('are derived as the specification says', () => {
    const { passkey } = vectorOf(recipes['ES256 without attestation (§16.2)'])
    expect(Buffer.from(passkey.response.attestationObject, 'base64url').toString('hex')).toBe(
      'a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220',
    )
  })

  it.each(Object.entries(recipes))('are verified: %s', async (_, recipe) => {
    const { passkey, registration, assertion, flags } = vectorOf(recipe)
    const signature = Buffer.from(assertion.response.signature, 'base64url').toString('hex')
    expect(signature.slice(0, recipe.signature.length)).toBe(recipe.signature)
    const verified = await verifyRegistration(passkey, { ...lenient, ...registration })
    const deviceType = (flags.registration & backupEligible) === 0 ? 'single' : 'multi'
    const isBackedUp = (flags.registration & backedUp) !== 0
    expect(verified).toMatchObject({
      credentialId: passkey.id,
      data: { counter: 0, deviceType, backedUp: isBackedUp },
    })
    const expected = { ...lenient, challenge: assertion.challenge }
    const publicKey = verified?.data.publicKey ?? ''
    expect(await verifyAssertion(assertion, publicKey, expected)).toEqual({
      counter: 0,
      deviceType,
      backedUp: (flags.assertion & backedUp) !== 0,
    })
    // The same with one other bit in the signature.
    const bytes = Buffer.from(assertion.response.signature, 'base64url')
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    const forged = { ...assertion, response: { ...assertion.response, signature: bytes.toString('base64url') } }
    expect(await verifyAssertion(forged, publicKey, expected)).toBeUndefined()
  })

  it.each(Object.entries(recipes))('are refused where the user was not verified: %s', async (_, recipe) => {
    const { passkey, registration, assertion, flags } = vectorOf(recipe)
    const verified = await verifyRegistration(passkey, { ...strict, ...registration })
    expect(verified !== undefined).toBe((flags.registration & userVerified) !== 0)
    const publicKey = (await verifyRegistration(passkey, { ...lenient, ...registration }))?.data.publicKey ?? ''
    const asserted = await verifyAssertion(assertion, publicKey, { ...strict, challenge: assertion.challenge })
    expect(asserted !== undefined).toBe((flags.assertion & userVerified) !== 0)
  })

  it.each(Object.entries(framed))('are refused in a frame of another origin: %s', async (_, recipe) => {
    const { passkey, registration, assertion } = vectorOf(recipe)
    expect(await verifyRegistration(passkey, { ...lenient, ...registration })).toBeUndefined()
    const { data } = (await verifyRegistration(...outsideFrame(recipe))) ?? expect.fail()
    const expected = { ...lenient, challenge: assertion.challenge }
    expect(await verifyAssertion(assertion, data.publicKey, expected)).toBeUndefined()
  })
})

/** Returns the registration of a recipe with client data of a page that is in no frame. */
function outsideFrame({ frame: _, ...recipe }: (typeof framed)[keyof typeof framed]) {
  const { passkey, registration } = vectorOf(recipe)
  return [passkey, { ...lenient, ...registration }] as const
}
