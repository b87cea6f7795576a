import { isLatchkeyError } from 'latchkey'
import type { SignOut } from '../accounts/sign-out.js'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import { actingOf, originOf } from '../routes/caller.js'
import type { SessionCookies } from '../routes/session-cookies.js'
import type { OpenAccountPage } from './account-page-context.js'
import { form, submit } from './form-fields.js'
import { addFormPage } from './form-page.js'

interface SignOutPageDependencies {
  readonly signOut: SignOut
  readonly cookies: SessionCookies
  readonly open: OpenAccountPage
}

/** GET and POST /sign-out */
export function addSignOutPage(app: App, { signOut, cookies, open }: SignOutPageDependencies): void {
  addFormPage(app, {
    path: '/sign-out',
    config: { impersonation: 'allow' },
    rules: {},
    open,
    show: (page, state) => {
      const { t, href } = page
      const main = html`<p>${t('sign-out.text')}</p>${form(state, submit(t('sign-out.submit')))}
<p class="links"><a href="${href('/account')}">${t('common.cancel')}</a></p>`
      return { title: t('sign-out.title'), main }
    },
    submit: async (page) => {
      await signOut.logout(actingOf(page.request), originOf(page.request)).catch((error: unknown) => {
        // The session has ended already.
        if (!isLatchkeyError(error) || error.statusCode !== 401) throw error
      })
      cookies.clear(page.reply)
      return page.redirect('/sign-in', { notice: 'signed-out' })
    },
  })
}
