import { Keyring } from 'latchkey'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from '../../../../../test/support/browser/check-accessible.js'
import { checkLayout } from '../../../../../test/support/browser/check-layout.js'
import { takeScreenshot } from '../../../../../test/support/browser/take-screenshot.js'
import { TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { type RedisServer, startRedis } from '../../../../../test/support/start-redis.js'
import { startTcpProxy, type TcpProxy } from '../../../../../test/support/tcp-proxy.js'
import { createTestDatabase, type TestDatabase } from '../../../../../test/support/test-database.js'
import { openConsole } from '../../support/console.js'
import { tokenState } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'

let database: TestDatabase
let proxy: TcpProxy
let redis: RedisServer
let running: TestServer
let browser: TestBrowser

beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await startTcpProxy(database.url)
  redis = await startRedis()
  running = await startForBrowsers({
    database: { kind: 'postgres', url: proxy.url, masterKeys: Keyring.generate('test') },
    redisUrl: redis.url,
  })
  browser = await TestBrowser.start()
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
  await redis?.dispose()
  await proxy?.close()
  await database?.drop()
})

const patient = { timeout: 30_000 }

/** Returns the line of one part in the list of health. */
function health(page: Page, part: string) {
  const parts = page.getByRole('region', { name: 'Health' }).getByRole('listitem')
  return parts.filter({ has: page.getByText(part, { exact: true }) })
}

describe('the overview of the console', () => {
  it('shows numbers that move with the requests, and that PostgreSQL or Redis are away until they return', async () => {
    await browser.visit({ locale: 'en' }, async ({ page, problems }) => {
      const { token } = await openConsole(running, page)
      await page.getByText('Live', { exact: true }).waitFor(patient)
      await page.getByText('Little traffic yet').waitFor()
      const legend = page.getByRole('listitem').filter({ hasText: 'From memory' }).locator('strong')
      const perSecond = async () => {
        for (let count = 0; count < 20; count += 1) await tokenState(running, token)
        return Number.parseFloat(await legend.innerText())
      }
      await expect.poll(perSecond, patient).toBeGreaterThan(5)
      await running.api.post('/v1/login', { body: { email: 'nobody@example.com', password: 'a wrong password' } })
      await page.getByText(/half of them in \d+ ms; 1 of 1 have acknowledged/).waitFor()
      await page.getByRole('table', { name: 'Refusals by reason' }).getByText('invalid_credentials').waitFor()
      await page.getByText('Values of each minute').first().click()
      await page.getByRole('table', { name: /^Verified tokens/ }).waitFor()
      await page.getByRole('row', { name: /this page.*Up to date/ }).waitFor()

      await health(page, 'Redis').getByText('Works', { exact: true }).waitFor(patient)
      await redis.kill()
      await health(page, 'Redis').getByText('Does not answer.').waitFor(patient)
      await redis.restart()
      await health(page, 'Redis').getByText('Works', { exact: true }).waitFor(patient)

      problems.expect(/status 503: /)
      proxy.block()
      await page.getByText('Reconnecting…').waitFor(patient)
      await page
        .getByText(/^The database does not answer/)
        .first()
        .waitFor(patient)
      await health(page, 'Database').getByText('Does not work').waitFor(patient)
      await takeScreenshot(page, 'console-overview-without-database')
      proxy.unblock()
      await page.getByText('Live', { exact: true }).waitFor(patient)
      await health(page, 'Database').getByText('Works', { exact: true }).waitFor(patient)
    })
  })

  it('is accessible and fits, in both themes, on a wide and a narrow screen', async () => {
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 360],
    ] as const) {
      await browser.visit({ locale: 'en', colorScheme, viewport: { width, height: 800 } }, async ({ page }) => {
        await openConsole(running, page)
        await page.getByText('Live', { exact: true }).waitFor(patient)
        await health(page, 'Database').waitFor(patient)
        await page.getByText('Values of each minute').first().click()
        await checkLayout(page)
        await checkAccessible(page)
        await takeScreenshot(page, `console-overview-${colorScheme}-${width}`)
      })
    }
  })

  it('says that the right has ended, and shows nothing new', async () => {
    await browser.visit({ locale: 'en' }, async ({ page, problems }) => {
      problems.expect(/status 403: /)
      const { id } = await openConsole(running, page)
      await page.getByText('Live', { exact: true }).waitFor(patient)
      await running.server.service.store.query(`update server_accounts set role = 'user' where id = $1`, [id])
      await page.getByText('The live view has ended.').waitFor(patient)
      await page.getByRole('button', { name: 'Try again' }).first().waitFor()
    })
  })
})
