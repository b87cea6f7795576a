import { Type } from '../http/type.js'

const base64url = '^[A-Za-z0-9_-]+$'
/** Bytes in base64url without padding, as `PublicKeyCredential.toJSON` writes them. */
const bytes = (maxLength: number, options: { readonly description?: string } = {}) =>
  Type.String({ pattern: base64url, minLength: 1, maxLength, ...options })

// A credential ID has at most 1,023 bytes (WebAuthn Level 3 §7.1).
const credentialId = bytes(1364)
const clientData = bytes(8192, { description: 'The client data that the browser has collected, as JSON.' })

/** The members that all forms of `PublicKeyCredentialJSON` have. Newer browsers add others. */
const credential = {
  id: credentialId,
  rawId: credentialId,
  type: Type.Literal('public-key'),
  authenticatorAttachment: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 64 })),
  clientExtensionResults: Type.Unsafe<object>({ type: 'object', description: 'Not read.' }),
}

/** The token of a challenge: 32 bytes. */
export const ChallengeTokenInput = Type.String({ pattern: base64url, minLength: 43, maxLength: 43 })

/** `RegistrationResponseJSON` of WebAuthn Level 3 §5.1. */
export const NewPasskeyInput = Type.Object(
  {
    ...credential,
    response: Type.Object({
      clientDataJSON: clientData,
      attestationObject: bytes(32_768, { description: 'The new public key. An attestation in it is ignored.' }),
      transports: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { maxItems: 16 })),
    }),
  },
  { description: 'The result of "navigator.credentials.create(…)", by its method "toJSON()".' },
)

/** `AuthenticationResponseJSON` of WebAuthn Level 3 §5.1. */
export const PasskeyAssertionInput = Type.Object(
  {
    ...credential,
    response: Type.Object({
      clientDataJSON: clientData,
      authenticatorData: bytes(4096),
      signature: bytes(2048),
      userHandle: Type.Optional(
        Type.Unsafe<string | null>({
          type: ['string', 'null'],
          pattern: '^[A-Za-z0-9_-]*$',
          maxLength: 86,
          description: 'Names the account; required where the request does not.',
        }),
      ),
    }),
  },
  { description: 'The result of "navigator.credentials.get(…)", by its method "toJSON()".' },
)

const text = Type.String()
const type = Type.Literal('public-key')
const timeout = Type.Integer({ description: 'Milliseconds.' })
const references = Type.Array(Type.Object({ type, id: text, transports: Type.Array(text) }))

/** `PublicKeyCredentialRequestOptionsJSON` of WebAuthn Level 3 §5.5. */
const AssertionOptions = Type.Object(
  {
    challenge: text,
    timeout,
    rpId: text,
    allowCredentials: references,
    userVerification: Type.Literal('required'),
  },
  { description: 'For "PublicKeyCredential.parseRequestOptionsFromJSON(…)".' },
)

/** `PublicKeyCredentialCreationOptionsJSON` of WebAuthn Level 3 §5.4. */
const RegistrationOptions = Type.Object(
  {
    rp: Type.Object({ id: text, name: text }),
    user: Type.Object({ id: text, name: text, displayName: text }),
    challenge: text,
    pubKeyCredParams: Type.Array(Type.Object({ type, alg: Type.Integer() })),
    timeout,
    excludeCredentials: references,
    authenticatorSelection: Type.Object({
      residentKey: Type.Literal('required'),
      requireResidentKey: Type.Boolean(),
      userVerification: Type.Literal('required'),
    }),
    attestation: Type.Literal('none'),
  },
  { description: 'For "PublicKeyCredential.parseCreationOptionsFromJSON(…)".' },
)

const challenge = {
  challenge_token: Type.String({ description: 'Identifies the challenge. Send it back with the passkey.' }),
  expires_in: Type.Integer({ description: 'Seconds within which the passkey must answer.' }),
}

/** The answer to a request for a challenge that a passkey signs. */
export const BegunAssertion = Type.Object({ ...challenge, options: AssertionOptions })

/** The answer to a request for a challenge for a new passkey. */
export const BegunRegistration = Type.Object({ ...challenge, options: RegistrationOptions })

/** A passkey of an account. */
export const Passkey = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: text,
  created_at: Type.String({ format: 'date-time' }),
  device_bound: Type.Boolean({
    description: 'Whether the key stays in one device, so that its loss is that of the key.',
  }),
  backed_up: Type.Boolean({ description: 'Whether the key was backed up at its last use.' }),
})
