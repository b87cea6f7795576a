/** A process of its own for sqlite-store.test.ts: changes tenants as fast as it can and writes a line for every acknowledged change. */
import Database from 'libsql'
import { sqliteStore } from '../../src/stores/sqlite/index.js'
import { addSecret } from '../../src/testing/store-contract/fixtures.js'

const [path = '', name = '', count = ''] = process.argv.slice(2)
const store = sqliteStore({ open: () => new Database(path) })
await store.migrate()
for (let number = 0; number < Number(count); number += 1) {
  const version = await store.transaction(async (client) => {
    await store.change(`${name}-left`, addSecret, client)
    return (await store.change(`${name}-right`, addSecret, client))?.version
  })
  console.log(`${number + 1} ${version}`)
}
await store.close()
