import type { paths } from '../../api/schema.js'

/** A client in the list. */
export type ListedClient =
  paths['/v1/admin/clients']['get']['responses'][200]['content']['application/json']['clients'][number]

/** A client with the dates of its secrets. */
export type DescribedClient = paths['/v1/admin/clients/{id}']['get']['responses'][200]['content']['application/json']

/** A client with its new secret, which no other answer contains. */
export type RevealedClient = paths['/v1/admin/clients']['post']['responses'][201]['content']['application/json']
