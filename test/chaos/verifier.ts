/**
 * One process of an application, started by verifier-process.ts. It issues tokens, verifies them
 * and makes changes on request, and reports the times.
 */
import { createLatchkey, isLatchkeyError, tenantSecrets } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { redisCache } from 'latchkey/redis'
import { nowMs } from './clock.js'
import { type Answer, type Asked, type Question, redisTimeoutMs, type VerifierSetup } from './messages.js'

const setup: VerifierSetup = JSON.parse(String(process.argv[2]))
const keys = tenantSecrets({
  store: postgresStore({ connectionString: setup.databaseUrl, listenConnectionString: setup.listenUrl, max: 4 }),
  cache: setup.redisUrl === undefined ? undefined : redisCache({ url: setup.redisUrl, timeout: redisTimeoutMs }),
  masterKeys: setup.masterKeys,
  maxStaleness: setup.maxStalenessMs,
})
const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys, accessTokenTtl: 86_400 })

process.on('message', (asked: Asked) => void answer(asked))
// The parent is gone.
process.on('disconnect', () => process.exit())
process.send?.({ id: 0, outcome: await outcomeOf(() => keys.ready()), beganAt: nowMs(), endedAt: nowMs() })

async function answer({ id, question }: Asked): Promise<void> {
  const beganAt = nowMs()
  let issued: Pick<Answer, 'token' | 'sessionId'> = {}
  const outcome = await outcomeOf(async () => {
    if (question.kind === 'issue') issued = await latchkey.issue({ subject: question.tenant })
    else await carryOut(question)
    return question.kind === 'verify' ? 'accepted' : 'done'
  })
  const { token, sessionId } = issued
  process.send?.({ id, outcome, beganAt, endedAt: nowMs(), token, sessionId })
}

async function carryOut(question: Exclude<Question, { kind: 'issue' }>): Promise<void> {
  if (question.kind === 'verify') await latchkey.verify(question.token)
  else await change(question)
}

async function change({ change, tenant, sessionId, everywhere }: Extract<Question, { kind: 'change' }>): Promise<void> {
  if (change === 'rotate') await keys.rotate(tenant)
  else if (change === 'revokeSession') await keys.revokeSession(tenant, sessionId, { everywhere })
  else await keys[change](tenant, { everywhere })
}

async function outcomeOf(work: () => unknown): Promise<string> {
  try {
    return String((await work()) ?? 'done')
  } catch (error) {
    if (isLatchkeyError(error)) return error.code
    throw error
  }
}
