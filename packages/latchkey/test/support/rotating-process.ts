/** A process that rotates everybody, slowly enough to be killed in the middle, and says how far it has come. */
import Database from 'libsql'
import { tenantSecrets } from '../../dist/index.js'
import { postgresStore } from '../../dist/stores/postgres/index.js'
import { sqliteStore } from '../../dist/stores/sqlite/index.js'

const [, , place = '', masterKeys = '', olderThan] = process.argv
const store = place.startsWith('postgres:')
  ? postgresStore({ connectionString: place })
  : sqliteStore({ open: () => new Database(place) })
const keys = tenantSecrets({ store, masterKeys })
keys.rotateAll({
  olderThan: new Date(Number(olderThan)),
  ratePerMinute: 6000,
  onProgress: ({ rotated }) => console.log(`${rotated} rotated`),
})
