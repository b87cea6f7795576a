import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { evaluateIsolated } from './evaluate-isolated.js'

const findFaults = readFileSync(new URL('find-layout-faults.mjs', import.meta.url), 'utf8')

/**
 * Throws unless the page fits in its width: it does not scroll sideways, no text is cut off, and no
 * text or control covers another one.
 */
export async function checkLayout(page: Page, options: { readonly hasScripts?: boolean } = {}): Promise<void> {
  const expression = `${findFaults.replace('export function', 'function')}\nfindLayoutFaults()`
  const faults = (await evaluateIsolated(page, expression, options.hasScripts)) as readonly string[]
  if (faults.length === 0) return
  const { width = 0 } = page.viewportSize() ?? {}
  throw new Error(`The layout of ${page.url()} has faults at ${width} px:\n  ${faults.join('\n  ')}`)
}
