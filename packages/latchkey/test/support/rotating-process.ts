/**
 * A separate process that rotates all tenants, slowly enough to be killed in the middle, and
 * reports its progress.
 */

import { DatabaseSync } from '@photostructure/sqlite'
import { tenantSecrets } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { sqliteStore } from 'latchkey/sqlite'

const [, , place = '', masterKeys = '', olderThan] = process.argv
const store = place.startsWith('postgres:')
  ? postgresStore({ connectionString: place })
  : sqliteStore({ open: () => new DatabaseSync(place) })
const keys = tenantSecrets({ store, masterKeys })
keys.rotateAll({
  olderThan: new Date(Number(olderThan)),
  ratePerMinute: 6000,
  onProgress: ({ rotated }) => console.log(`${rotated} rotated`),
})
