import { createHmac, hash } from 'node:crypto'
import type { Population } from '../population.js'
import type { Contender } from './contenders.js'

/** What nobody can go below: pieces of a verification, each alone, on the same tokens. They decide nothing, so they are no contenders. */
export function floor({ secrets, newTokens }: Population): readonly Contender<(token: string) => unknown>[] {
  const [key] = [...secrets.values()]
  const [token] = newTokens
  if (key === undefined || token === undefined) throw new Error('The population is empty.')
  const payload = Buffer.from(token.toString('latin1').split('.')[1] ?? '', 'base64url').toString()
  const piece = (name: string, run: (token: string) => unknown) => ({ name: `floor: ${name}`, run, revocable: true })
  return [
    piece('the token as a fresh string', (text) => text),
    piece('and SHA-256 of it', (text) => hash('sha256', text, 'binary')),
    piece('and HMAC by createHmac', (text) => createHmac('sha256', key.keyObject).update(text).digest('base64url')),
    piece('and JSON.parse of the payload', () => JSON.parse(payload)),
  ]
}
