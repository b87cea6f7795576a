import type { Client } from '../clients/client-table.js'
import { timeJson } from './terminal/print.js'

/** Returns a client as commands print it for programs, without anything about its secrets. */
export function clientJson({ id, name, scope, mayIntrospect, createdAt, disabledAt }: Client) {
  const times = { created_at: timeJson(createdAt), disabled_at: timeJson(disabledAt) }
  return { id, name, scope, may_introspect: mayIntrospect, ...times }
}
