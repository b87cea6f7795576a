import { Secret, TOTP } from 'otpauth'
import type { Answer } from './api-client.js'
import { type Person, password } from './people.js'
import type { TestServer } from './start-server.js'

/** The duration of a step in milliseconds. */
export const stepMs = 30_000

/** An authenticator app of a person, whose clock is that of the server. */
export class Authenticator {
  readonly #running: TestServer
  readonly #secret: Secret
  /** The ID of the factor. */
  readonly id: string

  constructor(running: TestServer, { id, secret }: { readonly id: string; readonly secret: string }) {
    this.#running = running
    this.#secret = Secret.fromBase32(secret)
    this.id = id
  }

  /** Returns the code of a step, counted from the current one. */
  code(steps = 0): string {
    return TOTP.generate({ secret: this.#secret, timestamp: this.#running.clock.now() + steps * stepMs })
  }

  /** Waits for the next step, whose code was not used, and returns that code. */
  nextCode(): string {
    this.#running.clock.advance(stepMs)
    return this.code()
  }

  /** Returns a code that is none of the accepted ones. */
  wrongCode(): string {
    const accepted = [-1, 0, 1].map((steps) => this.code(steps))
    return ['000000', '111111', '222222', '333333'].find((code) => !accepted.includes(code)) ?? ''
  }
}

/** Begins to add an authenticator app, without confirming it. */
export async function beginAuthenticator(
  running: TestServer,
  { token }: Pick<Person, 'token'>,
): Promise<Authenticator> {
  const { status, body } = await running.api.post('/v1/me/factors/totp', { token })
  if (status !== 201) throw new Error(`The authenticator app was refused: ${body.code}`)
  return new Authenticator(running, body)
}

/** Adds an authenticator app to an account. */
export async function addAuthenticator(
  running: TestServer,
  person: Pick<Person, 'token'>,
): Promise<{ app: Authenticator; recoveryCodes: readonly string[] }> {
  const app = await beginAuthenticator(running, person)
  const body = { code: app.code() }
  const answer = await running.api.post('/v1/me/factors/totp/confirm', { token: person.token, body })
  if (answer.status !== 200) throw new Error(`The code was refused: ${answer.body.code}`)
  return { app, recoveryCodes: answer.body.recovery_codes }
}

/** The device that signs in. */
export interface Device {
  readonly token?: string | undefined
  /** The address of its network, where the server trusts the client as a proxy. */
  readonly from?: string | undefined
}

/** Sends the password. */
export function firstStep(
  { api }: TestServer,
  email: string,
  { token, from }: Device = {},
  secret = password,
): Promise<Answer> {
  return api.post('/v1/login', { body: { email, password: secret }, headers: headersOf({ token, from }) })
}

/** The answer to a challenge. */
export interface SecondStep {
  readonly code?: string
  readonly recovery_code?: string
  readonly trust_device?: boolean
}

/** Answers the challenge of a first step, from its device unless another one is named. */
export function secondStep(
  { api }: TestServer,
  { body }: Pick<Answer, 'body'>,
  answer: SecondStep,
  device: Device = {},
): Promise<Answer> {
  const headers = headersOf({ token: body.device_token, ...device })
  return api.post('/v1/login/second-factor', { body: { challenge_token: body.challenge_token, ...answer }, headers })
}

function headersOf({ token, from }: Device): Record<string, string> {
  return {
    ...(token === undefined ? {} : { 'latchkey-device': token }),
    ...(from === undefined ? {} : { 'x-forwarded-for': from }),
  }
}
