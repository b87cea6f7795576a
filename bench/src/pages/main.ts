/**
 * `npm run bench:pages`: the time until a browser paints the sign-in page and the account page,
 * from the start of the navigation, in Chromium of this machine.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { loadPage } from '../../../test/support/browser/page-load.js'
import { freePort } from '../../../test/support/free-port.js'
import { requireProgram } from '../../../test/support/installed-program.js'
import type { Bar } from '../bars.js'
import { watchMachineLoad } from '../machine-load.js'
import { benchFlags, publish } from '../publish.js'
import { serveLatchkey } from '../served-latchkey.js'
import { median, quantile } from '../statistics.js'
import type { Table } from '../table.js'

const flags = benchFlags()
const visits = flags.quick ? 5 : 50

/** The visits of a page, each with an empty cache. */
interface PageVisits {
  readonly path: string
  readonly firstPaintMs: readonly number[]
  /** The transferred bodies of the page and of everything that it loads. */
  readonly bytes: number
}

const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
const machineBusy = watchMachineLoad()
const port = await freePort()
const origin = `http://localhost:${port}`
const server = await serveLatchkey({ PORT: String(port), LATCHKEY_DATA_DIR: folder, LATCHKEY_ISSUER: origin })
try {
  const executablePath = requireProgram('chromium', 'chromium fonts-dejavu-core fonts-liberation')
  const browser = await chromium.launch({ executablePath, args: ['--disable-gpu'] })
  try {
    const account = { email: `${randomUUID()}@example.com`, password: 'correct horse battery staple' }
    const pages = [await visit(browser, '/sign-in'), await visit(browser, '/account', account)]
    const results = { visits, pages, machineBusy: machineBusy() }
    await publish({ name: 'pages', flags, results, tables: [tableOf(pages)], bars: pages.map(barOf) })
  } finally {
    await browser.close()
  }
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}

/** Visits a page repeatedly; with an account, as its owner, who is registered first. */
async function visit(
  browser: Browser,
  path: string,
  account?: { readonly email: string; readonly password: string },
): Promise<PageVisits> {
  const context = await browser.newContext({ locale: 'en' })
  const page = await context.newPage()
  if (account !== undefined) {
    const headers = { 'latchkey-mode': 'cookie', origin }
    const answer = await page.request.post(`${origin}/v1/register`, { headers, data: account })
    if (answer.status() !== 201) throw new Error(`The registration was refused: ${await answer.text()}`)
  }
  const session = await context.newCDPSession(page)
  await session.send('Network.enable')
  await session.send('Network.setCacheDisabled', { cacheDisabled: true })
  // The first visit compiles schemas and loads messages, and is not counted.
  await loadPage(page, origin + path)
  const firstPaintMs: number[] = []
  let bytes = 0
  for (let count = 0; count < visits; count += 1) {
    // A blank page, so that each visit is a navigation.
    await page.goto('about:blank')
    const load = await loadPage(page, origin + path)
    if (load.status !== 200 || load.firstPaintMs === undefined) throw new Error(`${path} was not shown.`)
    firstPaintMs.push(load.firstPaintMs)
    bytes = load.bytes
  }
  await context.close()
  return { path, firstPaintMs, bytes }
}

function tableOf(pages: readonly PageVisits[]): Table {
  return {
    title: 'First paint of the pages',
    header: ['page', 'median', 'p95', 'transferred'],
    rows: pages.map(({ path, firstPaintMs, bytes }) => [
      path,
      `${median(firstPaintMs).toFixed(0)} ms`,
      `${quantile(firstPaintMs, 0.95).toFixed(0)} ms`,
      `${(bytes / 1000).toFixed(1)} kB`,
    ]),
  }
}

function barOf({ path, firstPaintMs }: PageVisits): Bar {
  return {
    what: `first paint of ${path}, median`,
    wanted: 100,
    measured: median(firstPaintMs),
    atMost: true,
    unit: 'ms',
  }
}
