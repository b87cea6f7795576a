import type { Registration } from '../accounts/registration.js'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import { originOf } from '../routes/caller.js'
import { cookiesOf, deviceCookie, type SessionCookies } from '../routes/session-cookies.js'
import { field, form, submit } from './form-fields.js'
import { addFormPage, optional, required } from './form-page.js'
import { linkFaults, linkField, linkRule, tokenIn } from './link-form.js'
import { newPasswordFaults, newPasswordField } from './new-password.js'
import type { Pages } from './pages.js'

interface AcceptInvitationDependencies {
  readonly pages: Pages
  readonly registration: Registration
  readonly cookies: SessionCookies
  readonly passwordMinLength: number
}

/** GET and POST /accept-invitation */
export function addAcceptInvitationPage(app: App, dependencies: AcceptInvitationDependencies): void {
  const { pages, registration, cookies, passwordMinLength: minLength } = dependencies
  addFormPage(app, {
    path: '/accept-invitation',
    config: { limit: 'recovery' },
    rules: { link: linkRule, name: optional(200), password: required(1024) },
    faults: { ...linkFaults, ...newPasswordFaults },
    open: (request, reply) => pages.open(request, reply),
    show: (page, state) => {
      const { t } = page
      const name = field(page, state, {
        name: 'name',
        label: t('common.name'),
        autocomplete: 'name',
        required: false,
        maxlength: 200,
        autofocus: true,
      })
      const password = newPasswordField(page, state, { name: 'password', minLength })
      const content = html`${linkField(page, state)}${name}${password}${submit(t('accept-invitation.submit'))}`
      const main = html`<p>${t('accept-invitation.text')}</p>${form(state, content)}`
      return { title: t('accept-invitation.title'), main }
    },
    submit: async (page, { link, name, password }) => {
      const { request, reply } = page
      const [device] = cookiesOf(request, deviceCookie)
      const input = { token: tokenIn(link), name, password }
      const signedIn = await registration.acceptInvitation(input, originOf(request), device)
      if (signedIn === undefined) return page.redirect('/check-mail')
      cookies.set(reply, signedIn)
      return page.redirect('/account')
    },
  })
}
