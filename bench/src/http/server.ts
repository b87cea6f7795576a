/**
 * The server of one framework, in a process of its own. It reports when it is ready, and its CPU
 * time on request.
 */
import { createPopulation } from '../population.js'
import { shuffled } from '../shuffled.js'
import { applications } from './applications.js'
import type { CpuTime, Framework, Ready } from './messages.js'
import { createSessionCheck } from './sessions.js'
import { badTokens, peerKeys, retyped, versionedToken } from './tokens.js'
import { createVersionCheck } from './versions.js'

const [, , framework, databaseUrl = '', tenants] = process.argv
const population = await createPopulation(Number(tenants))
const { latchkey, subjects } = population
const keys = peerKeys(population)
const versions = await createVersionCheck(databaseUrl, subjects, keys.shared)
const sessions = await createSessionCheck(databaseUrl, subjects)
const shuffledSubjects = shuffled(subjects)
let turn = 0
const nextSubject = () => {
  turn = (turn + 1) % shuffledSubjects.length
  return shuffledSubjects[turn] ?? ''
}
const routes = await applications[framework as Framework]({ latchkey, nextSubject, keys, versions, sessions })

const own = population.tokens.map((token) => token.toString('latin1'))
const versioned = subjects.map((subject) => versionedToken(subject, keys.shared))
const jwt = own.map((token) => retyped(token, keys))
const [first = '', firstJwt = '', firstVersioned = ''] = [own[0], jwt[0], versioned[0]]
const kid: unknown = JSON.parse(Buffer.from(first.split('.')[0] ?? '', 'base64url').toString()).kid
const ready: Ready = {
  kind: 'ready',
  routes,
  tokens: { tenant: own, jwt, versioned, session: sessions.cookies },
  bad: {
    tenant: badTokens(first, keys.secretOf(kid).keyObject),
    jwt: badTokens(firstJwt, keys.secretOf(kid).keyObject),
    versioned: badTokens(firstVersioned, keys.shared),
    session: sessions.bad,
  },
}
process.send?.(ready)
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ kind: 'cpu', microseconds: user + system } satisfies CpuTime)
})
process.on('disconnect', () => process.exit())
