import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Tab, TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { VirtualAuthenticator } from '../../../../../test/support/browser/virtual-authenticator.js'
import { blocksLeftOut, Page } from '../../../../../test/support/page.js'
import { freshEmail, password } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

describe('a page in Chromium with an authenticator', () => {
  let browser: TestBrowser
  let tab: Tab
  let running: TestServer
  let app: ReturnType<typeof createServer>
  let page: string

  beforeAll(async () => {
    app = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>an application'))
    await new Promise<void>((resolve) => void app.listen(0, 'localhost', resolve))
    page = `http://localhost:${(app.address() as AddressInfo).port}`
    const configuration = { corsOrigins: [page], passkeys: { rpId: 'localhost', origins: [page] } }
    running = await startServer({ database: 'sqlite', configuration })
    browser = await TestBrowser.start()
    tab = await browser.open()
    await VirtualAuthenticator.add(tab.page)
    await tab.page.goto(page)
  })
  afterAll(async () => {
    await browser?.close()
    await running?.stop()
    app?.close()
  })

  /** Runs a script in the page, with a function that calls the server as the guide of pages says. */
  const run = (script: string) => {
    const base = `http://localhost:${new URL(running.url).port}`
    return tab.page.evaluate(`(async () => {
      async function call(method, path, body) {
        const headers = { 'Latchkey-Mode': 'cookie', ...(body && { 'Content-Type': 'application/json' }) }
        const options = { method, credentials: 'include', headers, body: body && JSON.stringify(body) }
        const response = await fetch(${JSON.stringify(base)} + path, options)
        const answer = response.status === 204 ? undefined : await response.json()
        if (response.ok) return answer
        throw Object.assign(new Error(answer.code), { code: answer.code })
      }
      ${script}
    })()`)
  }

  it('adds a passkey and signs in without a name, by the scripts of docs/guides/passkeys.md', async () => {
    const [add = '', signIn = ''] = Page.at('docs/guides/passkeys.md').take('js')
    const email = freshEmail()
    const named = `const email = ${JSON.stringify(email)}, password = ${JSON.stringify(password)}`
    await run(`${named}
      await call('POST', '/v1/register', { email, password })
      ${add}
      await call('POST', '/v1/logout')`)
    const signedIn = run(`const button = document.createElement('button')
      const showAccount = ({ account }) => account.email
      ${signIn}
      return button.onclick()`)
    expect(await signedIn).toBe(email)
    expect(await run(`return (await call('GET', '/v1/me')).email`)).toBe(email)
    expect(blocksLeftOut('docs/guides/passkeys.md')).toEqual([])
  })

  it('is refused a second passkey of the account by the authenticator', async () => {
    const second = run(`
      const { options } = await call('POST', '/v1/me/passkeys/options')
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
      return navigator.credentials.create({ publicKey }).then(() => 'created', ({ name }) => name)`)
    expect(await second).toBe('InvalidStateError')
  })

  it('cannot use the passkey after the server was set to another origin', async () => {
    const { server } = running
    const moved = await running.startAnother({
      configuration: { passkeys: { rpId: 'localhost', origins: ['http://localhost:1'] } },
    })
    expect(moved.server.service).not.toBe(server.service)
    const base = `http://localhost:${new URL(moved.url).port}`
    const refused = tab.page.evaluate(`(async () => {
      const post = async (path, body) => (await fetch(${JSON.stringify(base)} + path, {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body ?? null),
      })).json()
      const { challenge_token, options } = await post('/v1/passkeys/options')
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
      const passkey = await navigator.credentials.get({ publicKey })
      return (await post('/v1/passkeys/sign-in', { challenge_token, passkey: passkey.toJSON() })).code
    })()`)
    expect(await refused).toBe('passkey_refused')
    await moved.stop()
  })
})
