/** One process of an application, as chaos.ts starts it: it issues, verifies and changes what it is asked to, and says when. */
import { createLatchkey, isLatchkeyError, type TenantStore, tenantSecrets } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { redisCache } from 'latchkey/redis'
import { nowMs } from './clock.js'
import type { Answer, Asked, Plant, Question, VerifierSetup } from './messages.js'

const setup: VerifierSetup = JSON.parse(String(process.argv[2]))
const store = planted(
  postgresStore({ connectionString: setup.databaseUrl, listenConnectionString: setup.listenUrl, max: 4 }),
)
const keys = tenantSecrets({
  store,
  cache: setup.redisUrl === undefined ? undefined : redisCache({ url: setup.redisUrl }),
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
  else if (question.change === 'revokeSession') await keys.revokeSession(question.tenant, question.sessionId)
  else await keys[question.change](question.tenant)
}

async function outcomeOf(work: () => unknown): Promise<string> {
  try {
    return String((await work()) ?? 'done')
  } catch (error) {
    if (isLatchkeyError(error)) return error.code
    throw error
  }
}

function planted(inner: TenantStore): TenantStore {
  const plants: Record<Plant, Partial<TenantStore>> = {
    'feed-ignored': {
      watch: (listener, options) => inner.watch({ ...bound(listener), changed: () => {} }, options),
    },
    'versions-ignored': { changesSince: async () => ({ since: 0, changes: [] }) },
  }
  const plant = setup.plant === undefined ? {} : plants[setup.plant]
  return new Proxy(inner, {
    get: (target, name) => {
      const member: unknown = Reflect.get(name in plant ? plant : target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

function bound(listener: Parameters<TenantStore['watch']>[0]): Parameters<TenantStore['watch']>[0] {
  return {
    changed: (change) => listener.changed(change),
    proved: (asOf) => listener.proved(asOf),
    lost: () => listener.lost(),
  }
}
