import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Page, Request } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from '../../../../../test/support/browser/check-accessible.js'
import { checkLayout } from '../../../../../test/support/browser/check-layout.js'
import { takeScreenshot } from '../../../../../test/support/browser/take-screenshot.js'
import { TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { signInBrowser } from '../../support/console.js'
import { addDemoData } from '../../support/demo-data.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'

/** Every page is visited in the first two; half of the pages in each of the others. */
const variants = [
  { colorScheme: 'light', width: 1280, share: () => true },
  { colorScheme: 'dark', width: 360, share: () => true },
  { colorScheme: 'light', width: 360, share: (index: number) => index % 2 === 0 },
  { colorScheme: 'dark', width: 1280, share: (index: number) => index % 2 === 1 },
] as const

/** The compressed files of the first load, in bytes. */
const maxBytes = 200_000

/** The pictures are in the repository. */
const maxPictureBytes = 150_000

/** Controls that the Tab key reaches. */
const controls = `[...document.querySelectorAll(
    'a[href], button, input, select, textarea, summary, [tabindex="0"]'
  )].filter((one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }))
    // The arrow keys move between the buttons of a radio group.
    .filter((one) => one.type !== 'radio' || one.checked)`

describe('every page of the console, in Chromium', () => {
  let running: TestServer
  let browser: TestBrowser
  let home: string
  /** Paths below the console: those of the navigation, and one user. */
  let paths: readonly string[]

  beforeAll(async () => {
    running = await startForBrowsers()
    home = `${running.configuration.issuer}/console`
    await addDemoData(running)
    browser = await TestBrowser.start()
    await browser.visit({}, async ({ page }) => {
      await signInBrowser(running, page, 'admin@example.com')
      await open(page, '')
      const addresses = await page.evaluate<string[]>(
        '[...document.querySelectorAll("nav.navigation a")].map((link) => link.href)',
      )
      const { rows } = await running.server.service.store.query<{ id: string }>(
        'select id from server_accounts where second_factor = 1 order by id limit 1',
      )
      paths = [...addresses, `${home}/users/${rows[0]?.id}`].map((url) => url.replace(home, ''))
    })
  })
  afterAll(async () => {
    await browser?.close()
    await running?.stop()
  })

  /** Opens a page, and waits until it shows what it has loaded. */
  const open = async (page: Page, path: string) => {
    await page.goto(home + path)
    await page.locator('main:not(:has(.loading)) h1').waitFor()
  }

  it('is in the navigation, or is the page of a user', () => {
    expect(paths.length).toBeGreaterThan(10)
    expect(new Set(paths).size).toBe(paths.length)
  })

  it('loads at most 200 kB before the first page is there', async () => {
    await browser.visit({}, async ({ page }) => {
      await signInBrowser(running, page, 'admin@example.com')
      const sizes: Promise<number>[] = []
      const isFile = (request: Request) => ['document', 'script', 'stylesheet'].includes(request.resourceType())
      page.on('requestfinished', (request) => {
        if (isFile(request)) sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize))
      })
      await open(page, '')
      const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
      console.log(`The first load of the console has ${(bytes / 1000).toFixed(1)} kB in ${sizes.length} files.`)
      expect(sizes.length).toBeGreaterThanOrEqual(3)
      expect(bytes).toBeLessThan(maxBytes)
    })
  })

  it.each(variants)('fits and is accessible: $colorScheme, $width px', async ({ colorScheme, width, share }) => {
    const isPicture = colorScheme === 'light' && width === 1280
    await browser.visit({ colorScheme, viewport: { width, height: 800 } }, async ({ page }) => {
      await signInBrowser(running, page, 'admin@example.com')
      for (const path of paths.filter((_, index) => share(index))) {
        await open(page, path)
        if (isPicture) await takePicture(page, path)
        await checkLayout(page)
        await checkAccessible(page)
      }
    })
  })

  it('has no control that the Tab key does not reach, and none that it does not leave', async () => {
    await browser.visit({ viewport: { width: 1280, height: 800 } }, async ({ page }) => {
      await signInBrowser(running, page, 'admin@example.com')
      for (const path of paths) {
        await open(page, path)
        await page.evaluate(`globalThis.reached = new Set()
          document.addEventListener('focusin', ({ target }) => globalThis.reached.add(target))`)
        const count = () => page.evaluate<number>(`${controls}.length`)
        expect(await count()).toBeGreaterThan(10)
        // Further content may arrive meanwhile. A list that scrolls is a stop as well, and each part
        // of a date.
        for (let pressed = 0; pressed < (await count()) + 20; pressed += 1) await page.keyboard.press('Tab')
        const missed = await page.evaluate<string[]>(
          `${controls}.filter((one) => !globalThis.reached.has(one)).map((one) => one.outerHTML.slice(0, 120))`,
        )
        expect([path, missed]).toEqual([path, []])
      }
    })
  })
})

/** Writes the picture of the documentation: the part of the page that a window shows. */
async function takePicture(page: Page, path: string): Promise<void> {
  const name = /^\/users\/./.test(path) ? 'user' : path.slice(1) || 'overview'
  await takeScreenshot(page, name, { fullPage: false })
  const folder = process.env.LATCHKEY_SCREENSHOTS ?? ''
  if (folder !== '') expect(statSync(join(folder, `${name}.png`)).size).toBeLessThan(maxPictureBytes)
}
