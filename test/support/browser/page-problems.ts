import type { Page } from 'playwright-core'

/** Collects what goes wrong in pages. A test fails because of a problem that it does not expect. */
export class PageProblems {
  readonly #found: string[] = []
  readonly #expected: RegExp[] = []

  /** Ignores the problems of this kind: the test causes them on purpose. */
  expect(...patterns: readonly RegExp[]): void {
    this.#expected.push(...patterns)
  }

  /** All problems so far, each as one line. */
  get found(): readonly string[] {
    return this.#found
  }

  /** The problems that no test expects. */
  get unexpected(): readonly string[] {
    return this.#found.filter((problem) => !this.#expected.some((pattern) => pattern.test(problem)))
  }

  /** Throws if there is a problem that the test does not expect. */
  check(): void {
    const { unexpected } = this
    if (unexpected.length > 0) throw new Error(`The pages caused problems:\n  ${unexpected.join('\n  ')}`)
  }

  /** Returns an error of the test with the problems of the pages, which may be its cause. */
  explain(error: unknown): unknown {
    const { unexpected } = this
    if (!(error instanceof Error) || unexpected.length === 0 || error.message.includes(unexpected[0] ?? ''))
      return error
    error.message += `\nThe pages also caused problems:\n  ${unexpected.join('\n  ')}`
    return error
  }

  /** Watches the console, exceptions and requests of a page. */
  watch(page: Page): void {
    page.on('console', (message) => {
      // `response` reports these with the method and the URL.
      const isReported = message.text().startsWith('Failed to load resource')
      if (message.type() === 'error' && !isReported) this.#add(`console: ${message.text()}`, page.url())
    })
    page.on('pageerror', (error) => this.#add(`exception: ${error.message}`, page.url()))
    page.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText ?? 'no reason given'
      // A navigation ends the requests of the page that it leaves.
      if (reason !== 'net::ERR_ABORTED') this.#add(`failed: ${request.method()} ${request.url()}: ${reason}`)
    })
    page.on('response', (response) => {
      if (response.status() < 400) return
      this.#add(`status ${response.status()}: ${response.request().method()} ${response.url()}`)
    })
  }

  /** Watches for violations of the Content Security Policy, also of those that are only reported. */
  async watchPolicy(page: Page): Promise<void> {
    const session = await page.context().newCDPSession(page)
    session.on('Audits.issueAdded', ({ issue }) => {
      const violation = issue.details.contentSecurityPolicyIssueDetails
      if (violation === undefined) return
      const { violatedDirective, blockedURL = 'inline', sourceCodeLocation } = violation
      const place = sourceCodeLocation === undefined ? '' : ` (line ${sourceCodeLocation.lineNumber + 1})`
      this.#add(`policy: ${violatedDirective} blocks ${blockedURL}${place}`, page.url())
    })
    await session.send('Audits.enable')
  }

  #add(problem: string, url?: string): void {
    this.#found.push(url === undefined ? problem : `${problem} in ${url}`)
  }
}
