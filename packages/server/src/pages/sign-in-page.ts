import type { SignIn } from '../accounts/sign-in.js'
import type { MailSignInMode } from '../config/settings.js'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import type { Tracing } from '../ops/tracing/tracing.js'
import { isProblem } from '../problem.js'
import { originOf } from '../routes/caller.js'
import { namedEmail } from '../routes/named-email.js'
import { cookiesOf, deviceCookie, type SessionCookies } from '../routes/session-cookies.js'
import { field, form, submit } from './form-fields.js'
import { addFormPage, required } from './form-page.js'
import type { FormState } from './form-state.js'
import type { Page, PageView } from './page.js'
import { renewPath, type SessionState } from './page-session.js'
import type { Pages } from './pages.js'
import { passkeyBox } from './passkey-box.js'
import { type AskingDependencies, askSecondFactor } from './second-factor-page.js'

export interface SignInPageDependencies extends AskingDependencies {
  readonly pages: Pages
  readonly signIn: SignIn
  readonly tracing: Tracing
  /** Whether people can register by themselves. */
  readonly isOpen: boolean
  readonly mailMode: MailSignInMode
  /** Returns whether the browser is signed in already. */
  readonly stateOf: (page: Page) => Promise<SessionState>
}

const rules = { email: required(320), password: required(1024) }

/** GET and POST /sign-in */
export function addSignInPage(app: App, dependencies: SignInPageDependencies): void {
  const { pages, signIn, cookies, tracing, stateOf } = dependencies
  addFormPage(app, {
    path: '/sign-in',
    config: { limit: 'login', named: namedEmail },
    rules,
    open: (request, reply) => pages.open(request, reply),
    skip: async (page) => {
      const state = await stateOf(page)
      if (state === 'live') page.leave()
      if (state === 'expired') page.redirect(renewPath, { return_to: targetOf(page) })
      return state !== 'none'
    },
    show: (page, state) => signInView(page, state, dependencies),
    submit: async (page, { email, password }) => {
      const { request, reply } = page
      const [device] = cookiesOf(request, deviceCookie)
      const attempt = () => signIn.login({ email, password }, originOf(request), device)
      try {
        cookies.set(reply, await tracing.within({ name: 'latchkey.login' }, attempt))
        return page.leave()
      } catch (error) {
        const asked = askSecondFactor(page, dependencies, error)
        if (asked !== undefined) return asked
        keepDevice(page, cookies, error)
        throw error
      }
    },
  })
}

/** Returns the place to return to after a renewal of the session. */
function targetOf(page: Page): string {
  return page.target()?.location ?? page.href('/account')
}

/** Keeps the device token of a refusal, which names the device that must be confirmed. */
function keepDevice({ reply }: Page, cookies: SessionCookies, error: unknown): void {
  const token = isProblem(error) ? error.extensions?.device_token : undefined
  if (typeof token === 'string') cookies.setDevice(reply, token)
}

function signInView(page: Page, state: FormState, { isOpen, mailMode }: SignInPageDependencies): PageView {
  const { t, href } = page
  const target = page.target()
  const query = { return_to: target?.location }
  // The script asks for a passkey while the field of the address has the focus.
  const email = field(page, state, {
    name: 'email',
    label: t('common.email'),
    type: 'email',
    autocomplete: 'username webauthn',
    inputmode: 'email',
    autofocus: true,
  })
  const password = field(page, state, {
    name: 'password',
    label: t('common.password'),
    type: 'password',
    autocomplete: 'current-password',
  })
  const resend =
    state.code === 'email_unverified'
      ? html`<p><a href="${href('/resend-email')}">${t('sign-in.resend')}</a></p>`
      : undefined
  const mailLabel = mailMode === 'link' ? t('sign-in.mail-link') : t('sign-in.mail-code')
  const byMail =
    mailMode === 'off'
      ? undefined
      : html`<p class="links"><a href="${href('/sign-in/mail', query)}">${mailLabel}</a></p>`
  const main = html`${form(state, html`${email}${password}${submit(t('sign-in.submit'))}`)}
${passkeyBox(page, { use: 'sign-in', label: t('sign-in.passkey'), target: targetOf(page) })}
${byMail}
${resend}
<p class="links"><a href="${href('/forgot-password')}">${t('sign-in.forgot')}</a>
${isOpen ? html`<a href="${href('/register', query)}">${t('sign-in.register')}</a>` : undefined}</p>`
  return { title: t('sign-in.title'), main, leadsTo: target?.origin }
}
