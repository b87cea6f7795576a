import { createHmac, hash } from 'node:crypto'
import type { Population } from '../population.js'
import type { Contender } from './contenders.js'

/** Lower bounds: single steps of a verification on the same tokens. They verify nothing. */
export function floor({ secrets, newTokens }: Population): readonly Contender<(token: string) => unknown>[] {
  const [key] = [...secrets.values()]
  if (key === undefined) throw new Error('The population is empty.')
  const payloads = newTokens.slice(0, variety).map((token) => payloadOf(token))
  let place = 0
  const piece = (name: string, run: (token: string) => unknown) => {
    return { name: `floor: ${name}`, create: () => run, remembers: false, revocable: true }
  }
  return [
    piece('SHA-256 of the token', (token) => hash('sha256', token, 'base64url')),
    piece('HMAC by createHmac', (token) => createHmac('sha256', key.keyObject).update(token).digest('base64url')),
    piece('JSON.parse of the payload', () => {
      place = (place + 1) % payloads.length
      return JSON.parse(payloads[place] ?? '')
    }),
  ]
}

const variety = 256

function payloadOf(token: Buffer): string {
  return Buffer.from(token.toString('latin1').split('.')[1] ?? '', 'base64url').toString()
}
