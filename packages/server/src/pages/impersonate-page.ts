import type { Impersonations } from '../admin/impersonations.js'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import { originOf } from '../routes/caller.js'
import type { SessionCookies } from '../routes/session-cookies.js'
import { form, submit } from './form-fields.js'
import { addFormPage } from './form-page.js'
import { linkFaults, linkField, linkRule, tokenIn } from './link-form.js'
import type { Pages } from './pages.js'

interface ImpersonatePageDependencies {
  readonly pages: Pages
  readonly impersonations: Impersonations
  readonly cookies: SessionCookies
}

/**
 * GET and POST /impersonate: an administrator opens a session of another account. Only the form
 * does it, so that a program which follows links cannot use the link up.
 */
export function addImpersonatePage(app: App, { pages, impersonations, cookies }: ImpersonatePageDependencies): void {
  addFormPage(app, {
    path: '/impersonate',
    config: { limit: 'recovery' },
    rules: { link: linkRule },
    faults: linkFaults,
    open: (request, reply) => pages.open(request, reply),
    show: (page, state) => {
      const { t } = page
      const content = html`${linkField(page, state)}${submit(t('impersonate.submit'))}`
      const main = html`<p>${t('impersonate.text')}</p>${form(state, content)}`
      return { title: t('impersonate.title'), main }
    },
    submit: async (page, { link }) => {
      const { tokens } = await impersonations.open(tokenIn(link), originOf(page.request))
      cookies.set(page.reply, { tokens })
      return page.redirect('/account')
    },
  })
}
