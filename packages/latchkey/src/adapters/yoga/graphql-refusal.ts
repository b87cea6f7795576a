import { createGraphQLError } from 'graphql-yoga'
import { isLatchkeyError, type LatchkeyError } from '../../errors.js'

/** The class of GraphQL.js that Yoga works with. */
export type GraphQLError = ReturnType<typeof createGraphQLError>

/**
 * Returns a refusal as a GraphQL error. Its `extensions` have the `code` and the `hint`, and the
 * status and headers with which Yoga responds. It has no `originalError`: Yoga masks errors that
 * have one.
 */
export function graphqlRefusal(error: LatchkeyError): GraphQLError {
  const { code, hint, status, headers, message } = error
  return createGraphQLError(message, {
    extensions: { code, hint, http: { status, headers: { ...headers } } },
  })
}

/** Returns a LatchkeyError as a GraphQL error, and every other value unchanged. */
export function asGraphQLError(error: unknown): unknown {
  return isLatchkeyError(error) ? graphqlRefusal(error) : error
}
