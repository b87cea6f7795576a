/** An answer of the auth API. A test reads the members that its route declares. */
export interface AuthAnswer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: the tests of the server check the shapes
  readonly body: any
}

/** One login on one device. */
export interface Device {
  readonly accountId: string
  readonly sessionId: string
  readonly accessToken: string
  readonly refreshToken: string
}

export const password = 'correct horse battery staple'

/** A client of the auth API. */
export class AuthClient {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async call(
    method: string,
    path: string,
    { token, body }: { token?: string; body?: object } = {},
  ): Promise<AuthAnswer> {
    const response = await fetch(new URL(path, this.#url), {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }

  async register(email: string): Promise<Device> {
    return deviceOf(await this.call('POST', '/v1/register', { body: { email, password } }), 201)
  }

  async login(email: string, secret: string = password): Promise<Device> {
    return deviceOf(await this.call('POST', '/v1/login', { body: { email, password: secret } }), 200)
  }

  /**
   * Returns the answer of a protected route to this token: the account's ID, or the code of the
   * refusal.
   */
  async whoIs(token: string): Promise<string> {
    const { status, body } = await this.call('GET', '/v1/me', { token })
    return status === 200 ? body.id : body.code
  }
}

function deviceOf({ status, body }: AuthAnswer, expected: number): Device {
  if (status !== expected) throw new Error(`Answered ${status} ${body?.code} instead of ${expected}.`)
  return {
    accountId: body.account.id,
    sessionId: body.session_id,
    accessToken: body.access_token,
    refreshToken: body.refresh_token,
  }
}
