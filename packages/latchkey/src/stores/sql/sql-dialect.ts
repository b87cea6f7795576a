/** The databases whose SQL a store runs. */
export type SqlDialect = 'postgres' | 'sqlite' | 'mysql'
