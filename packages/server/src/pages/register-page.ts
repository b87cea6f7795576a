import type { Registration } from '../accounts/registration.js'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import { originOf } from '../routes/caller.js'
import { cookiesOf, deviceCookie, type SessionCookies } from '../routes/session-cookies.js'
import { field, form, submit } from './form-fields.js'
import { addFormPage, optional, required } from './form-page.js'
import type { FormState } from './form-state.js'
import { newPasswordFaults, newPasswordField } from './new-password.js'
import type { Page, PageView } from './page.js'
import type { Pages } from './pages.js'

export interface RegisterPageDependencies {
  readonly pages: Pages
  readonly registration: Registration
  readonly cookies: SessionCookies
  readonly isOpen: boolean
  readonly passwordMinLength: number
}

const rules = { email: required(320), name: optional(200), password: required(1024) }

/** GET and POST /register */
export function addRegisterPage(app: App, dependencies: RegisterPageDependencies): void {
  const { pages, registration, cookies } = dependencies
  addFormPage(app, {
    path: '/register',
    config: { limit: 'register' },
    rules,
    faults: { ...newPasswordFaults, email_invalid: 'email', email_taken: 'email' },
    open: (request, reply) => pages.open(request, reply),
    show: (page, state) => registerView(page, state, dependencies),
    submit: async (page, values) => {
      const [device] = cookiesOf(page.request, deviceCookie)
      const signedIn = await registration.register(values, originOf(page.request), device)
      if (signedIn === undefined) return page.redirect('/check-mail')
      cookies.set(page.reply, signedIn)
      return page.leave()
    },
  })
}

function registerView(page: Page, state: FormState, { isOpen, passwordMinLength }: RegisterPageDependencies): PageView {
  const { t, href } = page
  const target = page.target()
  const title = t('register.title')
  const signInLink = html`<p class="links"><a href="${href('/sign-in', { return_to: target?.location })}">${t('register.sign-in')}</a></p>`
  if (!isOpen) return { title, main: html`<p>${t('register.closed')}</p>${signInLink}` }
  const email = field(page, state, {
    name: 'email',
    label: t('common.email'),
    type: 'email',
    autocomplete: 'username',
    inputmode: 'email',
    autofocus: true,
  })
  const name = field(page, state, {
    name: 'name',
    label: t('common.name'),
    autocomplete: 'name',
    required: false,
    maxlength: 200,
  })
  const password = newPasswordField(page, state, { name: 'password', minLength: passwordMinLength })
  const main = html`${form(state, html`${email}${name}${password}${submit(t('register.submit'))}`)}${signInLink}`
  return { title, main, leadsTo: target?.origin }
}
