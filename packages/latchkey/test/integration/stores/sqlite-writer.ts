/**
 * A separate process for sqlite-store.test.ts: changes tenants as fast as it can and writes a line
 * for every acknowledged change. With a fourth argument it also checkpoints the write-ahead log
 * after every so many changes, through another connection.
 */
import { DatabaseSync } from '@photostructure/sqlite'
import { sqliteStore } from '../../../src/stores/sqlite/index.js'
import { addSecret } from '../../../src/testing/store-contract/fixtures.js'

const [path = '', name = '', count = '', checkpointEvery = '0'] = process.argv.slice(2)
const store = sqliteStore({ open: () => new DatabaseSync(path) })
await store.migrate()
const checkpointer = new DatabaseSync(path)
for (let number = 1; number <= Number(count); number += 1) {
  const version = await store.transaction(async (client) => {
    await store.change(`${name}-left`, addSecret, client)
    return (await store.change(`${name}-right`, addSecret, client))?.version
  })
  console.log(`${number} ${version}`)
  if (number % Number(checkpointEvery) === 0) checkpointer.exec('pragma wal_checkpoint(restart)')
}
checkpointer.close()
await store.close()
