import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { checkAccessible } from '../../../../../test/support/browser/check-accessible.js'
import { checkLayout } from '../../../../../test/support/browser/check-layout.js'
import { takeScreenshot } from '../../../../../test/support/browser/take-screenshot.js'
import { type Tab, TestBrowser } from '../../../../../test/support/browser/test-browser.js'
import { operator } from '../../../src/audit/operator.js'
import { openConsole } from '../../support/console.js'
import { holdLetters } from '../../support/letters.js'
import { freshEmail, type Person, register, registerVerified, tokenState } from '../../support/people.js'
import { startForBrowsers } from '../../support/start-for-browsers.js'
import type { TestServer } from '../../support/start-server.js'
import { addAuthenticator } from '../../support/totp-app.js'

const light = { colorScheme: 'light', viewport: { width: 1280, height: 800 }, locale: 'en' } as const
const dark = { colorScheme: 'dark', viewport: { width: 360, height: 740 }, locale: 'en' } as const

let running: TestServer
let browser: TestBrowser
let home: string
let release: () => void
let verified: Person
let unverified: Person
let disabled: Person
let client: string

beforeAll(async () => {
  running = await startForBrowsers({ impersonation: 'on' })
  home = `${running.configuration.issuer}/console`
  browser = await TestBrowser.start()
  const { clientAdministration, mail, store } = running.server.service
  verified = await registerVerified(running)
  await addAuthenticator(running, verified)
  disabled = await register(running)
  await store.query('update server_accounts set disabled_at = 1 where id = $1', [disabled.id])
  await mail.outboxWorker?.deliver()
  release = await holdLetters(running)
  unverified = await register(running)
  const created = await clientAdministration.create(operator, { name: 'report', scope: 'a:b', mayIntrospect: false })
  client = created.client.id
})
afterAll(async () => {
  release?.()
  await browser?.close()
  await running?.stop()
})

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true }).first()

/** One dialog, and how an administrator opens it. */
interface Opened {
  /** The file below packages/console/src that renders it. */
  readonly source: string
  readonly path: () => string
  /** The title, or its start. */
  readonly title: string
  readonly opener: (page: Page) => Locator
  /** The key that opens it while the opener has the focus. @defaultValue Enter */
  readonly key?: string
  /** Prepares the server before the page is opened. */
  readonly before?: () => Promise<unknown>
  /** Prepares the page, as an administrator does. */
  readonly prepare?: (page: Page) => Promise<void>
  /** Undoes `before`. */
  readonly after?: () => Promise<unknown>
}

const pageOf = (person: () => Person) => () => `/users/${person().id}`

/** An action of the page of a user. */
function userAction(file: string, label: string, title: string, person = () => verified): Opened {
  return {
    source: `pages/user/${file}`,
    path: pageOf(person),
    title,
    opener: (page) => button(page, `${label}…`),
  }
}

/** An action on the selected client. */
function clientAction(file: string, label: string, title: string): Opened {
  return {
    source: `pages/clients/${file}`,
    path: () => `/clients?client=${client}`,
    title,
    opener: (page) => button(page, label),
  }
}

/** Sets when the factors of the account end. */
function setFactorReset(at: number | null): Promise<unknown> {
  const { store } = running.server.service
  return store.query('update server_accounts set factor_reset_at = $1 where id = $2', [at, verified.id])
}

/** A dialog that a button of a fixed page opens. */
function pageAction(source: string, path: string, label: string | RegExp, title: string): Opened {
  return { source, path: () => path, title, opener: (page) => button(page, label) }
}

