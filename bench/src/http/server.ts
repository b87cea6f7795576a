/**
 * The server of one framework, in a process of its own. It reports when it is ready, and its CPU
 * time on request.
 */
import { createPopulation } from '../population.js'
import { shuffled } from '../shuffled.js'
import { applications, applicationsBesidePeers } from './applications/index.js'
import { type CpuTime, type Framework, isBesidePeers, type Ready } from './messages.js'
import { createPeers, kidOf } from './peers.js'
import { badTokens, peerKeys } from './tokens.js'

const [, , name, databaseUrl = '', tenants] = process.argv
const framework = name as Framework
const population = await createPopulation(Number(tenants))
const { latchkey, subjects } = population
const shuffledSubjects = shuffled(subjects)
let turn = 0
const nextSubject = () => {
  turn = (turn + 1) % shuffledSubjects.length
  return shuffledSubjects[turn] ?? ''
}
const own = population.tokens.map((token) => token.toString('latin1'))
const [first = ''] = own
const bad = badTokens(first, peerKeys(population).secretOf(kidOf(first)).keyObject)
process.send?.(await start())
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ kind: 'cpu', microseconds: user + system } satisfies CpuTime)
})
process.on('disconnect', () => process.exit())

async function start(): Promise<Ready> {
  const parts = { latchkey, nextSubject }
  if (!isBesidePeers(framework)) {
    return {
      kind: 'ready',
      routes: await applications[framework](parts),
      tokens: { tenant: own },
      bad: { tenant: bad },
    }
  }
  const peers = await createPeers(population, own, databaseUrl)
  return {
    kind: 'ready',
    routes: await applicationsBesidePeers[framework]({ ...parts, ...peers }),
    tokens: { tenant: own, ...peers.tokens },
    bad: { tenant: bad, ...peers.bad },
  }
}
