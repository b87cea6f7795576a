import type { Answer } from './api-client.js'
import type { Authenticator, CreationOptions, Deviations, RequestOptions } from './authenticator.js'
import { type Person, personOf } from './people.js'
import { openSession } from './second-factor.js'
import type { TestServer } from './start-server.js'

/** A challenge with its options for the browser. */
export interface Begun<Options> {
  readonly challengeToken: string
  readonly options: Options
}

/** Asks for a challenge for a new passkey. */
export async function beginPasskey(running: TestServer, token: string): Promise<Begun<CreationOptions>> {
  return begunBy<CreationOptions>(await running.api.post('/v1/me/passkeys/options', { token }))
}

/**
 * Adds a passkey to the account. An account with a factor adds it in another session, which has
 * begun with that factor. Returns the answer.
 */
export async function addPasskey(
  running: TestServer,
  person: Person,
  authenticator: Authenticator,
  deviations: Deviations = {},
): Promise<Answer> {
  const { body } = await running.api.get('/v1/me/factors', person)
  const { token } = body.factors.length === 0 ? person : await openSession(running, person)
  const { challengeToken, options } = await beginPasskey(running, token)
  const passkey = authenticator.create(options, deviations)
  return running.api.post('/v1/me/passkeys', { token, body: { challenge_token: challengeToken, passkey } })
}

/** Asks for a challenge for a sign-in. */
export async function beginSignIn(running: TestServer): Promise<Begun<RequestOptions>> {
  return begunBy<RequestOptions>(await running.api.post('/v1/passkeys/options'))
}

/** Signs in with a passkey. Returns the answer. */
export async function signInWithPasskey(
  running: TestServer,
  authenticator: Authenticator,
  deviations: Deviations = {},
): Promise<Answer> {
  const { challengeToken, options } = await beginSignIn(running)
  const passkey = authenticator.get(options, deviations)
  return running.api.post('/v1/passkeys/sign-in', { body: { challenge_token: challengeToken, passkey } })
}

/** Returns the person of a right answer to a sign-in. */
export function signedIn({ status, body }: Answer): Person {
  if (status !== 200) throw new Error(`The sign-in was refused: ${body.code}`)
  return personOf(body)
}

function begunBy<Options>({ status, body }: Answer): Begun<Options> {
  if (status !== 200) throw new Error(`The challenge was refused: ${body.code}`)
  return { challengeToken: body.challenge_token, options: body.options as Options }
}
