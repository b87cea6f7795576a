import type { ClientAdministration } from '../../admin/client-administration.js'
import type { App } from '../../http/app.js'
import { addGuards } from '../guards/add-guards.js'
import type { Guards } from '../guards/guards.js'
import { limitRoutes } from '../limit-routes.js'
import { addChangeClient } from './change-client.js'
import { addClientActions } from './client-actions.js'
import { addCreateClient } from './create-client.js'
import { addDeleteClient } from './delete-client.js'
import { addListClients } from './list-clients.js'
import { addReadClient } from './read-client.js'
import { addRotateClientSecret } from './rotate-client-secret.js'

export interface ClientDependencies {
  readonly clientAdministration: ClientAdministration
  readonly guards: Guards
}

/** The routes by which administrators manage OAuth clients. */
export async function clientRoutes(app: App, dependencies: ClientDependencies): Promise<void> {
  const { clientAdministration, guards } = dependencies
  addGuards(app, guards.administrator)
  limitRoutes(app, 'admin')
  addListClients(app, clientAdministration)
  addCreateClient(app, clientAdministration)
  addReadClient(app, clientAdministration)
  addChangeClient(app, clientAdministration)
  addDeleteClient(app, clientAdministration)
  addRotateClientSecret(app, clientAdministration)
  addClientActions(app, clientAdministration)
}