const dialogs: readonly Opened[] = [
  pageAction('shell/palette.tsx', '', /^Go to/, 'Go to'),
  { ...pageAction('shell/keys-dialog.tsx', '', /^Go to/, 'Keys'), key: '?' },
  pageAction('pages/overview/tiles.tsx', '', 'Measure now', 'Propagation'),

  userAction('simple-dialog.tsx', 'Revoke', 'Revoke '),
  userAction('simple-dialog.tsx', 'Rotate', 'Rotate '),
  userAction('simple-dialog.tsx', 'Disable', 'Disable '),
  userAction('simple-dialog.tsx', 'Verify', 'Verify ', () => unverified),
  userAction('simple-dialog.tsx', 'Enable', 'Enable ', () => disabled),
  userAction('require-password-dialog.tsx', 'Require a new password', 'Require a new password of '),
  userAction('reset-link-dialog.tsx', 'Reset link', 'Create a reset link for '),
  userAction('reset-factors-dialog.tsx', 'Reset factors', 'Reset the factors of '),
  {
    ...userAction('cancel-factor-reset-dialog.tsx', 'Stop the factor reset', 'Stop the reset of the factors of '),
    before: () => setFactorReset(Date.now() + 86_400_000),
    after: () => setFactorReset(null),
  },
  userAction('impersonate-dialog.tsx', 'Act as this user', 'Act as '),
  userAction('delete-dialog.tsx', 'Delete', 'Delete '),
  userAction('grants-section.tsx', 'Change', 'Change the grants of '),
  {
    source: 'pages/user/sessions-section.tsx',
    path: pageOf(() => verified),
    title: 'End the session of ',
    opener: (page) => button(page, /^End the session of/),
  },

  pageAction('pages/users/create-user-dialog.tsx', '/users', 'Create an account…', 'Create an account'),
  pageAction('pages/users/invite-dialog.tsx', '/users', 'Invite…', 'Invite a person'),
  {
    ...pageAction(
      'pages/users/invitations-section.tsx',
      '/users',
      /^Revoke the invitation of/,
      'Revoke the invitation',
    ),
    before: async () => {
      await running.server.service.invitationAdministration.invite(operator, { email: freshEmail(), delivery: 'link' })
    },
  },
  {
    ...pageAction('pages/users/bulk-dialog.tsx', '/users', 'Verify…', 'Verify 1 account'),
    prepare: async (page) => {
      await tabTo(page, page.getByRole('checkbox', { name: `Select ${unverified.email}` }))
      await page.keyboard.press('Space')
    },
  },

  pageAction('pages/letters/waiting-letters.tsx', '/letters', 'Retry now', 'Send this letter now?'),
  pageAction('pages/letters/waiting-letters.tsx', '/letters', 'Drop', 'Drop this letter?'),

  {
    source: 'pages/incident/account-steps.tsx',
    path: () => `/incident?case=secret&account=${verified.id}`,
    title: 'End every session and token of ',
    opener: (page) => button(page, 'End its sessions and tokens'),
  },
  pageAction('pages/incident/task-step.tsx', '/incident?case=everybody', 'End all sessions', '1. End every session'),
  pageAction('pages/incident/task-step.tsx', '/incident?case=database', 'Replace every key', '1. Make the keys'),
  pageAction('pages/incident/task-step.tsx', '/keys', 'Encrypt again', 'Encrypt everything'),

  pageAction('pages/rotation/start-rotation.tsx', '/rotation', 'Rotate all secrets', 'Rotate all secrets'),
  {
    ...pageAction('pages/rotation/rotation-progress.tsx', '/rotation', 'Stop', 'Stop the rotation'),
    before: () => running.server.service.rotations.start(operator, { ratePerMinute: 1 }),
    after: () => running.server.service.rotations.stop(operator),
  },

  pageAction('pages/clients/client-form.tsx', '/clients', 'New client', 'New client'),
  clientAction('client-form.tsx', 'Change', 'Change report'),
  clientAction('rotate-client-secret.tsx', 'New client secret', 'New client secret for report'),
  clientAction('client-actions.tsx', 'Rotate signing secret', 'Rotate the signing secret of report'),
  clientAction('client-actions.tsx', 'Revoke tokens', 'Revoke the tokens of report'),
  clientAction('client-actions.tsx', 'Disable', 'Disable report'),
  clientAction('client-actions.tsx', 'Delete', 'Delete report'),

  // The last one: it makes every session old.
  {
    source: 'ui/step-up-dialog.tsx',
    path: pageOf(() => verified),
    title: 'Confirm that it is you',
    opener: (page) => button(page, 'Create the link'),
    prepare: async (page) => {
      await tabTo(page, button(page, 'Act as this user…'))
      await page.keyboard.press('Enter')
      await page.getByLabel('Reason').fill('Support request 4711')
      running.clock.advance(running.configuration.recentSec * 1000 + 1000)
    },
  },
]

