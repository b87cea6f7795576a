/**
 * `npm run rehearse:roll`: the rolling update of the tests, larger and longer. Every second round
 * rolls back to the old version.
 */
import { parseArgs } from 'node:util'
import { expandingMigration } from './expanding-migration.js'
import { rehearseRoll } from './rehearse-roll.js'

const { values: flags } = parseArgs({
  options: {
    servers: { type: 'string', default: '4' },
    people: { type: 'string', default: '12' },
    rounds: { type: 'string', default: '4' },
  },
})
const startedAt = performance.now()
const report = await rehearseRoll({
  servers: Number(flags.servers),
  people: Number(flags.people),
  rounds: Number(flags.rounds),
  migration: expandingMigration,
  onStep: (step) => console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${step}`),
})
console.log(JSON.stringify({ ...report, wrong: report.wrong.length }))
for (const { asked, expected, got } of report.wrong.slice(0, 20)) console.log(`${asked}: ${got} instead of ${expected}`)
if (report.wrong.length > 0) process.exitCode = 1
