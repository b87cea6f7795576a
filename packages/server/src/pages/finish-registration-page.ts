import type { Registration } from '../accounts/registration.js'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import { originOf } from '../routes/caller.js'
import { cookiesOf, deviceCookie, type SessionCookies } from '../routes/session-cookies.js'
import { field, form, submit } from './form-fields.js'
import { addFormPage, required } from './form-page.js'
import { linkFaults, linkField, linkRule, tokenIn } from './link-form.js'
import type { Pages } from './pages.js'

interface FinishRegistrationDependencies {
  readonly pages: Pages
  readonly registration: Registration
  readonly cookies: SessionCookies
}

/** GET and POST /finish-registration */
export function addFinishRegistrationPage(app: App, dependencies: FinishRegistrationDependencies): void {
  const { pages, registration, cookies } = dependencies
  addFormPage(app, {
    path: '/finish-registration',
    config: { limit: 'recovery' },
    rules: { link: linkRule, password: required(1024) },
    faults: { ...linkFaults, password_wrong: 'password' },
    open: (request, reply) => pages.open(request, reply),
    show: (page, state) => {
      const { t } = page
      const password = field(page, state, {
        name: 'password',
        label: t('common.password'),
        type: 'password',
        autocomplete: 'current-password',
        autofocus: true,
      })
      const content = html`${linkField(page, state)}${password}${submit(t('finish-registration.submit'))}`
      const main = html`<p>${t('finish-registration.text')}</p>${form(state, content)}`
      return { title: t('finish-registration.title'), main }
    },
    submit: async (page, { link, password }) => {
      const [device] = cookiesOf(page.request, deviceCookie)
      const signedIn = await registration.finish({ token: tokenIn(link), password }, originOf(page.request), device)
      cookies.set(page.reply, signedIn)
      return page.redirect('/account')
    },
  })
}
