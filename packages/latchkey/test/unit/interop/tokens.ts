import { randomUUID } from 'node:crypto'
import { sign, type World } from './world.js'

/** A token, and the answers to it. */
export interface Case {
  readonly name: string
  readonly token: (world: World) => Promise<string> | string
  /** The codes with which the pair may refuse it; `undefined` if it is accepted. */
  readonly refused?: string | readonly string[]
  /** Whether the key without its check accepts the token. The default is the answer of the pair. */
  readonly keyAlone?: 'accepts'
}

const editor = { roles: ['admin'], scope: 'all', grants: { roles: ['admin'] } }

/** Returns a valid token of alice with other claims. */
const withClaims = (claims: (nowSec: number) => Readonly<Record<string, unknown>>) => async (world: World) =>
  world.forge(await world.issue('alice'), { claims: claims(Math.floor(Date.now() / 1000)) })

/** Returns a valid token of alice with other members of its header. */
const withHeader = (header: Readonly<Record<string, unknown>>) => async (world: World) =>
  world.forge(await world.issue('alice'), { header })

/** The tokens to which every pair must answer alike. */
export const cases: readonly Case[] = [
  { name: 'a good token', token: ({ issue }) => issue('alice') },
  {
    name: 'a token from before a rotation, in its grace period',
    token: async ({ issue, keys }) => {
      const rob = randomUUID()
      const token = await issue(rob)
      await keys.rotate(rob)
      return token
    },
  },
  { name: 'forged roles and scopes, which do not count', token: withClaims(() => editor), keyAlone: 'accepts' },
  {
    name: 'an expired token',
    token: withClaims((now) => ({ iat: now - 700, exp: now - 60 })),
    refused: 'token_expired',
  },
  {
    name: 'a token that is not valid yet',
    token: withClaims((now) => ({ nbf: now + 60 })),
    refused: 'token_not_yet_valid',
  },
  {
    name: 'the subject of another tenant under the own secret',
    token: withClaims(() => ({ sub: 'bob' })),
    refused: 'subject_mismatch',
    keyAlone: 'accepts',
  },
  {
    name: 'the client of another tenant under the own secret',
    token: withClaims(() => ({ client_id: 'bob' })),
    refused: 'subject_mismatch',
    keyAlone: 'accepts',
  },
  {
    name: 'a lifetime longer than maxTokenTtl',
    token: withClaims((now) => ({ exp: now + 31_536_000 })),
    refused: 'claim_invalid',
    keyAlone: 'accepts',
  },
  {
    name: 'another issuer',
    token: withClaims(() => ({ iss: 'https://other.test' })),
    refused: 'issuer_mismatch',
    keyAlone: 'accepts',
  },
  {
    name: 'another audience',
    token: withClaims(() => ({ aud: 'other' })),
    refused: 'audience_mismatch',
    keyAlone: 'accepts',
  },
  {
    name: 'no token ID',
    token: withClaims(() => ({ jti: undefined })),
    refused: 'claim_missing',
    keyAlone: 'accepts',
  },
  {
    name: 'a session that has ended',
    token: async ({ issue, keys }) => {
      const carol = randomUUID()
      const token = await issue(carol, 'phone')
      await keys.revokeSession(carol, 'phone')
      return token
    },
    refused: 'session_ended',
    keyAlone: 'accepts',
  },
  {
    name: 'more bytes than maxTokenBytes',
    token: withClaims(() => ({ filler: 'x'.repeat(7000) })),
    refused: 'token_too_large',
    keyAlone: 'accepts',
  },
  {
    name: 'a revoked token',
    token: async ({ issue, keys }) => {
      const dave = randomUUID()
      const token = await issue(dave)
      await keys.revoke(dave)
      return token
    },
    refused: 'token_revoked',
  },
  {
    name: 'a disabled tenant',
    token: async ({ issue, keys }) => {
      const erin = randomUUID()
      const token = await issue(erin)
      await keys.disable(erin)
      return token
    },
    refused: 'token_revoked',
  },
  {
    name: 'a token that must be reissued',
    token: async ({ issue, keys }) => {
      const frank = randomUUID()
      const token = await issue(frank)
      await keys.requireReissue(frank)
      return token
    },
    refused: 'reissue_required',
    keyAlone: 'accepts',
  },
  {
    name: 'a forged key ID',
    token: async ({ issue }) => {
      const [, payload = ''] = (await issue('alice')).split('.')
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
      return sign({ alg: 'HS256', typ: 'at+jwt', kid: 'A'.repeat(32) }, claims, Buffer.alloc(32), 'HS256')
    },
    refused: 'kid_unknown',
  },
  {
    name: 'the key ID of another tenant under the own secret',
    token: async (world) => {
      const { kid } = JSON.parse(Buffer.from((await world.issue('bob')).split('.')[0] ?? '', 'base64url').toString())
      return world.forge(await world.issue('alice'), { header: { kid }, claims: { sub: 'bob' } })
    },
    refused: 'signature_invalid',
  },
  { name: 'no key ID', token: withHeader({ kid: undefined }), refused: 'kid_unknown' },
  { name: 'the algorithm none', token: withHeader({ alg: 'none' }), refused: ['token_malformed', 'algorithm_refused'] },
  { name: 'HS512 with a key of HS256', token: withHeader({ alg: 'HS512' }), refused: 'algorithm_refused' },
  { name: 'another type of token', token: withHeader({ typ: 'JWT' }), refused: 'type_mismatch' },
  { name: 'no type of token', token: withHeader({ typ: undefined }), refused: 'type_mismatch' },
  {
    name: 'an altered payload',
    token: async ({ issue }) => {
      const [header, payload = '', signature] = (await issue('alice')).split('.')
      const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: 'bob' }
      return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.')
    },
    refused: 'signature_invalid',
  },
  {
    name: 'no signature',
    token: async ({ issue }) => (await issue('alice')).replace(/[^.]+$/, ''),
    refused: 'token_malformed',
  },
  { name: 'text that is no token', token: () => 'garbage', refused: 'token_malformed' },
  { name: 'three parts that are no token', token: () => 'a.b.c', refused: 'token_malformed' },
  { name: 'JSON that is no object', token: () => 'MQ.MQ.MQ', refused: 'token_malformed' },
]
