/** The site that began a navigation, as `Sec-Fetch-Site` names it. */
export type Site = 'same-origin' | 'same-site' | 'cross-site' | 'none'

/** A page that the browser shows. */
export interface ShownPage {
  readonly status: number
  /** The path and query of the page. */
  readonly path: string
  readonly html: string
  readonly headers: Headers
  /** The places that redirects led to, in their order. */
  readonly redirects: readonly string[]
  /** All texts and headers of the answers on the way, as one text. */
  readonly traffic: string
}

interface KeptCookie {
  readonly value: string
  readonly path: string
  readonly isStrict: boolean
}

/** The request of a navigation. */
interface Navigation {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly form?: string
  readonly site: Site
  readonly headers?: Readonly<Record<string, string>>
}

const maxRedirects = 10

/**
 * A browser without scripts: it keeps cookies by their paths and `SameSite`, follows redirects, and
 * sends forms with the values that the page has given them.
 */
export class PageBrowser {
  readonly cookies = new Map<string, KeptCookie>()
  readonly #url: string
  readonly #origin: string

  constructor(url: string, origin = 'http://issuer.test') {
    this.#url = url
    this.#origin = origin
  }

  /** Opens a page, as a link on `site` does, or as the address bar (`none`). */
  open(path: string, { site = 'none', headers = {} }: { site?: Site; headers?: Record<string, string> } = {}) {
    return this.#navigate({ method: 'GET', path, site, headers })
  }

  /**
   * Sends a form of a page. `values` replace or complete those of its fields.
   *
   * @param index - The place of the form among those of the page.
   */
  send(page: ShownPage, values: Readonly<Record<string, string>> = {}, index = 0): Promise<ShownPage> {
    const form = formsOf(page)[index]
    if (form === undefined) throw new Error(`No form ${index} at ${page.path}`)
    const sent = new URLSearchParams({ ...form.values, ...values })
    return this.#navigate({
      method: 'POST',
      path: form.action ?? page.path,
      form: sent.toString(),
      site: 'same-origin',
    })
  }

  /** Sends a form that another site may have made. */
  post(path: string, values: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) {
    const form = new URLSearchParams(values).toString()
    return this.#navigate({ method: 'POST', path, form, site: 'same-origin', headers })
  }

  async #navigate({ method, path, form, site, headers = {} }: Navigation): Promise<ShownPage> {
    let next = { method, path, form }
    const redirects: string[] = []
    let traffic = ''
    for (let hops = 0; hops <= maxRedirects; hops += 1) {
      const response = await fetch(this.#url + next.path, {
        method: next.method,
        redirect: 'manual',
        signal: AbortSignal.timeout(30_000),
        headers: withoutEmpty({
          accept: 'text/html,application/xhtml+xml',
          'sec-fetch-site': site,
          ...(next.method === 'POST'
            ? { origin: this.#origin, 'content-type': 'application/x-www-form-urlencoded' }
            : {}),
          ...this.#cookieHeader(next.path, site),
          ...headers,
        }),
        ...(next.form === undefined || next.method === 'GET' ? {} : { body: next.form }),
      })
      for (const line of response.headers.getSetCookie()) this.#keep(line)
      const html = await response.text()
      const location = response.headers.get('location')
      traffic += `${location ?? ''}\n${html}\n`
      if (location === null || !location.startsWith('/')) {
        const shown = { status: response.status, path: next.path, html, headers: response.headers, traffic }
        return { ...shown, redirects: location === null ? redirects : [...redirects, location] }
      }
      redirects.push(location)
      const keepsForm = response.status === 307
      next = { method: keepsForm ? next.method : 'GET', path: location, form: keepsForm ? next.form : undefined }
    }
    throw new Error(`Endless redirect: ${redirects.join(' ')}`)
  }

  #cookieHeader(path: string, site: Site): Record<string, string> {
    const sent = [...this.cookies].filter(([, cookie]) => {
      const isBelow = cookie.path === '/' || path === cookie.path || path.startsWith(`${cookie.path}/`)
      return isBelow && !(cookie.isStrict && site === 'cross-site')
    })
    return sent.length === 0 ? {} : { cookie: sent.map(([name, { value }]) => `${name}=${value}`).join('; ') }
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ')
    const name = pair.slice(0, pair.indexOf('='))
    const path = attributes.find((one) => one.startsWith('Path='))?.slice(5) ?? '/'
    if (attributes.includes('Max-Age=0')) this.cookies.delete(name)
    else
      this.cookies.set(name, {
        value: pair.slice(name.length + 1),
        path,
        isStrict: attributes.includes('SameSite=Strict'),
      })
  }
}

/** A form of a page. */
export interface PageForm {
  readonly method: string
  /** `undefined`: the page itself. */
  readonly action: string | undefined
  readonly values: Readonly<Record<string, string>>
  readonly names: readonly string[]
}

/** Returns the forms of a page, in their order. */
export function formsOf({ html }: Pick<ShownPage, 'html'>): PageForm[] {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, attributes = '', content = '']) => {
    const inputs = [...content.matchAll(/<input\b([^>]*)>/g)].map(([, input = '']) => input)
    const named = inputs.filter((input) => attribute(input, 'name') !== undefined)
    const kept = named.filter((input) => attribute(input, 'type') !== 'checkbox')
    return {
      method: attribute(attributes, 'method') ?? 'get',
      action: attribute(attributes, 'action'),
      values: Object.fromEntries(kept.map((input) => [attribute(input, 'name'), attribute(input, 'value') ?? ''])),
      names: named.map((input) => attribute(input, 'name') ?? ''),
    }
  })
}

/** Returns the text of the first element whose start tag matches, without its tags. */
export function textOf({ html }: Pick<ShownPage, 'html'>, tag: RegExp): string {
  const [, name = ''] = tag.exec(html) ?? []
  const start = html.search(tag)
  if (start < 0) return ''
  const end = html.indexOf(`</${name}>`, start)
  return plainText(html.slice(html.indexOf('>', start) + 1, end).replaceAll(/<[^>]*>/g, '')).trim()
}

/** Returns the message above a refused form. */
export function alertOf(page: Pick<ShownPage, 'html'>): string {
  return textOf(page, /<(p) class="alert" role="alert" tabindex="-1"(?: autofocus)?>/)
}

/** Returns the message beside a field. */
export function faultOf(page: Pick<ShownPage, 'html'>, name: string): string {
  return textOf(page, new RegExp(`<(p) class="error" id="${name}-error">`))
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]
  return value === undefined ? undefined : plainText(value)
}

function plainText(text: string): string {
  const characters: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' }
  return text.replaceAll(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => characters[name] ?? '')
}

function withoutEmpty(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''))
}
