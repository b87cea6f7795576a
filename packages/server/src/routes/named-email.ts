import type { FastifyRequest } from 'fastify'
import { tryCanonicalEmail } from '../accounts/email-address.js'

/** The address that a validated body names, in the one spelling of its account: what somebody is counted under before he has shown who he is. */
export function namedEmail({ body }: FastifyRequest): string {
  return tryCanonicalEmail((body as { readonly email: string }).email)
}
