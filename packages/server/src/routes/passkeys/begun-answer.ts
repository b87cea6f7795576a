import type { BegunCeremony } from '../../factors/passkeys.js'

/** Returns a challenge and its options for the browser. */
export function begunAnswer<Options extends { readonly timeout: number }>({ token, options }: BegunCeremony<Options>) {
  return { challenge_token: token, expires_in: Math.floor(options.timeout / 1000), options }
}
