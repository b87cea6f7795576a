export { type MysqlStoreOptions, mysqlStore } from './mysql-store.js'
export type {
  Mysql2Connection,
  Mysql2Pool,
  Mysql2PoolConnection,
  Mysql2PromiseConnection,
  Mysql2Statement,
} from './mysql2.js'
export { mysql2Client } from './mysql2-client.js'
