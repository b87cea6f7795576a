import { parsePasskeyOrigins, parseRpId } from './parsers.js'
import { setting } from './setting.js'

/** The settings of passkeys. */
export const passkeySettings = {
  rpId: setting({
    name: 'LATCHKEY_PASSKEY_RP_ID',
    description:
      'The domain that passkeys belong to (the RP ID of WebAuthn). A change makes every passkey useless, because authenticators bind passkeys to it. Browsers accept no IP address. See docs/guides/passkeys.md.',
    accepts: 'a domain in lower case such as "example.com", without scheme and port',
    default: undefined,
    defaultText: 'the host of LATCHKEY_ISSUER; "localhost" where that is an address of this machine',
    parse: parseRpId,
  }),
  origins: setting({
    name: 'LATCHKEY_PASSKEY_ORIGINS',
    description:
      'The origins whose pages may use passkeys, and Android apps by the hash of their signing certificate. Pages of origins outside LATCHKEY_PASSKEY_RP_ID also need /.well-known/webauthn, which the server answers where there are several.',
    accepts:
      'a list of origins such as "https://example.com, https://app.example.com, android:apk-key-hash:<43 characters>", separated by commas',
    default: undefined,
    defaultText: 'the origin of LATCHKEY_ISSUER; that of "localhost" where it is an address of this machine',
    parse: parsePasskeyOrigins,
  }),
}
