import type { FastifyRequest } from 'fastify'
import { tryCanonicalEmail } from '../accounts/email-address.js'

/**
 * Returns the address in a validated body in its canonical spelling. The rate limits count requests
 * for it before anything is authenticated.
 */
export function namedEmail({ body }: FastifyRequest): string {
  return tryCanonicalEmail((body as { readonly email: string }).email)
}
