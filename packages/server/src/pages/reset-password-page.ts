import type { Recovery } from '../accounts/recovery.js'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import { originOf } from '../routes/caller.js'
import { cookiesOf, deviceCookie } from '../routes/session-cookies.js'
import { form, submit } from './form-fields.js'
import { addFormPage, required } from './form-page.js'
import { linkFaults, linkField, linkRule, tokenIn } from './link-form.js'
import { faultsAt, newPasswordField } from './new-password.js'
import type { Pages } from './pages.js'

interface ResetPasswordDependencies {
  readonly pages: Pages
  readonly recovery: Recovery
  readonly passwordMinLength: number
}

/** GET and POST /reset-password */
export function addResetPasswordPage(
  app: App,
  { pages, recovery, passwordMinLength }: ResetPasswordDependencies,
): void {
  addFormPage(app, {
    path: '/reset-password',
    config: { limit: 'recovery' },
    rules: { link: linkRule, new_password: required(1024) },
    faults: { ...linkFaults, ...faultsAt('new_password') },
    open: (request, reply) => pages.open(request, reply),
    show: (page, state) => {
      const { t, href } = page
      const password = newPasswordField(page, state, {
        name: 'new_password',
        minLength: passwordMinLength,
        autofocus: true,
      })
      const content = html`${linkField(page, state)}${password}${submit(t('reset-password.submit'))}`
      const main = html`<p>${t('reset-password.text')}</p>${form(state, content)}
<p class="links"><a href="${href('/forgot-password')}">${t('forgot-password.title')}</a></p>`
      return { title: t('reset-password.title'), main }
    },
    submit: async (page, { link, new_password: password }) => {
      const [device] = cookiesOf(page.request, deviceCookie)
      await recovery.reset({ token: tokenIn(link), password }, originOf(page.request), device)
      return page.redirect('/sign-in', { notice: 'password-reset' })
    },
  })
}
