import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { freePort } from '../../../../../test/support/free-port.js'
import {
  createDeployment,
  type Deployment,
  type ServerProcess,
  startServer as startProcess,
} from '../../../../../test/support/server-process.js'
import { startTcpProxy, type TcpProxy } from '../../../../../test/support/tcp-proxy.js'
import { readConfiguration } from '../../../src/config/configuration.js'
import { openConsole } from '../../support/console.js'
import { register } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'

/** Of the process that is stopped; that of the server with the console is 2 s. */
const maxStalenessMs = 3000
const answerDelayMs = 300
const patient = { timeout: 60_000 }

let deployment: Deployment
/** The way of the process that is stopped to the database. */
let proxy: TcpProxy
let running: TestServer
let stopped: ServerProcess
let browser: TestBrowser

beforeAll(async () => {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  deployment = await createDeployment('postgres', { LATCHKEY_ISSUER: issuer })
  const { database, passkeys } = readConfiguration(deployment.env)
  running = await startForBrowsers({ port, issuer, passkeys, database })
  proxy = await startTcpProxy(deployment.env.DATABASE_URL ?? '')
  // It listens to another channel, and gets no notification, as behind a pooler. Otherwise one would
  // wait in its socket, and name the revoked user in its first moment.
  proxy.meddle((data) => Buffer.from(data.toString('latin1').replace(/\blisten \w/, 'listen x'), 'latin1'))
  const env = { ...deployment.env, DATABASE_URL: proxy.url, LATCHKEY_MAX_STALENESS: String(maxStalenessMs) }
  stopped = await startProcess({ env })
  browser = await TestBrowser.start()
})
afterAll(async () => {
  await stopped?.kill()
  await browser?.close()
  await running?.stop()
  await proxy?.close()
  await deployment?.dispose()
})

/**
 * Returns the answer of the process to this token: 200, or the code of the refusal. The route
 * answers from memory where the library allows it.
 */
async function answerOfStopped(token: string): Promise<unknown> {
  const response = await fetch(`${stopped.url}/v1/forward-auth`, { headers: { authorization: `Bearer ${token}` } })
  if (response.status === 200) return 200
  const { code } = (await response.json()) as { readonly code: string }
  return code
}

function askOften(token: string): Promise<readonly unknown[]> {
  return Promise.all(Array.from({ length: 100 }, () => answerOfStopped(token)))
}

it('a stopped process is named, and refuses a revoked token from its first moment on', async () => {
  const { email, token } = await register(running)
  const { processes } = await running.server.service.keys.waitForPropagation()
  const { id: verifier = '' } = processes.find((one) => one.maxStalenessMs === maxStalenessMs) ?? {}

  await browser.visit({ locale: 'en' }, async ({ page }) => {
    const process = page.getByRole('row', { name: new RegExp(`:${stopped.pid}\\b`) })
    const dialog = page.getByRole('dialog')
    const button = (name: string) => page.getByRole('button', { name, exact: true })
    const follow = (name: string) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click()
    await openConsole(running, page)
    await process.getByText('Up to date').waitFor(patient)
    await page.getByText(/2 of 2 have acknowledged/).waitFor()

    // Known to the process in memory, just before it stops.
    expect(await answerOfStopped(token)).toBe(200)
    stopped.pause()
    await follow('Users')
    await page.getByRole('searchbox', { name: 'Search' }).fill(email)
    await page.getByRole('link', { name: email }).click()
    await button('Revoke…').click()
    await dialog.getByRole('button', { name: 'Revoke', exact: true }).click()
    const result = dialog.getByText(/^1 of 2 verifiers, \d+\.\d s$/)
    await result.waitFor(patient)
    const [, seconds] = /, (.*) s$/.exec(await result.innerText()) ?? []
    expect(Number(seconds)).toBeGreaterThanOrEqual(maxStalenessMs / 1000)
    await dialog.getByText('one that has not acknowledged has stopped or is cut off, and accepts no token').waitFor()
    await dialog.getByText('Each process').click()
    const silent = dialog.getByRole('listitem').filter({ hasText: 'not acknowledged within its max staleness' })
    expect(await silent.innerText()).toMatch(new RegExp(`^${verifier.slice(0, 8)}: `))
    await dialog.getByRole('listitem').filter({ hasText: '(the server that answers): acknowledged after' }).waitFor()
    await dialog.getByRole('button', { name: 'Done' }).click()
    await follow('Overview')
    await process.getByText(/^Silent for \d+\.\d s$/).waitFor(patient)

    // The operating system accepts these requests, and the process reads them in its first moment,
    // when it cannot have read the change yet.
    proxy.slowDown(answerDelayMs)
    const waiting = askOften(token)
    stopped.resume()
    const answers = [...(await waiting), ...(await askOften(token)), ...(await askOften(token))]
    expect(new Set(answers)).toEqual(new Set(['token_revoked']))
    await process.getByText('Up to date').waitFor(patient)
    await button('Measure now').click()
    await dialog.getByText(/^2 of 2 verifiers, /).waitFor(patient)
  })
})