/** The dialog on top, or the page. */
const top = "([...document.querySelectorAll('dialog:modal')].at(-1) ?? document.body)"

/** The controls there that the Tab key reaches, in their order. */
const controls = `[...${top}.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
  .filter((one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }))`

const hasFocus = (target: Locator) => target.evaluate((element) => element === document.activeElement)

/** Moves the focus with the Tab key, from the control before. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor()
  const all = await page.evaluateHandle<HTMLElement[]>(controls)
  await target.evaluate((element, found) => found[found.indexOf(element as HTMLElement) - 1]?.focus(), all)
  await page.keyboard.press('Tab')
  expect(await hasFocus(target), 'the Tab key reaches the control').toBe(true)
}

/** Opens a dialog with the keyboard, and returns it when it shows what it has loaded. */
async function open(page: Page, { title, opener, key = 'Enter', prepare }: Opened): Promise<Locator> {
  await page.locator('main:not(:has(.loading)) h1').waitFor()
  await prepare?.(page)
  await tabTo(page, opener(page))
  await page.keyboard.press(key)
  const dialog = page.getByRole('dialog', { name: title }).and(page.locator('dialog:modal'))
  await dialog.and(page.locator(':not(:has(.loading))')).waitFor()
  return dialog
}

/** Checks that the Tab key reaches each control of the open dialog, and nothing behind it. */
async function checkTabbing(page: Page): Promise<void> {
  await page.evaluate(`globalThis.reached = new Set([document.activeElement])
    document.addEventListener('focusin', ({ target }) => globalThis.reached.add(target))`)
  const count = await page.evaluate<number>(`${controls}.length`)
  for (let pressed = 0; pressed < count + 2; pressed += 1) await page.keyboard.press('Tab')
  const missed = `${controls}.filter((one) => !globalThis.reached.has(one)).map((one) => one.outerHTML.slice(0, 120))`
  expect(await page.evaluate(missed), 'no control is missed').toEqual([])
  const behind = await page.evaluate(`[...globalThis.reached]
    .filter((one) => !${top}.contains(one) && one !== document.body)
    .map((one) => one.outerHTML.slice(0, 120))`)
  expect(behind, 'the focus stays in the dialog').toEqual([])
}

describe.each([
  ['light', light],
  ['dark', dark],
] as const)('every dialog, %s', (scheme, options) => {
  let tab: Tab

  beforeAll(async () => {
    tab = await browser.open(options)
    // A request whose authentication is old opens the last dialog.
    tab.problems.expect(/status 401: POST .*\/impersonate/)
    await openConsole(running, tab.page)
    return () => tab.close()
  })
  afterEach(() => tab.problems.check())

  it.each(dialogs.map((one) => [one.source, one.title.trim(), one] as const))('%s: %s', async (_, title, opened) => {
    const { page } = tab
    await opened.before?.()
    try {
      await page.goto(home + opened.path())
      const dialog = await open(page, opened)
      expect(await dialog.evaluate((element) => element.contains(document.activeElement))).toBe(true)
      await checkAccessible(page)
      await checkLayout(page)
      await takeScreenshot(page, `dialog-${title.toLowerCase().replaceAll(/\W+/g, '-')}-${scheme}`)
      await checkTabbing(page)
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })
      expect(await hasFocus(opened.opener(page)), 'the focus is back').toBe(true)
    } finally {
      await opened.after?.()
    }
  })
})

it('no component renders a dialog that is not in the table', () => {
  const folder = fileURLToPath(new URL('../../../../console/src', import.meta.url))
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.tsx'))
  const rendered = sources
    .filter((file) => !['ui/dialog.tsx', 'ui/action-dialog.tsx'].includes(file))
    .flatMap((file) => {
      const uses = readFileSync(join(folder, file), 'utf8').match(/<(?:dialog|Dialog|ActionDialog)\b/g) ?? []
      return uses.map((_, index) => `${file} ${index + 1}`)
    })
  const walked = new Set<string>()
  for (const { source } of dialogs) {
    let number = 1
    while (walked.has(`${source} ${number}`)) number += 1
    walked.add(`${source} ${number}`)
  }
  expect(rendered.length).toBeGreaterThan(20)
  expect(rendered.filter((use) => !walked.has(use))).toEqual([])
})

