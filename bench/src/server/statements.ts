import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Operation, Target } from './load.js'
import { operations } from './load.js'
import type { Call, Protocol, Visitor } from './protocols.js'
import { newEmail, sendOk } from './send.js'

/** One statement of a call. */
export interface Statement {
  readonly text: string
  readonly perCall: number
  readonly msPerCall: number
}

/** The statements of a kind of call, with `begin`, `set local` and `commit`. */
export interface StatementCount {
  readonly perCall: number
  /** The most frequent first. */
  readonly statements: readonly Statement[]
}

interface Counted {
  readonly calls: number
  readonly ms: number
}

/** The setting of PostgreSQL that loads the extension. */
export const statementSettings = ['shared_preload_libraries=pg_stat_statements', 'pg_stat_statements.max=5000']

/** For so long the statements of an idle server are counted. */
const idleMs = 2000

/** Counts the statements of each kind of call in a database, one call after the other. */
export async function countStatements(
  { server, protocol, visitors }: Target,
  databaseUrl: string,
  calls: number,
): Promise<Readonly<Record<Operation, StatementCount>>> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('create extension if not exists pg_stat_statements')
    const idle = await during(client, () => sleep(idleMs))
    const counts: Partial<Record<Operation, StatementCount>> = {}
    for (const operation of operations) {
      const perform = performing(operation, { server, protocol, visitors })
      // The first calls of a connection may prepare something.
      for (let count = 0; count < 5; count += 1) await perform()
      const startedAt = performance.now()
      const busy = await during(client, async () => {
        for (let count = 0; count < calls; count += 1) await perform()
      })
      const seconds = (performance.now() - startedAt) / 1000
      counts[operation] = countOf(busy, { idle, seconds, calls })
    }
    return counts as Record<Operation, StatementCount>
  } finally {
    await client.end()
  }
}

function performing(operation: Operation, { server: { url }, protocol, visitors }: Target): () => Promise<void> {
  let [visitor] = visitors.slice(-1) as [Visitor]
  return async () => {
    const { body, cookies, status } = await sendOk(url, callOf(operation, protocol, visitor))
    // A client continues with what it has received last.
    if (operation === 'sign-in') {
      visitor = { ...protocol.visitorOf(visitor.email, { body, cookies, status }), device: visitor.device }
    } else if (operation === 'refresh' && protocol.nextRefreshToken !== undefined) {
      visitor = { ...visitor, refreshToken: protocol.nextRefreshToken(body) }
    }
  }
}

function callOf(operation: Operation, protocol: Protocol, visitor: Visitor): Call {
  if (operation === 'sign-in') return protocol.signIn(visitor)
  if (operation === 'sign-up') return protocol.signUp(newEmail())
  return operation === 'refresh' ? protocol.refresh(visitor) : protocol.whoAmI(visitor)
}

/** Returns what was executed in this database meanwhile, besides the statements of this module. */
async function during(client: pg.Client, work: () => Promise<unknown>): Promise<ReadonlyMap<string, Counted>> {
  const before = await read(client)
  await work()
  const after = await read(client)
  return new Map(
    [...after].map(([text, { calls, ms }]) => {
      const earlier = before.get(text) ?? { calls: 0, ms: 0 }
      return [text, { calls: calls - earlier.calls, ms: ms - earlier.ms }]
    }),
  )
}

async function read(client: pg.Client): Promise<ReadonlyMap<string, Counted>> {
  const { rows } = await client.query<{ query: string; calls: string; ms: number }>(
    `select query, sum(calls) as calls, sum(total_exec_time) as ms from pg_stat_statements
     where dbid = (select oid from pg_database where datname = current_database())
       and query not like '%pg_stat_statements%'
     group by query`,
  )
  return new Map(rows.map(({ query, calls, ms }) => [query, { calls: Number(calls), ms }]))
}

/** Subtracts what the server executes while it is idle, such as the reads of the change feed. */
function countOf(
  busy: ReadonlyMap<string, Counted>,
  { idle, seconds, calls }: { idle: ReadonlyMap<string, Counted>; seconds: number; calls: number },
): StatementCount {
  const statements = [...busy]
    .map(([text, { calls: count, ms }]) => ({
      text: text.replace(/\s+/g, ' ').trim(),
      perCall: (count - ((seconds * 1000) / idleMs) * (idle.get(text)?.calls ?? 0)) / calls,
      msPerCall: ms / calls,
    }))
    .filter(({ perCall }) => perCall >= 0.05)
    .sort((a, b) => b.perCall - a.perCall)
  return { perCall: statements.reduce((sum, { perCall }) => sum + perCall, 0), statements }
}
