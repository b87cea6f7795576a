import type { Page } from 'playwright-core'
import { createAdmin, type Person, password } from './people.js'
import type { TestServer } from './start-server.js'

/** Signs a browser in by the API, so that a test of the console need not pass the sign-in page. */
export async function signInBrowser({ configuration }: TestServer, page: Page, email: string): Promise<void> {
  const { issuer } = configuration
  const answer = await page.request.post(`${issuer}/v1/login`, {
    headers: { 'latchkey-mode': 'cookie', origin: issuer },
    data: { email, password },
  })
  if (!answer.ok()) throw new Error(`The sign-in was refused: ${await answer.text()}`)
}

/** Opens a page of the console as a new administrator, and waits for its title. */
export async function openConsole(running: TestServer, page: Page, path = ''): Promise<Person> {
  const administrator = await createAdmin(running)
  await signInBrowser(running, page, administrator.email)
  await page.goto(`${running.configuration.issuer}/console${path}`)
  await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor()
  return administrator
}
