/** A separate process for postgres-store.test.ts: uses a store, watches it, and closes nothing. */
import { postgresStore } from '../../../src/stores/postgres/index.js'
import { addSecret } from '../../../src/testing/store-contract/fixtures.js'
import { Recorder } from '../../../src/testing/store-contract/recorder.js'

const store = postgresStore({ connectionString: process.argv[2] })
const { recorder } = await Recorder.on(store)
await store.change('alice', addSecret)
await recorder.proof()
console.log('done')
