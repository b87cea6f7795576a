import type { App } from './app.js'

/** The methods of each path, to distinguish a wrong method from a wrong path. */
export class AllowedMethods {
  readonly #routes: { readonly segments: readonly string[]; readonly methods: readonly string[] }[] = []

  /** Collects the routes that are added to the app from now on. */
  constructor(app: App) {
    app.addHook('onRoute', ({ url, method }) => {
      // The route of the CORS plugin, which makes no path known.
      if (url === '*') return
      this.#routes.push({ segments: url.split('/'), methods: [method].flat() })
    })
  }

  /**
   * Returns the methods of all routes that match the path of this URL; none for an unknown path.
   */
  of(url: string): string[] {
    const path = url.split('?', 1)[0] ?? ''
    const segments = path.split('/')
    const found = this.#routes.filter((route) => matches(route.segments, segments))
    return [...new Set(found.flatMap(({ methods }) => methods))].sort()
  }
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.at(-1) === '*') return matches(pattern.slice(0, -1), segments.slice(0, pattern.length - 1))
  if (pattern.length !== segments.length) return false
  return pattern.every((part, index) => part === segments[index] || (part.startsWith(':') && segments[index] !== ''))
}
