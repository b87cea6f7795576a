import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import type { ReportsOrder, ReportsReport } from './reports-messages.js'

// A process that plays many server processes, as far as they report their state: each has the
// reports of the server, metrics and a connection of its own.

// Not public, so that they are in no package entry.
const server = new URL('../../../../../packages/server/dist/ops/', import.meta.url)
const { ProcessReports }: typeof import('../../../packages/server/src/ops/process-reports.js') = await import(
  new URL('process-reports.js', server).href
)
const { Metrics }: typeof import('../../../packages/server/src/ops/metrics.js') = await import(
  new URL('metrics.js', server).href
)
const { DeliveryTimes }: typeof import('../../../packages/server/src/ops/delivery-times.js') = await import(
  new URL('delivery-times.js', server).href
)

const tickMs = 1000
let failures = 0

function open(databaseUrl: string): void {
  const metrics = new Metrics()
  metrics.verifications.inc({ outcome: 'accepted', level: 'memory' })
  metrics.logins.inc({ outcome: 'invalid_credentials' })
  const store = postgresStore({ connectionString: databaseUrl, max: 1 })
  const deliveries = new DeliveryTimes(systemClock)
  const reports = new ProcessReports({ store, metrics, deliveries, clock: systemClock, keys: { feedAgeMs: 400 } })
  const run = async () => {
    await sleep(Math.random() * tickMs)
    for (;;) {
      await reports.tick().catch(() => {
        failures += 1
      })
      await sleep(tickMs)
    }
  }
  void run()
}

function follow(order: ReportsOrder): ReportsReport {
  if (order.kind === 'open') for (let count = 0; count < order.count; count += 1) open(order.databaseUrl)
  return { kind: 'state', failures }
}

process.on('message', (order: ReportsOrder) => process.send?.(follow(order)))
process.on('disconnect', () => process.exit())
// Ctrl-C in a terminal reaches this process as well: the bench itself ends it.
process.on('SIGINT', () => {})
