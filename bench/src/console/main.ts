/**
 * `npm run bench:console`: how long an administrator waits for the console with a million users, on
 * PostgreSQL, in Chromium of this machine.
 */
import { parseArgs } from 'node:util'
import { Keyring } from 'latchkey'
import { TestBrowser } from '../../../test/support/browser/test-browser.js'
import { freePort } from '../../../test/support/free-port.js'
import { postgresBinaries } from '../../../test/support/postgres-binaries.js'
import { startPostgres } from '../../../test/support/start-postgres.js'
import type { Bar } from '../bars.js'
import { watchMachineLoad } from '../machine-load.js'
import { flagOptions, publish } from '../publish.js'
import { serveLatchkey } from '../served-latchkey.js'
import { quantile } from '../statistics.js'
import { formatCount, type Table } from '../table.js'
import { UndoList } from '../undo-list.js'
import { type ActionTimes, measureConsole } from './measure-console.js'
import { seedConsole } from './seed-console.js'

const publishedUsers = 1_000_000
/** Within a second, a person's flow of thought is not interrupted. */
const wantedMs = 1000

const { users: usersFlag, ...given } = parseArgs({ options: { ...flagOptions, users: { type: 'string' } } }).values
const users = usersFlag === undefined ? (given.quick ? 20_000 : publishedUsers) : Number(usersFlag)
if (!(Number.isInteger(users) && users >= 1000)) throw new TypeError('--users takes a number from 1000')
// Figures of fewer users do not replace the published ones.
const isQuick = given.quick || users < publishedUsers
const repetitions = isQuick ? 3 : 20

const undo = new UndoList()
try {
  const postgres = await startPostgres(postgresBinaries, ['shared_buffers=1GB', 'max_wal_size=4GB'])
  undo.add(() => postgres.dispose())
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const manyRequests = 'address:1000000/60,account:1000000/60'
  const env = {
    PORT: String(port),
    DATABASE_URL: postgres.url,
    LATCHKEY_ISSUER: origin,
    LATCHKEY_MASTER_KEYS: Keyring.generate('bench'),
    LATCHKEY_ADMIN_SECOND_FACTOR: 'allow-without',
    LATCHKEY_LIMIT_ADMIN: manyRequests,
    LATCHKEY_LIMIT_GENERAL: manyRequests,
    LATCHKEY_LIMIT_LOGIN: 'address:1000000/60,pair:1000000/60',
  }
  const seededFrom = performance.now()
  await seedConsole(env, users)
  console.error(`${formatCount(users)} users in ${((performance.now() - seededFrom) / 1000).toFixed(0)} s`)
  const server = await serveLatchkey(env)
  undo.add(() => server.stop())
  const browser = await TestBrowser.start()
  undo.add(() => browser.close())
  const machineBusy = watchMachineLoad()
  const actions = await measureConsole({ browser, origin, users, repetitions })
  await publish({
    name: 'console',
    flags: { quick: isQuick, json: given.json, printOnly: given['print-only'] },
    results: { users, repetitions, actions, machineBusy: machineBusy() },
    tables: [tableOf(actions)],
    bars: actions.map(barOf),
  })
} catch (error) {
  if (!undo.isInterrupted) throw error
} finally {
  await undo.dispose()
}

function tableOf(actions: readonly ActionTimes[]): Table {
  return {
    title: `The console with ${formatCount(users)} users, PostgreSQL (${repetitions} times each)`,
    header: ['', 'p50 ms', 'p99 ms'],
    rows: actions.map(({ what, timesMs }) => [
      what,
      quantile(timesMs, 0.5).toFixed(0),
      quantile(timesMs, 0.99).toFixed(0),
    ]),
  }
}

function barOf({ what, timesMs }: ActionTimes): Bar {
  return { what: `${what}, p99`, wanted: wantedMs, measured: quantile(timesMs, 0.99), atMost: true, unit: 'ms' }
}
