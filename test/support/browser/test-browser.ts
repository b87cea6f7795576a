import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { requireProgram } from '../installed-program.js'
import { PageProblems } from './page-problems.js'

/** Options of one visitor: locale, colour scheme, viewport, whether scripts run, and the like. */
export type VisitorOptions = Pick<
  BrowserContextOptions,
  'locale' | 'colorScheme' | 'viewport' | 'javaScriptEnabled' | 'baseURL' | 'bypassCSP' | 'reducedMotion' | 'userAgent'
>

/** A tab of a visitor who shares nothing with other ones: no cookie, no cache, no storage. */
export interface Tab {
  readonly page: Page
  readonly context: BrowserContext
  /** The problems of the pages of this visitor so far. */
  readonly problems: PageProblems
  close(): Promise<void>
}

/**
 * Chromium of the operating system. A test file starts it once, and opens a visitor for each test.
 */
export class TestBrowser {
  readonly #browser: Browser

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  static async start(): Promise<TestBrowser> {
    // Without a font, texts have no size, and Chromium only recommends one.
    const executablePath = requireProgram('chromium', 'chromium fonts-dejavu-core fonts-liberation')
    return new TestBrowser(await chromium.launch({ executablePath, args: ['--disable-gpu'] }))
  }

  /** Opens an empty tab for a new visitor. The caller closes it, and may check its problems. */
  async open(options: VisitorOptions = {}): Promise<Tab> {
    const context = await this.#browser.newContext(options)
    const problems = new PageProblems()
    context.on('page', (page) => problems.watch(page))
    const page = await context.newPage()
    await problems.watchPolicy(page)
    return { page, context, problems, close: () => context.close() }
  }

  /**
   * Runs a test as a new visitor. Fails if a page has caused a problem that the test does not
   * expect: an error in the console, an exception, a violation of the Content Security Policy, or a
   * request that failed.
   */
  async visit<T>(options: VisitorOptions, test: (tab: Tab) => Promise<T>): Promise<T> {
    const tab = await this.open(options)
    try {
      const result = await test(tab)
      tab.problems.check()
      return result
    } catch (error) {
      throw tab.problems.explain(error)
    } finally {
      await tab.close()
    }
  }

  async close(): Promise<void> {
    await this.#browser.close()
  }
}
