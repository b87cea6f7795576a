/**
 * Turns the server into a newer version with one more migration, that of ROLL_MIGRATION. It is
 * loaded with `node --import`.
 */
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

// Node runs the hook below on a thread of its own, which loads this file again.
if (isMainThread) {
  register(import.meta.url)
  const { serverMigrations } = await import('../../../packages/server/dist/database/migrations.js')
  const { migrations } = serverMigrations
  migrations.push({ name: 'of the newer version', sql: process.env.ROLL_MIGRATION, runsFrom: migrations.length })
}

/** Runs the server from `dist/`, because the bundle does not export the list of migrations. */
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context)
  return {
    ...resolved,
    url: resolved.url.replace('/packages/server/bundle/main.js', '/packages/server/dist/cli/main.js'),
  }
}
