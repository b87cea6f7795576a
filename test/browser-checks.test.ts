import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from './support/browser/check-accessible.js'
import { checkLayout } from './support/browser/check-layout.js'
import { loadPage } from './support/browser/page-load.js'
import { TestBrowser, type VisitorOptions } from './support/browser/test-browser.js'
import { VirtualAuthenticator } from './support/browser/virtual-authenticator.js'

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"

const style = `
  body { margin: 1rem; font: 16px/1.5 "DejaVu Sans", sans-serif; color: #111; background: #fff }
  .wide { width: 2000px } .up { margin-top: -2.4em } .over { margin-top: -1.3em } .cut { width: 4em; overflow: hidden; white-space: nowrap }
  .pale { color: #bbb } .reader { position: absolute; width: 1px; height: 1px; overflow: hidden }
  .skip { position: absolute; left: -999px } .scroll { overflow-x: auto } .narrow { width: 3em; white-space: nowrap }`

/** A page without a fault. */
const sound = `<header><a class="skip" href="#main">Skip to content</a></header><main id="main"><h1>Title</h1>
<p>One line of <b>text</b>.</p><label>Name <input name="name"></label> <button>Send</button>
<div class="scroll" tabindex="0"><p class="wide">A table that scrolls by itself</p></div><p class="reader">Read aloud</p></main>`

describe('the checks of pages in Chromium', () => {
  let browser: TestBrowser
  let server: Server
  let origin: string
  let body = sound

  beforeAll(async () => {
    const pageOf = () => `<!doctype html><html lang="en"><head><title>Page</title>
<link rel="stylesheet" href="/style.css"></head><body>${body}</body></html>`
    server = createServer(({ url = '' }, response) => {
      const files: Readonly<Record<string, readonly [type: string, content: string]>> = {
        '/': ['text/html; charset=utf-8', pageOf()],
        '/style.css': ['text/css', style],
        '/script.js': ['text/javascript', 'throw new Error("thrown")'],
      }
      const [type = 'text/plain', content = ''] = files[url] ?? []
      response.writeHead(content === '' ? 404 : 200, { 'content-security-policy': policy, 'content-type': type })
      response.end(content)
    })
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
    origin = `http://localhost:${(server.address() as AddressInfo).port}`
    browser = await TestBrowser.start()
  })
  afterAll(async () => {
    await browser?.close()
    server?.close()
    server?.closeAllConnections()
  })

  const visit = (content: string, options: VisitorOptions = {}) => {
    body = content
    return browser.visit({ viewport: { width: 360, height: 640 }, ...options }, async ({ page }) => {
      const hasScripts = options.javaScriptEnabled ?? true
      await page.goto(`${origin}/`)
      await checkLayout(page, { hasScripts })
      await checkAccessible(page, { hasScripts })
    })
  }

  it.each([true, false])(
    'find no fault in a sound page, whether its scripts run or not (%s)',
    async (javaScriptEnabled) => {
      await visit(sound, { javaScriptEnabled })
    },
  )

  it.each([
    ['a script that the policy forbids', '<script>1</script>', /policy: script-src-elem blocks inline/],
    ['a style that the policy forbids', '<p style="color: red">x</p>', /policy: style-src-attr blocks inline/],
    ['an exception', '<script src="/script.js"></script>', /exception: thrown/],
    ['a request for what does not exist', '<script src="/missing"></script>', /status 404: GET .*\/missing/],
    ['a request that the policy forbids', '<img alt="" src="/missing">', /policy: img-src blocks/],
  ])('find %s', async (_, content, message) => {
    await expect(visit(sound + content)).rejects.toThrow(message)
  })

  it.each([
    ['a page that scrolls sideways', '<p class="wide">wide</p>', /scrolls sideways: 20\d\d px in 360 px/],
    ['texts that overlap', '<p>below</p><p class="up">above</p>', /text "below" and text "above" overlap/],
    ['a text that is cut off', '<p class="cut">A text that is too long</p>', /text "A text.*" is cut off by p/],
    [
      'a button that is too narrow',
      '<button class="narrow">A long text</button>',
      /button "A long text" cuts its text off/,
    ],
    ['a label over its field', '<input name="field"><p class="over">label</p>', /overlap/],
  ])('find %s', async (_, content, message) => {
    const [before, after] = sound.split('<h1>')
    await expect(visit(`${before}${content}<h1>${after}`)).rejects.toThrow(message)
  })

  it.each([
    ['a pale text', '<p class="pale">pale</p>', /color-contrast/],
    ['a field without a label', '<input name="other">', /label: Form elements must have labels/],
    ['an image without a text', '<img src="/">', /image-alt/],
  ])('find %s', async (_, content, message) => {
    for (const javaScriptEnabled of [true, false]) {
      const page = sound.replace('<h1>', `${content}<h1>`)
      await expect(visit(page, { javaScriptEnabled })).rejects.toThrow(message)
    }
  })

  it('do not hide the failure of a test', async () => {
    body = `${sound}<script>1</script>`
    const failing = browser.visit({}, async ({ page }) => {
      await page.goto(origin)
      throw new Error('of the test')
    })
    await expect(failing).rejects.toThrow(/of the test\n.*problems:\n {2}.*policy/s)
  })

  it('measure what a page loads, and its first paint', async () => {
    body = sound
    await browser.visit({}, async ({ page }) => {
      const { status, bytes, firstPaintMs } = await loadPage(page, origin)
      expect(status).toBe(200)
      expect(bytes).toBeGreaterThan(style.length + sound.length)
      expect(bytes).toBeLessThan(style.length + sound.length + 300)
      expect(firstPaintMs).toBeGreaterThan(0)
    })
  })

  it('make passkeys with a virtual authenticator, and refuse without the verification of the user', async () => {
    body = sound
    const publicKey = `{ rp: { name: 'x' }, user: { id: new Uint8Array(8), name: 'ada', displayName: '' },
      challenge: new Uint8Array(16), pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' } }`
    const create = `navigator.credentials.create({ publicKey: ${publicKey} }).then(({ type }) => type, ({ name }) => name)`
    await browser.visit({}, async ({ page }) => {
      const authenticator = await VirtualAuthenticator.add(page)
      await page.goto(origin)
      expect(await page.evaluate(create)).toBe('public-key')
      expect(await authenticator.passkeys()).toMatchObject([{ rpId: 'localhost', userName: 'ada', isResident: true }])
      await authenticator.setUserVerified(false)
      expect(await page.evaluate(create)).toBe('NotAllowedError')
      await authenticator.remove()
    })
  })
})
