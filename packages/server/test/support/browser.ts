import type { Answer, ApiClient, Call } from './api-client.js'

/** One cookie as a browser stores it. */
export interface KeptCookie {
  readonly value: string
  /** The attributes after the value, such as `Path=/`. */
  readonly attributes: readonly string[]
}

/** A minimal browser: a page that calls the API with its cookies. */
export class Browser {
  readonly cookies = new Map<string, KeptCookie>()
  readonly #api: ApiClient
  readonly #origin: string

  constructor(api: ApiClient, origin = 'http://issuer.test') {
    this.#api = api
    this.#origin = origin
  }

  /** Calls the API as a page in cookie mode does; `headers` replace the usual ones. */
  async call(method: string, path: string, call: Call = {}): Promise<Answer> {
    const headers = { origin: this.#origin, 'latchkey-mode': 'cookie', ...this.#cookieHeader(path), ...call.headers }
    const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''))
    const answer = await this.#api.call(method, path, { ...call, headers: sent })
    for (const line of answer.headers.getSetCookie()) this.#keep(line)
    return answer
  }

  /** Returns the value of a cookie, or an empty text when there is none. */
  value(name: string): string {
    return this.cookies.get(name)?.value ?? ''
  }

  #cookieHeader(path: string): Record<string, string> {
    const kept = [...this.cookies].filter(([, { attributes }]) => {
      const scope = attributes.find((attribute) => attribute.startsWith('Path='))?.slice(5) ?? '/'
      return scope === '/' || path === scope
    })
    return kept.length === 0 ? {} : { cookie: kept.map(([name, { value }]) => `${name}=${value}`).join('; ') }
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ')
    const name = pair.slice(0, pair.indexOf('='))
    if (attributes.includes('Max-Age=0')) this.cookies.delete(name)
    else this.cookies.set(name, { value: pair.slice(name.length + 1), attributes })
  }
}
