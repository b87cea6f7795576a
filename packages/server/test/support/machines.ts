import type { Answer, Call } from './api-client.js'
import { createAdmin, type Person } from './people.js'
import type { TestServer } from './start-server.js'

/** A client and its secret. */
export interface Machine {
  readonly id: string
  readonly secret: string
}

/** Returns a request with a form, as OAuth sends it. */
export function form(parameters: Record<string, string> | string, headers: Record<string, string> = {}): Call {
  return {
    raw: new URLSearchParams(parameters).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  }
}

/** Returns the header of `client_secret_basic` (RFC 6749 §2.3.1). */
export function basic({ id, secret }: Machine): { authorization: string } {
  const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
  return { authorization: `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}` }
}

/** The requests of an administrator about clients. */
export class Machines {
  readonly #running: TestServer
  readonly admin: Person

  private constructor(running: TestServer, admin: Person) {
    this.#running = running
    this.admin = admin
  }

  static async with(running: TestServer): Promise<Machines> {
    return new Machines(running, await createAdmin(running))
  }

  async create(body: Record<string, unknown> = {}): Promise<Machine> {
    const answer = await this.administer('POST', '', { name: 'a machine', ...body })
    if (answer.status !== 201) throw new Error(`The client was refused: ${answer.body.code}`)
    return { id: answer.body.id, secret: answer.body.client_secret }
  }

  /** Calls /v1/admin/clients. */
  administer(method: string, path: string, body?: unknown): Promise<Answer> {
    const call = { token: this.admin.token, ...(body === undefined ? {} : { body }) }
    return this.#running.api.call(method, `/v1/admin/clients${path}`, call)
  }

  ask(machine: Machine, parameters: Record<string, string> = {}): Promise<Answer> {
    return this.#running.api.post(
      '/oauth/token',
      form({ grant_type: 'client_credentials', ...parameters }, basic(machine)),
    )
  }

  async tokenOf(machine: Machine, parameters: Record<string, string> = {}): Promise<string> {
    const { status, body } = await this.ask(machine, parameters)
    if (status !== 200) throw new Error(`The token was refused: ${body.code}`)
    return body.access_token
  }
}

/** Returns the result of this server's verifier for the token: 200, or the code of the refusal. */
export async function machineTokenState({ server }: TestServer, token: string): Promise<number | string> {
  try {
    await server.service.latchkey.verify(token)
    return 200
  } catch (error) {
    return (error as { code: string }).code
  }
}
