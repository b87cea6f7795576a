import type { Page, Request } from 'playwright-core'
import { evaluateIsolated } from './evaluate-isolated.js'

/** The cost of loading a page. */
export interface PageLoad {
  readonly status: number
  /** The transferred bodies of the page and of everything that it loads. */
  readonly bytes: number
  /** From the start of the navigation; `undefined` if the page has painted nothing. */
  readonly firstPaintMs: number | undefined
}

/** Opens a page with an empty cache and measures it. */
export async function loadPage(
  page: Page,
  url: string,
  options: { readonly hasScripts?: boolean } = {},
): Promise<PageLoad> {
  const sizes: Promise<number>[] = []
  const listen = (request: Request) => void sizes.push(request.sizes().then((found) => found.responseBodySize))
  page.on('requestfinished', listen)
  const response = await page.goto(url, { waitUntil: 'networkidle' })
  page.off('requestfinished', listen)
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  const paint = `new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0))).then(
    () => performance.getEntriesByName('first-paint')[0]?.startTime)`
  const firstPaintMs = (await evaluateIsolated(page, paint, options.hasScripts)) as number | undefined
  return { status: response?.status() ?? 0, bytes, firstPaintMs }
}