describe('a dialog', () => {
  const dialog = (page: Page) => page.getByRole('dialog')

  it('that leads to a page leaves the focus on its title', async () => {
    await browser.visit(light, async ({ page }) => {
      await openConsole(running, page)
      await button(page, /^Go to/).press('Enter')
      await page.keyboard.type('audit')
      await page.keyboard.press('Enter')
      const title = page.getByRole('heading', { level: 1, name: 'Audit log' })
      await title.waitFor()
      await expect.poll(() => hasFocus(title)).toBe(true)
    })
  })

  it('that the address has opened can be closed by Escape, and opened again', async () => {
    await browser.visit(light, async ({ page }) => {
      await openConsole(running, page, '/incident?case=database&ask=1')
      for (let time = 1; time <= 2; time += 1) {
        await dialog(page).getByText('You are signed out as well').waitFor()
        await page.keyboard.press('Escape')
        await dialog(page).waitFor({ state: 'detached' })
        await button(page, 'Replace every key').press('Enter')
      }
      await dialog(page).getByText('You are signed out as well').waitFor()
    })
  })

  it('of a dangerous action does not act on Enter in a field, unless the action is typed', async () => {
    const { id, email, token } = await register(running)
    await browser.visit(light, async ({ page }) => {
      await openConsole(running, page, `/users/${id}`)
      await button(page, 'Change…').press('Enter')
      const sent: string[] = []
      page.on('request', (request) => sent.push(`${request.method()} ${new URL(request.url()).pathname}`))
      await dialog(page).getByLabel('Roles in applications').fill('editor')
      await dialog(page).getByText('editor').waitFor()
      await page.keyboard.press('Enter')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.keyboard.press('Escape')
      await dialog(page).waitFor({ state: 'detached' })
      expect(sent).toEqual([])

      await button(page, 'Delete…').press('Enter')
      await page.keyboard.type('someone else')
      await page.keyboard.press('Enter')
      await dialog(page).getByText('address_not_typed').waitFor()
      expect(await tokenState(running, token)).toBe(200)
      await dialog(page).getByLabel('Type the address').fill(email)
      await page.keyboard.press('Enter')
      await dialog(page).getByText('The account is deleted.').waitFor()
      expect(await hasFocus(button(page, 'Done'))).toBe(true)
    })
  })

  it('acts once, stays open until the answer, and moves the focus to Done', async () => {
    await browser.visit(light, async ({ page }) => {
      await openConsole(running, page, '/clients')
      let answer: () => void = () => {}
      const held = new Promise<void>((resolve) => {
        answer = resolve
      })
      let requests = 0
      await page.route(/\/v1\/admin\/clients$/, async (route) => {
        if (route.request().method() === 'POST') {
          requests += 1
          await held
        }
        await route.continue()
      })
      await button(page, 'New client').press('Enter')
      await page.keyboard.type('once')
      for (let time = 1; time <= 3; time += 1) await page.keyboard.press('Enter')
      await button(page, 'Create the client').and(page.locator('[aria-busy=true]')).waitFor()
      // Chromium closes a dialog at the second Escape, whatever the page says.
      for (let time = 1; time <= 3; time += 1) await page.keyboard.press('Escape')
      expect(await button(page, 'Cancel').isDisabled()).toBe(true)
      expect(await button(page, 'Close').isDisabled()).toBe(true)
      answer()
      await dialog(page).getByText('Copy the secret now.').waitFor()
      expect(await page.locator('dialog:modal').count()).toBe(1)
      expect(await hasFocus(button(page, 'Done'))).toBe(true)
      expect(requests).toBe(1)
      await page.keyboard.press('Enter')
      await dialog(page).waitFor({ state: 'detached' })
      expect(await hasFocus(button(page, 'New client'))).toBe(true)
    })
  })
})
