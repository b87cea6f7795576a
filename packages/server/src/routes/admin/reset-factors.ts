import type { FactorResets } from '../../admin/factor-resets.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { managedAccountAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'resetFactors',
  summary: 'Remove all factors and recovery codes of an account, and end its sessions',
  description:
    'For an owner who has lost them: the next sign-in needs the password alone. The owner is ' +
    'notified by mail if the address is verified. With LATCHKEY_FACTOR_RESET_DELAY it happens at ' +
    '"factor_reset_at", unless the owner signs in with a second factor before, or an administrator ' +
    'cancels it. Refused for the accounts of administrators.',
  security: byToken,
  params: IdParams,
  response: {
    200: Type.Ref('ManagedAccount#'),
    ...refusals(
      ...forBody,
      ...forAdmin,
      'csrf_refused',
      'account_unknown',
      'own_account',
      'administrator_protected',
      'factor_missing',
    ),
  },
}

/** DELETE /v1/admin/users/:id/factors */
export function addResetFactors(app: App, factorResets: FactorResets): void {
  app.delete('/v1/admin/users/:id/factors', { schema }, async (request) =>
    managedAccountAnswer(await factorResets.reset(administratorOf(request), request.params.id)),
  )
}
