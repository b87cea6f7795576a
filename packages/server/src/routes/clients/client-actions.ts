import type { Administrator } from '../../admin/administrator.js'
import type { ClientAdministration, DescribedClient } from '../../admin/client-administration.js'
import type { App } from '../../http/app.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'
import { DescribedClientAnswer, describedClientAnswer } from './client-schemas.js'

const actions = {
  disable: 'Disable a client: revoke its tokens and issue no new ones',
  enable: 'Enable a client: issue tokens again, without restoring old ones',
  rotate: 'Rotate the signing secret of a client: its old tokens stay valid until the grace period ends',
  revoke: 'Revoke every token of a client at once; it can get new ones',
} as const

/** POST /v1/admin/clients/:id/disable · /enable · /rotate · /revoke */
export function addClientActions(app: App, clientAdministration: ClientAdministration): void {
  addAction(app, 'disable', (by, id) => clientAdministration.disable(by, id))
  addAction(app, 'enable', (by, id) => clientAdministration.enable(by, id))
  addAction(app, 'rotate', (by, id) => clientAdministration.rotate(by, id))
  addAction(app, 'revoke', (by, id) => clientAdministration.revoke(by, id))
}

function addAction(
  app: App,
  name: keyof typeof actions,
  act: (by: Administrator, id: string) => Promise<DescribedClient>,
): void {
  const furtherRefusals = name === 'rotate' ? (['too_many_rotations', 'tenant_inactive'] as const) : []
  const schema = {
    tags: ['clients'],
    operationId: `${name}Client`,
    summary: actions[name],
    security: byToken,
    params: IdParams,
    response: {
      200: DescribedClientAnswer,
      ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'client_unknown', ...furtherRefusals),
    },
  }
  app.post(`/v1/admin/clients/:id/${name}`, { schema }, async (request) =>
    describedClientAnswer(await act(administratorOf(request), request.params.id)),
  )
}
