import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { evaluateIsolated } from './evaluate-isolated.js'

/** WCAG 2.0 to 2.2, levels A and AA, and best practices. */
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice']

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  readonly id: string
  readonly help: string
  readonly nodes: readonly { readonly html: string; readonly summary: string }[]
}

/** Throws an error that lists what axe-core finds in the page. */
export async function checkAccessible(page: Page, options: { readonly hasScripts?: boolean } = {}): Promise<void> {
  const run = `axe.run(document, { runOnly: ${JSON.stringify(tags)} }).then(({ violations, passes }) => ({
    checked: passes.length,
    violations: violations.map(({ id, help, nodes }) => ({
      id,
      help,
      nodes: nodes.map(({ html, failureSummary }) => ({ html: html.slice(0, 200), summary: failureSummary })),
    })),
  }))`
  const found = await evaluateIsolated(page, `${axe}\n;${run}`, options.hasScripts)
  const { checked, violations } = found as { readonly checked: number; readonly violations: readonly Violation[] }
  if (checked === 0) throw new Error(`axe-core has checked nothing in ${page.url()}.`)
  if (violations.length === 0) return
  throw new Error(`${page.url()} is not accessible:\n${violations.map(describe).join('\n')}`)
}

function describe({ id, help, nodes }: Violation): string {
  const places = nodes.map(({ html, summary }) => `    ${html}\n      ${summary.replaceAll('\n', '\n      ')}`)
  return `  ${id}: ${help}\n${places.join('\n')}`
}
