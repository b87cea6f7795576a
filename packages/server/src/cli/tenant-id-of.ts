import type { Service } from '../service.js'

/**
 * Returns the ID of a tenant: that of the account with this address, or the text itself.
 *
 * @throws Problem `account_unknown`
 */
export async function tenantIdOf({ administration }: Pick<Service, 'administration'>, text: string): Promise<string> {
  return text.includes('@') ? (await administration.find(text)).id : text
}
