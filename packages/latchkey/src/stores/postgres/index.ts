export type { PostgresClient, PostgresPool, PostgresPoolClient } from './postgres-client.js'
export { type PostgresStoreOptions, postgresStore } from './postgres-store.js'
