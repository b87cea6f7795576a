import { createHmac } from 'node:crypto'
import type { Population } from '../population.js'
import type { Contender } from './contenders.js'

/** Throws unless the contender accepts valid tokens and refuses forged ones of every kind. */
export async function checkVerifier(
  { name, create }: Contender<(token: string) => unknown>,
  population: Population,
): Promise<void> {
  const run = create()
  const [good, other] = population.tokens.map(String)
  if (good === undefined || other === undefined) throw new Error('The population has too few tokens.')
  await run(good)
  await run(good)
  const bad = { ...forgeries(good, other, population), 'with no signature': `${good.slice(0, good.lastIndexOf('.'))}.` }
  for (const [kind, token] of Object.entries(bad)) {
    if (await accepts(run, token)) throw new Error(`${name} accepts a token ${kind}.`)
  }
}

function forgeries(good: string, other: string, { secrets }: Population): Record<string, string> {
  const [header = '', payload = '', signature = ''] = good.split('.')
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const key = secrets.get(kid)?.bytes
  if (key === undefined) throw new Error('The good token has no known key.')
  const sign = (changed: object) => {
    const input = `${header}.${Buffer.from(JSON.stringify({ ...claims, ...changed })).toString('base64url')}`
    return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
  }
  const past = claims.iat - 7200
  return {
    'that was tampered with': `${header}.${payload.slice(0, -4)}AAAA.${signature}`,
    'that has expired': sign({ iat: past, exp: past + 60 }),
    'of another issuer': sign({ iss: 'https://other.example.com' }),
    'for another audience': sign({ aud: 'other' }),
    'signed with another user’s key': `${header}.${payload}.${other.slice(other.lastIndexOf('.') + 1)}`,
  }
}

async function accepts(run: (token: string) => unknown, token: string): Promise<boolean> {
  try {
    await run(token)
    return true
  } catch {
    return false
  }
}
