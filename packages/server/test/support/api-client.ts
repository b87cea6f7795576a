import { AnswerContract } from './answer-contract.js'

/**
 * The members of answers that tests read. A route returns only some of them, which is checked
 * against /openapi.json.
 */
export interface AnswerBody {
  readonly code: string
  readonly hint: string
  readonly errors: readonly { readonly field: string; readonly message: string }[]
  readonly reasons: readonly string[]
  readonly methods: readonly string[]
  readonly max_age: number
  readonly acr: string
  readonly auth_time: number
  readonly warnings: readonly string[] | undefined
  readonly applications: readonly {
    readonly id: string
    readonly audience: string
    readonly first_used_at: string
    readonly last_used_at: string
    readonly sessions: readonly string[]
  }[]
  readonly error: string
  readonly id: string
  readonly email: string
  readonly email_verified: boolean
  readonly name: string | null
  readonly locale: string | null
  readonly role: string
  readonly disabled_at: string | null
  readonly account: {
    readonly id: string
    readonly email: string
    readonly name: string | null
    readonly role: string
    readonly locale: string | null
    readonly profile: unknown
  }
  readonly profile: unknown
  readonly access_token: string
  readonly refresh_token: string
  readonly device_token: string
  readonly request_id: string
  readonly token_type: string
  readonly expires_in: number
  readonly refresh_expires_in: number
  readonly session_id: string
  readonly sessions: readonly {
    readonly id: string
    readonly current: boolean
    readonly impersonated: boolean
    readonly user_agent: string | null
    readonly device: string | null
    readonly address: string | null
    readonly device_bound: boolean
    readonly grace_uses: number
    readonly grace_used_at: string | null
    readonly grace_address: string | null
    readonly created_at: string
    readonly amr: readonly string[]
    readonly acr: string
    readonly auth_time: string | null
    readonly end_reason: string | null
  }[]
  readonly results: readonly { readonly id: string; readonly outcome: string; readonly code: string | null }[]
  readonly users: readonly { readonly id: string; readonly email: string; readonly name: string | null }[]
  readonly entries: readonly AuditEntry[]
  readonly next_cursor: string | null
  readonly version: number
  readonly secrets: readonly { readonly kid: string; readonly retires_at: string | null }[]
  readonly client_secret: string
  readonly active: boolean
  readonly exp: number
  readonly iat: number
  readonly clients: readonly { readonly id: string }[]
  readonly scope: string
  readonly keys: readonly Record<string, unknown>[]
  readonly status: string
  readonly url: string | undefined
  readonly letters_sent: readonly { readonly kind: string; readonly at: string; readonly outcome: string }[]
  readonly letters: readonly {
    readonly id: string
    readonly kind: string
    readonly account: string | null
    readonly to: string | null
    readonly state: string
    readonly outcome: string
    readonly attempts: number
    readonly last_error: string | null
  }[]
  readonly expires_at: string
  readonly secret: string
  readonly uri: string
  readonly qr_svg: string
  readonly challenge_token: string
  readonly recovery_codes: readonly string[]
  readonly recovery_codes_left: number
  readonly factor: FactorBody
  readonly factors: readonly FactorBody[]
  readonly trusted_devices: readonly { readonly name: string; readonly device: string | null }[]
  readonly second_factor: boolean
  readonly factor_reset_at: string | null
  readonly invitations: readonly { readonly id: string; readonly email: string; readonly delivery: string }[]
  readonly delivery: string
  readonly invited_by: string
  readonly mailed_at: string | null
  readonly options: unknown
  readonly origins: readonly string[]
  readonly device_bound: boolean
  readonly backed_up: boolean
}

export interface FactorBody {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly last_used_at: string | null
  readonly exposed: boolean
}

export interface AuditEntry {
  readonly id: string
  readonly at: string
  readonly event: string
  readonly outcome: string
  readonly actor: string | null
  readonly account: string | null
  readonly session: string | null
  readonly address: string | null
  readonly detail: { readonly count?: number; readonly [name: string]: unknown } | null
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: AnswerBody
  /** The body as it was sent. */
  readonly text: string
}

export interface Call {
  /** Access token. */
  readonly token?: string
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent unchanged, instead of `body`. */
  readonly raw?: string | Uint8Array<ArrayBuffer>
  readonly headers?: Record<string, string>
}

/**
 * Throws if the answer sets cookies without a request for them, or if scripts or other sites could
 * use one.
 */
function checkCookies(lines: readonly string[], asked: boolean): void {
  for (const line of lines) {
    const safe = /^__(Host|Secure)-[^;]*; Path=\/[^;]*; Max-Age=\d+; HttpOnly; Secure; SameSite=(Lax|Strict)$/.test(
      line,
    )
    if (!asked || !safe) throw new Error(`Unasked for, or unsafe: ${line.replace(/=[^;]*/, '')}`)
  }
}

/** Sends requests to a server, and throws when an answer is not declared in its /openapi.json. */
export class ApiClient {
  readonly #url: string
  readonly #contract: AnswerContract

  private constructor(url: string, contract: AnswerContract) {
    this.#url = url
    this.#contract = contract
  }

  static async connect(url: string): Promise<ApiClient> {
    const response = await fetch(`${url}/openapi.json`)
    return new ApiClient(url, new AnswerContract(await response.json()))
  }

  get contract(): AnswerContract {
    return this.#contract
  }

  async call(method: string, path: string, { token, body, raw, headers = {} }: Call = {}): Promise<Answer> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      // Long enough for any machine: a server without an answer by then hangs.
      signal: AbortSignal.timeout(30_000),
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(raw === undefined ? {} : { body: raw }),
    })
    const text = await response.text()
    const isJson = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '')
    const parsed: unknown = isJson && text !== '' ? JSON.parse(text) : undefined
    this.#contract.check(method, path, { status: response.status, headers: response.headers, parsed })
    checkCookies(response.headers.getSetCookie(), headers['latchkey-mode'] === 'cookie')
    return { status: response.status, headers: response.headers, body: parsed as AnswerBody, text }
  }

  get(path: string, call?: Call): Promise<Answer> {
    return this.call('GET', path, call)
  }

  post(path: string, call?: Call): Promise<Answer> {
    return this.call('POST', path, call)
  }

  patch(path: string, call?: Call): Promise<Answer> {
    return this.call('PATCH', path, call)
  }

  delete(path: string, call?: Call): Promise<Answer> {
    return this.call('DELETE', path, call)
  }
}
