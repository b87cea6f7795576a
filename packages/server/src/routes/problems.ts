import { accountFailures } from '../accounts/failures.js'
import { adminFailures } from '../admin/failures.js'
import { clientFailures } from '../clients/failures.js'
import { exchangeFailures } from '../exchange/failures.js'
import { factorFailures } from '../factors/failures.js'
import { grantFailures } from '../grants.js'
import { httpFailures } from '../http/failures.js'
import { mailFailures } from '../mail/failures.js'
import { oauthFailures } from '../oauth/failures.js'
import { protectionFailures } from '../protection/failures.js'
import { sessionFailures } from '../sessions/failures.js'
import { routeFailures } from './failures.js'

/** All failures of the server, for the OpenAPI document and the documentation. */
export const problems = {
  ...httpFailures.table,
  ...accountFailures.table,
  ...factorFailures.table,
  ...mailFailures.table,
  ...sessionFailures.table,
  ...protectionFailures.table,
  ...clientFailures.table,
  ...exchangeFailures.table,
  ...oauthFailures.table,
  ...adminFailures.table,
  ...routeFailures.table,
  ...grantFailures.table,
} as const

/** The code of a failure of the server. */
export type ProblemCode = keyof typeof problems
