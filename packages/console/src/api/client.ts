import createClient from 'openapi-fetch'
import { base } from '../base.js'
import { ApiProblem, problemIn } from './problem.js'
import type { paths } from './schema.js'
import { send } from './send.js'

/** The API of the server, with the types of /openapi.json. Await its calls with `answer`. */
export const api = createClient<paths>({
  baseUrl: new URL(base || '/', location.href).href.replace(/\/$/, ''),
  fetch: send,
})

interface Outcome<T> {
  readonly data?: T
  readonly error?: unknown
  readonly response: Response
}

/**
 * Returns the body of an answer.
 *
 * @throws ApiProblem if the server has refused the request
 */
export async function answer<T>(call: Promise<Outcome<T>>): Promise<T> {
  const { data, error, response } = await call
  if (!response.ok) throw new ApiProblem(problemIn(error, response.status))
  return data as T
}
