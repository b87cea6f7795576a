import type { FactorResets } from '../../admin/factor-resets.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { managedAccountAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'cancelFactorReset',
  summary: 'Cancel the reset of the factors of an account, which waits for its delay',
  description:
    'For a reset of the wrong account, or one that a stolen session has started. The account keeps ' +
    'its factors, and "factor_reset_at" is null again.',
  security: byToken,
  params: IdParams,
  response: {
    200: Type.Ref('ManagedAccount#'),
    ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'account_unknown', 'factor_reset_unknown'),
  },
}

/** DELETE /v1/admin/users/:id/factor-reset */
export function addCancelFactorReset(app: App, factorResets: FactorResets): void {
  app.delete('/v1/admin/users/:id/factor-reset', { schema }, async (request) =>
    managedAccountAnswer(await factorResets.cancel(administratorOf(request), request.params.id)),
  )
}
