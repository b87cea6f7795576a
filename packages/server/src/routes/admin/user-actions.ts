import type { Account } from '../../accounts/account-table.js'
import type { Administration } from '../../admin/administration.js'
import type { Administrator } from '../../admin/administrator.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { managedAccountAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const actions = {
  disable: 'Disable an account: end its sessions and tokens, and refuse logins',
  enable: 'Enable an account: allow logins again, without restoring sessions or tokens',
  rotate: 'Rotate the secret of an account: the old one verifies until its grace period ends, and no session ends',
  revoke: 'End every session and revoke every token of an account at once',
  verify: 'Mark the address of an account as verified, as a mailed link would',
} as const

/** POST /v1/admin/users/:id/disable · /enable · /rotate · /revoke · /verify */
export function addUserActions(app: App, administration: Administration): void {
  addAction(app, 'disable', (by, id) => administration.disable(by, id))
  addAction(app, 'enable', (by, id) => administration.enable(by, id))
  addAction(app, 'rotate', (by, id) => administration.rotate(by, id))
  addAction(app, 'revoke', (by, id) => administration.revoke(by, id))
  addAction(app, 'verify', (by, id) => administration.verifyEmail(by, id))
}

function addAction(
  app: App,
  name: keyof typeof actions,
  act: (by: Administrator, id: string) => Promise<Account>,
): void {
  const furtherRefusals = {
    disable: ['own_account', 'last_administrator'],
    enable: [],
    rotate: ['too_many_rotations', 'tenant_inactive'],
    revoke: [],
    verify: [],
  } as const
  const schema = {
    tags: ['administration'],
    operationId: `${name}User`,
    summary: actions[name],
    security: byToken,
    params: IdParams,
    response: {
      200: Type.Ref('ManagedAccount#'),
      ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'account_unknown', ...furtherRefusals[name]),
    },
  }
  app.post(`/v1/admin/users/:id/${name}`, { schema }, async (request) =>
    managedAccountAnswer(await act(administratorOf(request), request.params.id)),
  )
}
