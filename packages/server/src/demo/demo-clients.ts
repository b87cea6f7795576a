import { operator } from '../audit/operator.js'
import type { Service } from '../service.js'

/** A client of the demo, with its secret. */
export interface DemoClient {
  readonly id: string
  readonly secret: string
}

const inputs = [
  { name: 'Nightly report', scope: 'articles:read', mayIntrospect: false },
  { name: 'Billing', scope: 'invoices:read invoices:write', mayIntrospect: false },
  { name: 'API gateway', scope: '', mayIntrospect: true },
  { name: 'Search indexer', scope: 'articles:read', mayIntrospect: false },
] as const

/** Creates the clients. */
export async function createDemoClients({
  clientAdministration,
}: Pick<Service, 'clientAdministration'>): Promise<readonly DemoClient[]> {
  const clients: DemoClient[] = []
  for (const input of inputs) {
    const { client, secret } = await clientAdministration.create(operator, input)
    clients.push({ id: client.id, secret })
  }
  return clients
}
