import { randomUUID } from 'node:crypto'
import type { AnswerBody } from './api-client.js'
import { newestLetter } from './letters.js'
import type { TestServer } from './start-server.js'

export const password = 'correct horse battery staple'

/** A signed-in user. */
export interface Person {
  readonly id: string
  readonly email: string
  readonly token: string
  readonly refreshToken: string
  readonly sessionId: string
}

export function freshEmail(): string {
  return `${randomUUID()}@example.com`
}

export async function register({ api }: TestServer, email = freshEmail()): Promise<Person> {
  const { status, body } = await api.post('/v1/register', { body: { email, password } })
  if (status !== 201) throw new Error(`Registration was refused: ${body.code}`)
  return personOf(body)
}

/** Registers a user, and verifies the address with the mailed link. */
export async function registerVerified(running: TestServer, email = freshEmail()): Promise<Person> {
  const person = await register(running, email)
  const { token } = await newestLetter(running, email, 'Verify your e-mail address')
  const { status, body } = await running.api.post('/v1/email/verify', { token: person.token, body: { token } })
  if (status !== 204) throw new Error(`Verification was refused: ${body.code}`)
  return person
}

export async function login({ api }: TestServer, email: string, secret = password): Promise<Person> {
  const { status, body } = await api.post('/v1/login', { body: { email, password: secret } })
  if (status !== 200) throw new Error(`Login was refused: ${body.code}`)
  return personOf(body)
}

/** Creates an administrator as the operator does, and signs in. */
export function createAdmin(running: TestServer): Promise<Person> {
  return createWithRole(running, 'admin')
}

/** Creates an auditor as the operator does, and signs in. */
export function createAuditor(running: TestServer): Promise<Person> {
  return createWithRole(running, 'auditor')
}

async function createWithRole(running: TestServer, role: 'admin' | 'auditor'): Promise<Person> {
  const email = freshEmail()
  await running.server.service.adminCreation.createAdmin({ email, password, role })
  return login(running, email)
}

export function personOf(body: AnswerBody): Person {
  return {
    id: body.account.id,
    email: body.account.email,
    token: body.access_token,
    refreshToken: body.refresh_token,
    sessionId: body.session_id,
  }
}

/** Returns the answer of the API to this token: 200, or the code of the refusal. */
export async function tokenState({ api }: TestServer, token: string): Promise<number | string> {
  const { status, body } = await api.get('/v1/me', { token })
  return status === 200 ? 200 : body.code
}
