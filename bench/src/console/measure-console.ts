import type { Page } from 'playwright-core'
import type { Tab, TestBrowser } from '../../../test/support/browser/test-browser.js'
import { seededUser } from '../scale/seed-lists.js'
import { administrator } from './seed-console.js'
import { UsersList } from './users-list.js'

/** The times of one action, from the key or the click until its result is on the screen. */
export interface ActionTimes {
  readonly what: string
  readonly timesMs: readonly number[]
}

/** Options of `measureConsole`. */
export interface ConsoleOptions {
  readonly browser: TestBrowser
  readonly origin: string
  readonly users: number
  readonly repetitions: number
}

const selectedRows = 10
const visitor = { locale: 'en', viewport: { width: 1280, height: 900 } } as const

/**
 * Measures the console as an administrator uses it.
 *
 * @throws Error when a page has an error in its console, violates its policy, or fails a request
 */
export async function measureConsole(options: ConsoleOptions): Promise<readonly ActionTimes[]> {
  const { browser } = options
  const times = new Times()
  for (let count = 0; count < options.repetitions; count += 1) {
    // A new visitor, whose cache is empty.
    await browser.visit(visitor, (tab) => measureOpening(tab, options, times))
  }
  await browser.visit(visitor, (tab) => measureWork(tab, options, times))
  return times.all
}

/** Collects the times of each action. */
class Times {
  readonly #byName = new Map<string, number[]>()

  get all(): readonly ActionTimes[] {
    return [...this.#byName].map(([what, timesMs]) => ({ what, timesMs }))
  }

  async measure(what: string, act: () => Promise<unknown>): Promise<void> {
    const from = performance.now()
    await act()
    const known = this.#byName.get(what) ?? []
    this.#byName.set(what, [...known, performance.now() - from])
  }
}

async function measureOpening({ page }: Tab, { origin }: ConsoleOptions, times: Times): Promise<void> {
  await signIn(page, origin)
  await times.measure('open the users, with an empty cache', async () => {
    await page.goto(`${origin}/console/users`)
    await page.getByRole('checkbox').first().waitFor()
    await new UsersList(page).settle()
  })
  await times.measure('the overview, until its numbers are there', async () => {
    await page.getByRole('navigation').getByRole('link', { name: 'Overview', exact: true }).click()
    await page.getByText(/^[\d,]+ accounts$/).waitFor()
  })
}

async function measureWork({ page }: Tab, options: ConsoleOptions, times: Times): Promise<void> {
  const list = new UsersList(page)
  await signIn(page, options.origin)
  await page.goto(`${options.origin}/console/users`)
  await list.settle()
  for (let count = 0; count < options.repetitions; count += 1) {
    await measureSearches(list, options.users, times)
    await times.measure('the next page', () => list.loadMore())
    for (const { filter, value, label } of await list.filters()) {
      await times.measure(`filter ${filter}: ${label}`, () => list.choose(filter, value))
      if (value === 'disabled') await measurePreview(page, times)
      await list.choose(filter, '')
    }
    await measureUser(page, times)
    await page.goBack()
    await list.settle()
  }
}

async function measureSearches(list: UsersList, users: number, times: Times): Promise<void> {
  const { email } = seededUser(Math.floor(Math.random() * users))
  const searches = {
    'search, one match': email,
    'search, very many matches': 'example.com',
    'search, no match': `zq${Math.random().toString(36).slice(2, 8)}`,
  }
  for (const [what, text] of Object.entries(searches)) {
    const pressLastKey = await list.prepareSearch(text)
    await times.measure(what, pressLastKey)
    await list.clearSearch()
  }
}

/** Shows what an action would change, and does not carry it out. */
async function measurePreview(page: Page, times: Times): Promise<void> {
  const boxes = await page.getByRole('checkbox').all()
  for (const box of boxes.slice(0, selectedRows)) await box.check()
  await times.measure(`preview an action on ${selectedRows} accounts`, async () => {
    await page.getByRole('button', { name: 'Enable…' }).click()
    await page
      .getByRole('dialog')
      .getByText(/^\d+ accounts: will change/)
      .waitFor()
  })
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Clear selection' }).click()
}

async function measureUser(page: Page, times: Times): Promise<void> {
  const links = await page.getByRole('main').getByRole('table').getByRole('link').all()
  const link = links[Math.floor(Math.random() * links.length)]
  if (link === undefined) throw new Error('The list has no user.')
  const email = await link.innerText()
  await times.measure('open a user, until all sections are there', async () => {
    await link.click()
    await page.getByRole('heading', { level: 1, name: email }).waitFor()
    await page.getByRole('region', { name: 'Sessions' }).getByRole('table').first().waitFor()
    await page.waitForFunction(() => document.querySelector('main .loading') === null)
  })
}

async function signIn(page: Page, origin: string): Promise<void> {
  const headers = { 'latchkey-mode': 'cookie', origin }
  const answer = await page.request.post(`${origin}/v1/login`, { headers, data: administrator })
  if (!answer.ok()) throw new Error(`The sign-in was refused: ${await answer.text()}`)
}
