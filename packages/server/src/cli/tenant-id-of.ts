import type { Service } from '../service.js'

/** The tenant that is meant: the account of an address, or the ID of whoever has secrets. Throws `account_unknown`. */
export async function tenantIdOf({ administration }: Pick<Service, 'administration'>, text: string): Promise<string> {
  return text.includes('@') ? (await administration.find(text)).id : text
}
