import type { EmailVerification } from '../accounts/email-verification.js'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import { actingOf, originOf } from '../routes/caller.js'
import { field, form, submit } from './form-fields.js'
import { addFormPage, optional } from './form-page.js'
import { linkFaults, linkField, linkRule, tokenIn } from './link-form.js'
import type { Page } from './page.js'
import type { SessionState } from './page-session.js'
import type { Pages } from './pages.js'

interface VerifyEmailDependencies {
  readonly pages: Pages
  readonly emails: EmailVerification
  /** Returns whether the browser is signed in. */
  readonly stateOf: (page: Page) => Promise<SessionState>
}

/**
 * GET and POST /verify-email. The session of the browser or the password shows that the account is
 * that of the reader: see `EmailVerification.verify`.
 */
export function addVerifyEmailPage(app: App, { pages, emails, stateOf }: VerifyEmailDependencies): void {
  addFormPage(app, {
    path: '/verify-email',
    config: { limit: 'recovery' },
    rules: { link: linkRule, password: optional(1024) },
    faults: { ...linkFaults, password_wrong: 'password', password_required: 'password' },
    open: (request, reply) => pages.open(request, reply),
    show: async (page, state) => {
      const { t, href } = page
      const isSignedIn = (await stateOf(page)) === 'live'
      const password = field(page, state, {
        name: 'password',
        label: t('common.password'),
        type: 'password',
        autocomplete: 'current-password',
        hint: t('verify-email.password-hint'),
      })
      const needsPassword = !isSignedIn || state.code === 'password_required' || state.code === 'password_wrong'
      const content = html`${linkField(page, state)}${needsPassword ? password : undefined}${submit(t('verify-email.submit'))}`
      const main = html`<p>${t('verify-email.text')}</p>${form(state, content)}
<p class="links"><a href="${href('/resend-email')}">${t('sign-in.resend')}</a>
<a href="${href('/forgot-password')}">${t('sign-in.forgot')}</a></p>`
      return { title: t('verify-email.title'), main }
    },
    submit: async (page, { link, password }) => {
      const { request } = page
      const isSignedIn = (await stateOf(page)) === 'live'
      const acting = isSignedIn && password === undefined ? actingOf(request) : undefined
      await emails.verify({ token: tokenIn(link), password, acting }, originOf(request))
      return page.redirect(isSignedIn ? '/account' : '/sign-in', { notice: 'email-verified' })
    },
  })
}
