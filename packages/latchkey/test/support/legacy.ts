import jsonwebtoken from 'jsonwebtoken'
import type { LegacyTokensOptions } from '../../src/legacy/legacy-options.js'
import { legacyTokens } from '../../src/legacy/legacy-tokens.js'
import { createFakeClock } from '../../src/testing/fake-clock.js'
import { type Setup, type SetupOptions, setUp } from './setup.js'

/** The shared secret of the application before it used Latchkey. */
export const oldSecret = 'the secret that signed for every user'

/** The time from which no token of it is accepted: thirty days after the start of the clocks. */
export const until = new Date(Date.UTC(2026, 0, 31))

export const legacy = (options: Partial<LegacyTokensOptions> = {}) =>
  legacyTokens({ secret: oldSecret, until, subject: 'userId', ...options })

/** One process of an application that has switched to Latchkey. */
export function switched(options: SetupOptions = {}, legacyOptions: Partial<LegacyTokensOptions> = {}): Setup {
  const clock = createFakeClock()
  return setUp({ clock, ...options, keys: { legacy: legacy(legacyOptions), ...options.keys } } as SetupOptions & {
    clock: typeof clock
  })
}

/**
 * Signs as the application did, at the time of the clock, with a lifetime of a week. A claim that
 * is `undefined` is left out.
 */
export function signOld({ clock }: Pick<Setup, 'clock'>, payload: object = {}): string {
  const iat = Math.floor(clock.now() / 1000)
  const claims = JSON.parse(JSON.stringify({ userId: 'alice', iat, exp: iat + 604_800, ...payload }))
  return jsonwebtoken.sign(claims, oldSecret, { noTimestamp: !('iat' in claims) })
}

/** Returns the header or the payload of a token. */
export function decode(token: string, part: 0 | 1): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(token.split('.')[part]), 'base64url').toString())
}
